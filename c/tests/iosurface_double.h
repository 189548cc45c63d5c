/*
 * iosurface_double.h - what a test asks of the double that stands in for IOSurface.framework and
 * CoreFoundation, beside Apple's own functions.
 *
 * The double is strict where Apple's documentation says what a caller has to do: a breach is
 * written down as a violation, and the call goes on as harmlessly as it can.
 */
#ifndef IOSURFACE_DOUBLE_H
#define IOSURFACE_DOUBLE_H

#include "iosurface_api.h"

/* What the kernel knows of a surface, in memory that all its holders have mapped. A test may lie in it. */
struct iosurface_geometry {
    uint64_t magic;
    size_t width, height, element_bytes, element_width, element_height, planes, bytes_per_row, alloc_size;
    uint32_t pixel_format, id;
    _Atomic uint32_t seed;
    _Atomic int users; /* processes that use it */
};

struct iosurface_double {
    /* The oldest violation that was not taken yet, which is then forgotten; NULL: there is none. */
    const char *(*take_violation)(void);
    /* CoreFoundation objects that somebody still has to release. */
    int (*live)(void);
    /* Frees what was released: until then it is known as such. */
    void (*forget)(void);
    /* The next call of that function fails, for no fault of the caller. */
    void (*fail_next)(const char *function);
    /* Of a surface that this process has. */
    struct iosurface_geometry *(*geometry)(uint32_t id);
    /* Puts the surface's pixels elsewhere, which Apple's never do as far as anyone knows. */
    void (*move)(uint32_t id);
    /* Calls of IOSurfaceLock and IOSurfaceUnlock so far. */
    int (*lock_calls)(void);
};

/* The double exports it as `iosurface_double`. */
extern const struct iosurface_double iosurface_double;

#endif
