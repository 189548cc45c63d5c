/*
 * iosurface_double_test.c: the double of the framework must detect the breach of each rule. Otherwise
 * the tests that pass with it prove nothing.
 */
#include <signal.h>

#include "iosurface_support.h"

static void *whole_run; /* an autorelease pool */

static CFDictionaryRef properties(int32_t width, int32_t row, CFStringRef also) {
    const struct iosurface_api *api = iosurface_api();
    const void *keys[] = {*api->kIOSurfaceWidth, *api->kIOSurfaceHeight, *api->kIOSurfaceBytesPerRow, also};
    int32_t numbers[] = {width, 1, row, 1};
    const void *values[4];
    for (int i = 0; i < 4; i++) values[i] = api->CFNumberCreate(NULL, SLB_CF_NUMBER_SINT32, &numbers[i]);
    CFDictionaryRef made = api->CFDictionaryCreate(NULL, keys, values, also ? 4 : 3, api->kCFTypeDictionaryKeyCallBacks,
                                                   api->kCFTypeDictionaryValueCallBacks);
    for (int i = 0; i < 4; i++) api->CFRelease(values[i]);
    return made;
}

static IOSurfaceRef raw_surface(void) {
    CFDictionaryRef plain = properties(4, 64, NULL);
    IOSurfaceRef surface = iosurface_api()->IOSurfaceCreate(plain);
    iosurface_api()->CFRelease(plain);
    return surface;
}

static void test_properties(void) {
    const struct iosurface_api *api = iosurface_api();
    CFDictionaryRef unaligned = properties(4, 16, NULL);
    IOSurfaceRef surface = api->IOSurfaceCreate(unaligned);
    CHECK_BROKEN("IOSurfaceCreate: rows of 16 bytes are not aligned");
    api->CFRelease(surface);
    api->CFRelease(unaligned);
    CFDictionaryRef global = properties(4, 64, *(const CFStringRef *)extra("kIOSurfaceIsGlobal"));
    surface = api->IOSurfaceCreate(global);
    CHECK_BROKEN("IOSurfaceCreate: global surfaces are insecure");
    api->CFRelease(surface);
    api->CFRelease(global);
    int32_t number = 1;
    CFNumberRef other = api->CFNumberCreate(NULL, SLB_CF_NUMBER_SINT64, &(int64_t){1});
    CHECK_BROKEN("CFNumberCreate: of type 4, which is not here");
    CFDictionaryRef loose = api->CFDictionaryCreate(NULL, (const void **)&(const void *){api->kIOSurfaceWidth},
                                                    (const void **)&other, 1, NULL, NULL);
    CHECK_BROKEN("CFDictionaryCreate: without the callbacks that retain");
    api->CFRelease(loose);
    api->CFRelease(other);
    CHECK(api->IOSurfaceCreate((CFDictionaryRef)(const void *)&number) == NULL);
    CHECK_BROKEN("IOSurfaceCreate: of no object");
}

/* The first plane has these properties, and the second follows it. */
static IOSurfaceRef planar(int32_t row, int32_t offset, int32_t size, const void *callbacks) {
    const struct iosurface_api *api = iosurface_api();
    const void *keys[] = {*api->kIOSurfacePlaneWidth,      *api->kIOSurfacePlaneHeight, *api->kIOSurfacePlaneBytesPerElement,
                          *api->kIOSurfacePlaneBytesPerRow, *api->kIOSurfacePlaneOffset, *api->kIOSurfacePlaneSize};
    int32_t numbers[2][6] = {{4, 2, 1, row, offset, size}, {2, 1, 2, 64, 256, 256}};
    const void *planes[2];
    for (int i = 0; i < 2; i++) {
        const void *values[6];
        for (int j = 0; j < 6; j++) values[j] = api->CFNumberCreate(NULL, SLB_CF_NUMBER_SINT32, &numbers[i][j]);
        planes[i] = api->CFDictionaryCreate(NULL, keys, values, 6, api->kCFTypeDictionaryKeyCallBacks,
                                            api->kCFTypeDictionaryValueCallBacks);
        for (int j = 0; j < 6; j++) api->CFRelease(values[j]);
    }
    CFArrayRef array = api->CFArrayCreate(NULL, planes, 2, callbacks);
    for (int i = 0; i < 2; i++) api->CFRelease(planes[i]);
    const void *own_keys[] = {*api->kIOSurfaceWidth, *api->kIOSurfaceHeight, *api->kIOSurfacePlaneInfo};
    const void *own[] = {api->CFNumberCreate(NULL, SLB_CF_NUMBER_SINT32, &numbers[0][0]),
                         api->CFNumberCreate(NULL, SLB_CF_NUMBER_SINT32, &numbers[0][1]), array};
    CFDictionaryRef all = api->CFDictionaryCreate(NULL, own_keys, own, 3, api->kCFTypeDictionaryKeyCallBacks,
                                                  api->kCFTypeDictionaryValueCallBacks);
    for (int i = 0; i < 3; i++) api->CFRelease(own[i]);
    IOSurfaceRef surface = api->IOSurfaceCreate(all);
    api->CFRelease(all);
    return surface;
}

