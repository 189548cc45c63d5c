/*
 * core_foundation_double.h - the ground that iosurface_double.c stands on: violations, failures on
 * demand, and CoreFoundation's counted objects. Nothing here leaves their shared object.
 */
#ifndef CORE_FOUNDATION_DOUBLE_H
#define CORE_FOUNDATION_DOUBLE_H

#include "iosurface_double.h"

#pragma GCC visibility push(hidden)

__attribute__((format(printf, 1, 2))) void violation(const char *format, ...);
const char *take_violation(void);

void fail_next(const char *function);
/* Whether that call of `function` is the one to fail. */
bool fails(const char *function);

enum kind { STRING, NUMBER, DICTIONARY, SURFACE };

struct object {
    enum kind kind;
    int references; /* 0: released, and here to be recognised */
    struct object *next;
};

struct __CFString {
    struct object head; /* constants only, never counted */
};
struct __CFNumber {
    struct object head;
    int32_t value;
};
struct __CFDictionary {
    struct object head;
    long count;
    const void *keys[8], *values[8];
};
struct __IOSurface {
    struct object head;
    int file;
    struct iosurface_geometry *geometry;
    uint8_t *pixels;
    size_t length; /* of the pixels, whole pages */
    int locks[2];  /* [0] to write, [1] only to read */
};

extern struct object *objects; /* every one that was made and not forgotten */

/* A zeroed object with one reference. */
void *make(enum kind kind, size_t size);
/* The object if it is one, of that kind and not released; else NULL and a violation. */
void *valid(CFTypeRef pointer, enum kind kind, const char *function);
int live(void);
void forget(void);

/* What the last release of a surface does. */
void surface_end(IOSurfaceRef surface);

#pragma GCC visibility pop

#endif
