/*
 * iosurface_api.h: what the shim uses of IOSurface.framework and CoreFoundation.
 *
 * Declared by hand and found at run time: where the shim is cross-compiled
 * there are neither headers nor stubs of the two, and a process without
 * surfaces has no need to load them. Names, types and values are those of
 * IOSurfaceRef.h, IOSurfaceAPI.h, IOSurfaceTypes.h, CFBase.h, CFNumber.h and
 * CFDictionary.h; what each does is said there. All are there from macOS 10.7.
 */
#ifndef SLB_IOSURFACE_API_H
#define SLB_IOSURFACE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xpc/xpc.h>

typedef const void *CFTypeRef;
typedef const struct __CFString *CFStringRef;
typedef const struct __CFNumber *CFNumberRef;
typedef const struct __CFDictionary *CFDictionaryRef;
typedef struct __IOSurface *IOSurfaceRef;

/* CFNumberType: from an int32_t. */
#define SLB_CF_NUMBER_SINT32 3

/* IOSurfaceLockOptions: nothing is written; to be given to the unlock as to the lock. */
#define SLB_IOSURFACE_LOCK_READ_ONLY 1u

enum framework { CORE_FOUNDATION, IO_SURFACE };

/*
 * F: a function, its result, name and parameters. V: a variable, its type and
 * name. Create, Copy and Lookup give +1, which CFRelease ends, or xpc_release
 * for an XPC object.
 */
#define IOSURFACE_API(F, V)                                                                                    \
    F(CORE_FOUNDATION, void, CFRelease, (CFTypeRef object))                                                    \
    F(CORE_FOUNDATION, CFNumberRef, CFNumberCreate, (const void *allocator, long type, const void *value))     \
    F(CORE_FOUNDATION, CFDictionaryRef, CFDictionaryCreate,                                                    \
      (const void *allocator, const void **keys, const void **values, long count, const void *key_callbacks,   \
       const void *value_callbacks))                                                                           \
    V(CORE_FOUNDATION, const void, kCFTypeDictionaryKeyCallBacks)                                              \
    V(CORE_FOUNDATION, const void, kCFTypeDictionaryValueCallBacks)                                            \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceWidth)                                                          \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceHeight)                                                         \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceBytesPerElement)                                                \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceBytesPerRow)                                                    \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceAllocSize)                                                      \
    V(IO_SURFACE, const CFStringRef, kIOSurfacePixelFormat)                                                    \
    F(IO_SURFACE, size_t, IOSurfaceAlignProperty, (CFStringRef property, size_t value))                        \
    F(IO_SURFACE, IOSurfaceRef, IOSurfaceCreate, (CFDictionaryRef properties))                                 \
    F(IO_SURFACE, xpc_object_t, IOSurfaceCreateXPCObject, (IOSurfaceRef surface))                              \
    F(IO_SURFACE, IOSurfaceRef, IOSurfaceLookupFromXPCObject, (xpc_object_t object))                           \
    F(IO_SURFACE, uint32_t, IOSurfaceGetID, (IOSurfaceRef surface))                                            \
    F(IO_SURFACE, size_t, IOSurfaceGetWidth, (IOSurfaceRef surface))                                           \
    F(IO_SURFACE, size_t, IOSurfaceGetHeight, (IOSurfaceRef surface))                                          \
    F(IO_SURFACE, size_t, IOSurfaceGetBytesPerElement, (IOSurfaceRef surface))                                 \
    F(IO_SURFACE, size_t, IOSurfaceGetElementWidth, (IOSurfaceRef surface))                                    \
    F(IO_SURFACE, size_t, IOSurfaceGetElementHeight, (IOSurfaceRef surface))                                   \
    F(IO_SURFACE, size_t, IOSurfaceGetPlaneCount, (IOSurfaceRef surface))                                      \
    F(IO_SURFACE, size_t, IOSurfaceGetBytesPerRow, (IOSurfaceRef surface))                                     \
    F(IO_SURFACE, size_t, IOSurfaceGetAllocSize, (IOSurfaceRef surface))                                       \
    F(IO_SURFACE, uint32_t, IOSurfaceGetPixelFormat, (IOSurfaceRef surface))                                   \
    F(IO_SURFACE, void *, IOSurfaceGetBaseAddress, (IOSurfaceRef surface))                                     \
    F(IO_SURFACE, int, IOSurfaceLock, (IOSurfaceRef surface, uint32_t options, uint32_t *seed))                \
    F(IO_SURFACE, int, IOSurfaceUnlock, (IOSurfaceRef surface, uint32_t options, uint32_t *seed))              \
    F(IO_SURFACE, void, IOSurfaceIncrementUseCount, (IOSurfaceRef surface))                                    \
    F(IO_SURFACE, void, IOSurfaceDecrementUseCount, (IOSurfaceRef surface))

struct iosurface_api {
#define MEMBER_FUNCTION(framework, result, name, parameters) result(*name) parameters;
#define MEMBER_VARIABLE(framework, type, name) type *name;
    IOSURFACE_API(MEMBER_FUNCTION, MEMBER_VARIABLE)
#undef MEMBER_FUNCTION
#undef MEMBER_VARIABLE
};

/* The system's, loaded on the first call. NULL with the error set if something of it is missing. */
const struct iosurface_api *iosurface_api(void);

/* What a framework calls `name`, or NULL. */
typedef void *(*iosurface_find_f)(enum framework framework, const char *name);

/* Fills it in. NULL, or the first name that `find` has not. */
const char *iosurface_api_fill(struct iosurface_api *api, iosurface_find_f find);

/* Where the framework is. Weak, so that a test can put a double in its place. */
const char *iosurface_framework_path(enum framework framework);

#endif