static void test_planes(void) {
    const struct iosurface_api *api = iosurface_api();
    IOSurfaceRef surface = planar(64, 0, 256, api->kCFTypeArrayCallBacks);
    CHECK(api->IOSurfaceGetPlaneCount(surface) == 2 && api->IOSurfaceGetWidthOfPlane(surface, 1) == 2);
    CHECK(api->IOSurfaceGetBytesPerRowOfPlane(surface, 0) == 128);
    CHECK(api->IOSurfaceGetHeightOfPlane(surface, 2) == 0);
    CHECK_BROKEN("IOSurfaceGetHeightOfPlane: of plane 2, which is not there");
    api->IOSurfaceGetBaseAddressOfPlane(surface, 0);
    CHECK_BROKEN("IOSurfaceGetBaseAddressOfPlane: of a surface that is not locked");
    api->CFRelease(surface);
    api->CFRelease(planar(32, 0, 256, api->kCFTypeArrayCallBacks));
    CHECK_BROKEN("IOSurfaceCreate: rows of 32 bytes are not aligned");
    api->CFRelease(planar(64, 0, 128, api->kCFTypeArrayCallBacks));
    CHECK_BROKEN("IOSurfaceCreate: a plane is not aligned");
    api->CFRelease(planar(64, 256, 256, api->kCFTypeArrayCallBacks));
    CHECK_BROKEN("IOSurfaceCreate: planes overlap");
    api->CFRelease(planar(64, 0, 256, NULL));
    CHECK_BROKEN("CFArrayCreate: without the callbacks that retain");
    CHECK(planar(0, 0, 256, api->kCFTypeArrayCallBacks) == NULL); /* a row is shorter than its samples */
}

static void test_locks(void) {
    const struct iosurface_api *api = iosurface_api();
    IOSurfaceRef surface = raw_surface();
    CHECK(api->IOSurfaceUnlock(surface, 0, NULL) != 0);
    CHECK_BROKEN("IOSurfaceUnlock: of a surface that is not locked");
    api->IOSurfaceGetBaseAddress(surface);
    CHECK_BROKEN("IOSurfaceGetBaseAddress: of a surface that is not locked");
    CHECK(api->IOSurfaceLock(surface, SLB_IOSURFACE_LOCK_READ_ONLY, NULL) == 0);
    CHECK(api->IOSurfaceUnlock(surface, 0, NULL) != 0);
    CHECK_BROKEN("IOSurfaceUnlock: of a surface that is not locked with these options");
    CHECK(api->IOSurfaceLock(surface, 4, NULL) == 0);
    CHECK_BROKEN("IOSurfaceLock: options 0x4");
    api->CFRelease(surface);
    CHECK_BROKEN("CFRelease: of a surface that is locked");
}

static void touch(IOSurfaceRef surface, bool write) {
    volatile uint8_t *pixels = iosurface_api()->IOSurfaceGetBaseAddress(surface);
    if (write) *pixels = 1;
    else (void)*pixels;
}

