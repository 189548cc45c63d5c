/*
 * iosurface_api.h: the parts of IOSurface.framework, CoreFoundation and libobjc that the shim uses.
 *
 * They are declared here and looked up at run time: the cross compiler has
 * neither headers nor stubs of the two frameworks, and a process without
 * surfaces need not load them. Names, types and values are those of
 * IOSurfaceRef.h, IOSurfaceAPI.h, IOSurfaceTypes.h, CFBase.h, CFNumber.h,
 * CFArray.h and CFDictionary.h, which document them, and of objc-internal.h. All exist since
 * macOS 10.7.
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
typedef const struct __CFArray *CFArrayRef;
typedef struct __IOSurface *IOSurfaceRef;

/* CFNumberType of an int32_t, and of an int64_t. */
#define SLB_CF_NUMBER_SINT32 3
#define SLB_CF_NUMBER_SINT64 4

/* IOSurfaceLockOptions: read access only. Lock and unlock must get the same options. */
#define SLB_IOSURFACE_LOCK_READ_ONLY 1u

enum framework { CORE_FOUNDATION, IO_SURFACE, OBJECTIVE_C };

/*
 * F: a function, with its result, name and parameters. V: a variable, with its
 * type and name. Create, Copy and Lookup return a reference that the caller must
 * drop with CFRelease, or with xpc_release for an XPC object.
 */
#define IOSURFACE_API(F, V)                                                                                    \
    F(CORE_FOUNDATION, void, CFRelease, (CFTypeRef object))                                                    \
    F(CORE_FOUNDATION, unsigned long, CFGetTypeID, (CFTypeRef object))                                         \
    F(CORE_FOUNDATION, unsigned long, CFNumberGetTypeID, (void))                                               \
    F(CORE_FOUNDATION, unsigned char, CFNumberGetValue, (CFNumberRef number, long type, void *value))          \
    F(CORE_FOUNDATION, CFNumberRef, CFNumberCreate, (const void *allocator, long type, const void *value))     \
    F(CORE_FOUNDATION, CFDictionaryRef, CFDictionaryCreate,                                                    \
      (const void *allocator, const void **keys, const void **values, long count, const void *key_callbacks,   \
       const void *value_callbacks))                                                                           \
    F(CORE_FOUNDATION, CFArrayRef, CFArrayCreate,                                                              \
      (const void *allocator, const void **values, long count, const void *callbacks))                         \
    V(CORE_FOUNDATION, const void, kCFTypeArrayCallBacks)                                                      \
    V(CORE_FOUNDATION, const void, kCFTypeDictionaryKeyCallBacks)                                              \
    V(CORE_FOUNDATION, const void, kCFTypeDictionaryValueCallBacks)                                            \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceWidth)                                                          \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceHeight)                                                         \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceBytesPerElement)                                                \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceBytesPerRow)                                                    \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceAllocSize)                                                      \
    V(IO_SURFACE, const CFStringRef, kIOSurfacePixelFormat)                                                    \
    V(IO_SURFACE, const CFStringRef, kIOSurfaceOffset)                                                         \
    V(IO_SURFACE, const CFStringRef, kIOSurfacePlaneInfo)                                                      \
    V(IO_SURFACE, const CFStringRef, kIOSurfacePlaneWidth)                                                     \
    V(IO_SURFACE, const CFStringRef, kIOSurfacePlaneHeight)                                                    \
    V(IO_SURFACE, const CFStringRef, kIOSurfacePlaneBytesPerElement)                                           \
    V(IO_SURFACE, const CFStringRef, kIOSurfacePlaneBytesPerRow)                                               \
    V(IO_SURFACE, const CFStringRef, kIOSurfacePlaneOffset)                                                    \
    V(IO_SURFACE, const CFStringRef, kIOSurfacePlaneSize)                                                      \
    F(IO_SURFACE, CFTypeRef, IOSurfaceCopyValue, (IOSurfaceRef surface, CFStringRef key))                      \
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
    F(IO_SURFACE, size_t, IOSurfaceGetWidthOfPlane, (IOSurfaceRef surface, size_t plane))                      \
    F(IO_SURFACE, size_t, IOSurfaceGetHeightOfPlane, (IOSurfaceRef surface, size_t plane))                     \
    F(IO_SURFACE, size_t, IOSurfaceGetBytesPerElementOfPlane, (IOSurfaceRef surface, size_t plane))            \
    F(IO_SURFACE, size_t, IOSurfaceGetElementWidthOfPlane, (IOSurfaceRef surface, size_t plane))               \
    F(IO_SURFACE, size_t, IOSurfaceGetElementHeightOfPlane, (IOSurfaceRef surface, size_t plane))              \
    F(IO_SURFACE, size_t, IOSurfaceGetBytesPerRowOfPlane, (IOSurfaceRef surface, size_t plane))                \
    F(IO_SURFACE, void *, IOSurfaceGetBaseAddressOfPlane, (IOSurfaceRef surface, size_t plane))                \
    F(IO_SURFACE, size_t, IOSurfaceGetBytesPerRow, (IOSurfaceRef surface))                                     \
    F(IO_SURFACE, size_t, IOSurfaceGetAllocSize, (IOSurfaceRef surface))                                       \
    F(IO_SURFACE, uint32_t, IOSurfaceGetPixelFormat, (IOSurfaceRef surface))                                   \
    F(IO_SURFACE, void *, IOSurfaceGetBaseAddress, (IOSurfaceRef surface))                                     \
    F(IO_SURFACE, int, IOSurfaceLock, (IOSurfaceRef surface, uint32_t options, uint32_t *seed))                \
    F(IO_SURFACE, int, IOSurfaceUnlock, (IOSurfaceRef surface, uint32_t options, uint32_t *seed))              \
    F(IO_SURFACE, void, IOSurfaceIncrementUseCount, (IOSurfaceRef surface))                                    \
    F(IO_SURFACE, void, IOSurfaceDecrementUseCount, (IOSurfaceRef surface))                                    \
    F(OBJECTIVE_C, void *, objc_autoreleasePoolPush, (void))                                                   \
    F(OBJECTIVE_C, void, objc_autoreleasePoolPop, (void *pool))

struct iosurface_api {
#define MEMBER_FUNCTION(framework, result, name, parameters) result(*name) parameters;
#define MEMBER_VARIABLE(framework, type, name) type *name;
    IOSURFACE_API(MEMBER_FUNCTION, MEMBER_VARIABLE)
#undef MEMBER_FUNCTION
#undef MEMBER_VARIABLE
};

/* The system's functions, loaded at the first call. NULL with the error set if one is missing. */
const struct iosurface_api *iosurface_api(void);

/* Returns the address of `name` in a framework, or NULL. */
typedef void *(*iosurface_find_f)(enum framework framework, const char *name);

/* Fills in `api`. Returns NULL, or the first name that `find` does not have. */
const char *iosurface_api_fill(struct iosurface_api *api, iosurface_find_f find);

/* The path of a framework. Weak, so that a test can replace it. */
const char *iosurface_framework_path(enum framework framework);

#endif
