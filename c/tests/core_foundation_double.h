/*
 * core_foundation_double.h - used by iosurface_double.c: violations, failures on demand, and
 * CoreFoundation's counted objects. Nothing here is exported from their shared object.
 */
#ifndef CORE_FOUNDATION_DOUBLE_H
#define CORE_FOUNDATION_DOUBLE_H

#include "iosurface_double.h"

#pragma GCC visibility push(hidden)

__attribute__((format(printf, 1, 2))) void violation(const char *format, ...);
const char *take_violation(void);

void fail_next(const char *function);
/* Whether this call of `function` must fail. */
bool fails(const char *function);

enum kind { STRING, NUMBER, DICTIONARY, ARRAY, SURFACE };

struct object {
    enum kind kind;
    int references; /* 0: released, but kept so that a later use is detected */
    struct object *next;
};

struct __CFString {
    struct object head; /* only constants, which are not counted */
};
struct __CFNumber {
    struct object head;
    int64_t value;
};
struct __CFDictionary {
    struct object head;
    long count;
    const void *keys[8], *values[8];
};
struct __CFArray {
    struct object head;
    long count;
    const void *values[8];
};
struct __IOSurface {
    struct object head;
    int file;
    struct iosurface_geometry *geometry;
    uint8_t *pixels;
    size_t length; /* of the pixels, in whole pages */
    int locks[2];  /* [0] for writing, [1] for reading only */
};

extern struct object *objects; /* every object that was made and not freed by forget() */

/* A zeroed object with one reference. */
void *make(enum kind kind, size_t size);
/* Returns the object if it exists, has that kind and is not released; else NULL, with a violation. */
void *valid(CFTypeRef pointer, enum kind kind, const char *function);
int live(void);
void forget(void);

/* A call that leaves an object to the thread's autorelease pool: a violation if there is none. */
void autorelease(const char *function);

/* Called by the last release of a surface. */
void surface_end(IOSurfaceRef surface);

#pragma GCC visibility pop

#endif