/* Returns how a process ends that accesses the pixels with that lock; -1: without a lock. */
static int touch_elsewhere(IOSurfaceRef surface, int lock, bool write) {
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        if (lock >= 0) iosurface_api()->IOSurfaceLock(surface, (uint32_t)lock, NULL);
        touch(surface, write);
        _exit(0);
    }
    int status = wait_for_child(child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void test_pixels_are_touched_under_a_lock(void) {
    IOSurfaceRef surface = raw_surface();
    CHECK(touch_elsewhere(surface, -1, false) == SIGSEGV);
    CHECK(touch_elsewhere(surface, -1, true) == SIGSEGV);
    CHECK(touch_elsewhere(surface, SLB_IOSURFACE_LOCK_READ_ONLY, false) == 0);
    CHECK(touch_elsewhere(surface, SLB_IOSURFACE_LOCK_READ_ONLY, true) == SIGSEGV);
    CHECK(touch_elsewhere(surface, 0, false) == 0);
    CHECK(touch_elsewhere(surface, 0, true) == 0);
    iosurface_api()->CFRelease(surface);
}

static void test_ownership(void) {
    const struct iosurface_api *api = iosurface_api();
    IOSurfaceRef surface = raw_surface();
    CHECK(control()->live() == 1); /* a leak if it were not released */
    xpc_object_t object = api->IOSurfaceCreateXPCObject(surface);
    CHECK(count(XPC_OBJECTS) == 1);
    IOSurfaceRef found = api->IOSurfaceLookupFromXPCObject(object);
    CHECK(found != surface && api->IOSurfaceGetID(found) == api->IOSurfaceGetID(surface));
    CHECK(control()->live() == 2);
    xpc_release(object);
    api->CFRelease(found);
    ((CFTypeRef(*)(CFTypeRef))extra("CFRetain"))(surface);
    api->CFRelease(surface);
    CHECK(control()->live() == 1);
    api->CFRelease(surface);
    api->CFRelease(surface);
    CHECK_BROKEN("CFRelease: of a surface that was released");
    CHECK(api->IOSurfaceGetWidth(surface) == 0);
    CHECK_BROKEN("IOSurfaceGetWidth: of a surface that was released");
    ((CFTypeRef(*)(CFTypeRef))extra("CFRetain"))(surface);
    CHECK_BROKEN("CFRetain: of nothing that lives");
    api->CFRelease(&surface);
    CHECK_BROKEN("CFRelease: of no object");
    CFDictionaryRef dictionary = properties(4, 64, NULL);
    CHECK(api->IOSurfaceGetWidth((IOSurfaceRef)(uintptr_t)dictionary) == 0);
    CHECK_BROKEN("IOSurfaceGetWidth: of a dictionary");
    api->CFRelease(dictionary);
}

static void test_uses(void) {
    const struct iosurface_api *api = iosurface_api();
    IOSurfaceRef surface = raw_surface();
    CHECK(!in_use(surface));
    api->IOSurfaceDecrementUseCount(surface);
    CHECK_BROKEN("IOSurfaceDecrementUseCount: this process does not use it");
    xpc_object_t object = api->IOSurfaceCreateXPCObject(surface);
    CHECK(in_use(surface) && uses(surface) == 0);
    xpc_release(object);
    CHECK(!in_use(surface));
    api->IOSurfaceIncrementUseCount(surface);
    CHECK(in_use(surface) && uses(surface) == 1);
    api->CFRelease(surface);
    CHECK_BROKEN("CFRelease: of a surface that this process still uses");
    surface = raw_surface();
    control()->geometry(api->IOSurfaceGetID(surface))->prohibits_uses = true;
    api->IOSurfaceIncrementUseCount(surface);
    CHECK_BROKEN("IOSurfaceIncrementUseCount: of a surface that prohibits it");
    api->IOSurfaceDecrementUseCount(surface);
    api->CFRelease(surface);
}

static void test_lookups(void) {
    xpc_object_t number = xpc_uint64_create(1), other = impostor();
    CHECK(iosurface_api()->IOSurfaceLookupFromXPCObject(number) == NULL);
    CHECK_BROKEN("IOSurfaceLookupFromXPCObject: of an object that no surface made");
    CHECK(iosurface_api()->IOSurfaceLookupFromXPCObject(other) == NULL); /* allowed by the rules */
    xpc_release(number);
    xpc_release(other);
}

static void test_pools(void) {
    const struct iosurface_api *api = iosurface_api();
    void *outer = api->objc_autoreleasePoolPush(), *inner = api->objc_autoreleasePoolPush();
    api->objc_autoreleasePoolPop(outer);
    CHECK_BROKEN("objc_autoreleasePoolPop: of a pool that is not the newest");
    api->objc_autoreleasePoolPop(inner);
    api->objc_autoreleasePoolPop(outer);
    api->objc_autoreleasePoolPop(whole_run);
    api->CFRelease(raw_surface());
    CHECK_BROKEN("IOSurfaceCreate: without an autorelease pool");
    whole_run = api->objc_autoreleasePoolPush();
}

static const struct test tests[] = {
    {"properties", test_properties},
    {"planes", test_planes},
    {"locks", test_locks},
    {"pixels are touched under a lock", test_pixels_are_touched_under_a_lock},
    {"ownership", test_ownership},
    {"uses", test_uses},
    {"lookups", test_lookups},
    {"pools", test_pools},
};

int main(int argc, char **argv) {
    find_double();
    whole_run = iosurface_api()->objc_autoreleasePoolPush();
    return RUN_TESTS(tests, check_rules_kept, argc, argv);
}
