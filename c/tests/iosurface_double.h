/*
 * iosurface_double.h - the test interface of the double of IOSurface.framework and CoreFoundation,
 * besides Apple's own functions.
 *
 * The double checks the rules that Apple's documentation has for the caller. It records a breach as
 * a violation, and the call continues without harm if possible.
 */
#ifndef IOSURFACE_DOUBLE_H
#define IOSURFACE_DOUBLE_H

#include "iosurface_api.h"
#include "streamlib_bridge.h"

/* The kernel's data about a surface, in memory that all its holders have mapped. A test may write false values. */
struct iosurface_geometry {
    uint64_t magic;
    size_t width, height, element_bytes, element_width, element_height, planes, bytes_per_row, alloc_size, offset;
    struct iosurface_plane {
        size_t width, height, element_bytes, element_width, element_height, bytes_per_row;
        ptrdiff_t offset; /* of its base address from the surface's */
    } plane[SLB_MAX_PLANES];
    bool prohibits_uses; /* a use count on it ends the process */
    uint32_t pixel_format, id;
    _Atomic uint32_t seed;
    _Atomic int users; /* processes that use it */
};

struct iosurface_double {
    /* Removes and returns the oldest violation; NULL if there is none. */
    const char *(*take_violation)(void);
    /* The number of CoreFoundation objects that are not released. */
    int (*live)(void);
    /* Frees the released objects. Until then a use of one is a violation. */
    void (*forget)(void);
    /* The next call of that function fails, although the caller makes no mistake. */
    void (*fail_next)(const char *function);
    /* The data of a surface that this process has. */
    struct iosurface_geometry *(*geometry)(uint32_t id);
    /* Moves the surface's pixels to another address. No such move by Apple's framework is known. */
    void (*move)(uint32_t id);
    /* The number of calls of IOSurfaceLock and IOSurfaceUnlock. */
    int (*lock_calls)(void);
};

/* The double exports it as `iosurface_double`. */
extern const struct iosurface_double iosurface_double;

#endif
