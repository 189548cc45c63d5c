/*
 * surface_iosurface.c: surface.h over IOSurface (macOS).
 *
 * A surface of a peer is checked by what the kernel says of it, never by what
 * the peer says. Surfaces are not global: only processes that were sent one can
 * use it. This process counts as a user of a surface that it has made, while it
 * has a handle for it; every holder of an XPC object of the surface counts as a
 * user too. It does not count as one of a surface that it was sent: a surface may
 * prohibit that, and then the framework ends the process.
 *
 * The framework is written in Objective-C, and no thread that calls it here has
 * an autorelease pool of its own. So each function that may leave an object to
 * one makes one: pool_begin, pool_end.
 */
#include <pthread.h>
#include <stdlib.h>

#include "iosurface_api.h"
#include "mapping.h"
#include "queue.h"
#include "surface.h"

struct surface {
    struct object object;
    const struct iosurface_api *api;
    IOSurfaceRef ref; /* owned */
    bool is_used;     /* with one use count */
    uint32_t layout[8];
    pthread_mutex_t lock; /* guards what follows */
    surface_locks locks;
    void *mapping; /* belongs to the system; NULL until the first slb_surface_map */
};

static atomic_ullong mapped_count;

uint64_t surface_mapped_count(void) { return atomic_load(&mapped_count); }

static void *pool_begin(const struct iosurface_api *api) { return api->objc_autoreleasePoolPush(); }
static void pool_end(const struct iosurface_api *api, void *pool) { api->objc_autoreleasePoolPop(pool); }

/* ---- IOSurfaces ---- */

/* Makes a dictionary of 32-bit numbers, which the caller owns; NULL: out of memory. */
static CFDictionaryRef numbers_create(const struct iosurface_api *api, const void *const *keys,
                                      const int32_t *values, long count) {
    const void *copied[8], *numbers[8];
    long made = 0;
    for (; made < count; made++) {
        copied[made] = keys[made];
        numbers[made] = api->CFNumberCreate(NULL, SLB_CF_NUMBER_SINT32, &values[made]);
        if (!numbers[made]) break;
    }
    CFDictionaryRef dictionary = NULL;
    if (made == count) {
        dictionary = api->CFDictionaryCreate(NULL, copied, numbers, count, api->kCFTypeDictionaryKeyCallBacks,
                                             api->kCFTypeDictionaryValueCallBacks);
    }
    while (made) api->CFRelease(numbers[--made]);
    return dictionary;
}

static size_t aligned_row(const struct iosurface_api *api, uint32_t width, uint32_t element_bytes) {
    return api->IOSurfaceAlignProperty(*api->kIOSurfaceBytesPerRow, (size_t)width * element_bytes);
}

/* Makes a zeroed surface, which the caller owns. surface_size_allowed has checked the sizes, so they fit into 32 bits. */
static IOSurfaceRef ref_create(const struct iosurface_api *api, uint32_t width, uint32_t height,
                               uint32_t element_bytes, uint32_t pixel_format) {
    size_t row = aligned_row(api, width, element_bytes);
    size_t bytes = api->IOSurfaceAlignProperty(*api->kIOSurfaceAllocSize, row * height);
    const void *const keys[] = {*api->kIOSurfaceWidth,           *api->kIOSurfaceHeight,
                                *api->kIOSurfaceBytesPerElement, *api->kIOSurfacePixelFormat,
                                *api->kIOSurfaceBytesPerRow,     *api->kIOSurfaceAllocSize};
    const int32_t values[] = {(int32_t)width,        (int32_t)height, (int32_t)element_bytes,
                              (int32_t)pixel_format, (int32_t)row,    (int32_t)bytes};
    CFDictionaryRef properties = numbers_create(api, keys, values, sizeof values / sizeof *values);
    if (!properties) return NULL;
    IOSurfaceRef ref = api->IOSurfaceCreate(properties);
    api->CFRelease(properties);
    return ref;
}

/* Where in its memory a surface begins: its base address is shifted by so many bytes. SIZE_MAX: it is no number. */
static size_t offset_of(const struct iosurface_api *api, IOSurfaceRef ref) {
    CFTypeRef value = api->IOSurfaceCopyValue(ref, *api->kIOSurfaceOffset);
    if (!value) return 0;
    int64_t offset = -1;
    bool is_number = api->CFGetTypeID(value) == api->CFNumberGetTypeID() &&
                     api->CFNumberGetValue((CFNumberRef)value, SLB_CF_NUMBER_SINT64, &offset);
    api->CFRelease(value);
    return is_number && offset >= 0 ? (size_t)offset : SIZE_MAX;
}

/*
 * Reads the values of slb_surface_layout. False with the error set: it does not
 * consist of one plane of whole elements inside its memory.
 */
static bool layout_read(const struct iosurface_api *api, IOSurfaceRef ref, uint32_t layout[8]) {
    size_t width = api->IOSurfaceGetWidth(ref), height = api->IOSurfaceGetHeight(ref);
    size_t element = api->IOSurfaceGetBytesPerElement(ref), row = api->IOSurfaceGetBytesPerRow(ref);
    size_t bytes = api->IOSurfaceGetAllocSize(ref), planes = api->IOSurfaceGetPlaneCount(ref);
    bool plain = planes == 0 && api->IOSurfaceGetElementWidth(ref) == 1 && api->IOSurfaceGetElementHeight(ref) == 1;
    size_t offset = offset_of(api, ref);
    bool within = width > 0 && height > 0 && element > 0 && bytes <= SLB_MAX_MEMORY_BYTES && offset <= bytes &&
                  row <= (bytes - offset) / height &&
                  width <= row / element; /* this also makes every number fit into 32 bits */
    if (!plain || !within) {
        fail(SLB_E_ARGUMENT,
             "Cannot use a surface of %zu x %zu elements of %zu bytes, %zu bytes a row, %zu planes, in %zu bytes "
             "from byte %zu on: it has to be one plane of single pixels that lie in at most %llu bytes",
             width, height, element, row, planes, bytes, offset, SLB_MAX_MEMORY_BYTES);
        return false;
    }
    layout[0] = (uint32_t)width;
    layout[1] = (uint32_t)height;
    layout[2] = (uint32_t)row;
    layout[3] = api->IOSurfaceGetPixelFormat(ref);
    layout[4] = (uint32_t)bytes;
    layout[5] = 0;
    layout[6] = api->IOSurfaceGetID(ref);
    layout[7] = 0;
    return true;
}

/* ---- handles ---- */

static uint32_t options(bool read_only) { return read_only ? SLB_IOSURFACE_LOCK_READ_ONLY : 0; }

static void surface_finalize(struct object *object) {
    struct surface *surface = (struct surface *)object;
    const struct iosurface_api *api = surface->api;
    void *pool = pool_begin(api);
    for (int read_only = 0; read_only < 2; read_only++) {
        for (; surface->locks[read_only]; surface->locks[read_only]--)
            api->IOSurfaceUnlock(surface->ref, options(read_only), NULL);
    }
    if (surface->mapping) atomic_fetch_sub(&mapped_count, 1);
    if (surface->is_used) api->IOSurfaceDecrementUseCount(surface->ref);
    /* The mapping belongs to the system, and lives as long as the reference. */
    if (surface->mapping && atomic_load(&object->keep_mapping)) mapping_count_kept(surface->layout[4]);
    else api->CFRelease(surface->ref);
    pool_end(api, pool);
    pthread_mutex_destroy(&surface->lock);
    free(surface);
}

/* Takes `ref` over, which this process has made or was sent. */
static slb_handle surface_handle_consume(const struct iosurface_api *api, struct queue *queue, IOSurfaceRef ref, bool is_own) {
    uint32_t layout[8];
    bool usable = layout_read(api, ref, layout);
    struct surface *surface = usable ? calloc(1, sizeof *surface) : NULL;
    if (!surface) {
        if (usable) fail(SLB_E_MEMORY, "Cannot make a handle: out of memory");
        api->CFRelease(ref);
        return 0;
    }
    surface->api = api;
    surface->ref = ref;
    for (int i = 0; i < 8; i++) surface->layout[i] = layout[i];
    pthread_mutex_init(&surface->lock, NULL);
    surface->is_used = is_own;
    if (is_own) api->IOSurfaceIncrementUseCount(ref);
    object_init(&surface->object, SLB_KIND_SURFACE, queue, NULL, surface_finalize);
    return handle_consume(&surface->object);
}

slb_handle slb_surface_create(slb_handle queue_handle, uint32_t width, uint32_t height, uint32_t element_bytes,
                              uint32_t pixel_format) {
    const struct iosurface_api *api = iosurface_api();
    if (!api || !surface_size_allowed(width, height, element_bytes, aligned_row(api, width, element_bytes))) return 0;
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    slb_handle handle = 0;
    void *pool = pool_begin(api);
    IOSurfaceRef ref = ref_create(api, width, height, element_bytes, pixel_format);
    if (ref) handle = surface_handle_consume(api, queue, ref, true);
    else fail(SLB_E_SYSTEM, "Cannot make a surface of %u x %u: the system made no IOSurface", width, height);
    pool_end(api, pool);
    queue_release(queue);
    return handle;
}

int32_t slb_surface_layout(slb_handle handle, uint32_t *values) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return SLB_E_HANDLE;
    for (int i = 0; i < 8; i++) values[i] = surface->layout[i];
    object_release(&surface->object);
    return 0;
}

/* ---- as XPC objects ----
 *
 * Apple documents neither the type of a surface's XPC object, nor what a lookup
 * does with an object of another type. So the type is taken from a surface that
 * is made for this, and objects of other types are never looked up.
 */

/* The type of a surface's XPC object. NULL: the system could not make a surface. */
static xpc_type_t learn_type(void) {
    const struct iosurface_api *api = iosurface_api();
    if (!api) return NULL;
    void *pool = pool_begin(api);
    IOSurfaceRef ref = ref_create(api, 1, 1, 4, 0x42475241 /* 'BGRA' */);
    xpc_object_t object = ref ? api->IOSurfaceCreateXPCObject(ref) : NULL;
    xpc_type_t type = object ? xpc_get_type(object) : NULL;
    if (object) xpc_release(object);
    if (ref) api->CFRelease(ref);
    pool_end(api, pool);
    return type;
}

bool surface_is(xpc_object_t value) {
    static _Atomic(xpc_type_t) learnt; /* every thread finds the same type */
    xpc_type_t type = atomic_load(&learnt);
    if (!type) atomic_store(&learnt, type = learn_type());
    return type && xpc_get_type(value) == type;
}

slb_handle surface_handle_from_xpc(struct queue *queue, xpc_object_t value) {
    const struct iosurface_api *api = iosurface_api();
    if (!api) return 0;
    slb_handle handle = 0;
    void *pool = pool_begin(api);
    IOSurfaceRef ref = surface_is(value) ? api->IOSurfaceLookupFromXPCObject(value) : NULL;
    if (ref) handle = surface_handle_consume(api, queue, ref, false);
    else fail(SLB_E_ARGUMENT, "Cannot use this object as a surface: there is no IOSurface behind it");
    pool_end(api, pool);
    return handle;
}

xpc_object_t surface_copy_xpc(slb_handle handle) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return NULL;
    void *pool = pool_begin(surface->api);
    xpc_object_t value = surface->api->IOSurfaceCreateXPCObject(surface->ref);
    pool_end(surface->api, pool);
    if (!value) fail(SLB_E_SYSTEM, "Cannot send surface %u: the system made no XPC object of it", surface->layout[6]);
    object_release(&surface->object);
    return value;
}

/* ---- CPU access. The caller of these holds the lock. ---- */

static int32_t lock(struct surface *surface, bool read_only) {
    int code = surface->api->IOSurfaceLock(surface->ref, options(read_only), NULL);
    if (code) return fail(SLB_E_SYSTEM, "Cannot lock surface %u: kern_return_t 0x%x", surface->layout[6], (unsigned)code);
    surface->locks[read_only]++;
    return 0;
}

static int32_t unlock(struct surface *surface, bool read_only) {
    if (surface_locks_end(surface->locks, read_only) < 0) return SLB_E_ARGUMENT;
    int code = surface->api->IOSurfaceUnlock(surface->ref, options(read_only), NULL);
    if (!code) return 0;
    return fail(SLB_E_SYSTEM, "Cannot unlock surface %u: kern_return_t 0x%x", surface->layout[6], (unsigned)code);
}

/* The address can be read while the surface is locked. The memory stays at this address until the last release. */
static void *map(struct surface *surface) {
    bool locked = surface->locks[0] || surface->locks[1];
    if (!locked && lock(surface, true) < 0) return NULL;
    void *address = surface->api->IOSurfaceGetBaseAddress(surface->ref);
    if (!locked) unlock(surface, true);
    if (address) atomic_fetch_add(&mapped_count, 1);
    else fail(SLB_E_SYSTEM, "Cannot map surface %u: the CPU cannot read it", surface->layout[6]);
    return address;
}

void *slb_surface_map(slb_handle handle) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return NULL;
    void *pool = pool_begin(surface->api);
    pthread_mutex_lock(&surface->lock);
    if (!surface->mapping) surface->mapping = map(surface);
    void *mapping = surface->mapping;
    pthread_mutex_unlock(&surface->lock);
    pool_end(surface->api, pool);
    object_release(&surface->object);
    return mapping;
}

int32_t slb_surface_lock(slb_handle handle, uint32_t read_only) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return SLB_E_HANDLE;
    void *pool = pool_begin(surface->api);
    pthread_mutex_lock(&surface->lock);
    int32_t result = lock(surface, read_only != 0);
    if (result == 0 && surface->mapping && surface->api->IOSurfaceGetBaseAddress(surface->ref) != surface->mapping) {
        unlock(surface, read_only != 0); /* Apple does not promise the same address after the next lock */
        result = fail(SLB_E_SYSTEM, "Cannot lock surface %u: its memory has moved", surface->layout[6]);
    }
    pthread_mutex_unlock(&surface->lock);
    pool_end(surface->api, pool);
    object_release(&surface->object);
    return result;
}

int32_t slb_surface_unlock(slb_handle handle, uint32_t read_only) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return SLB_E_HANDLE;
    void *pool = pool_begin(surface->api);
    pthread_mutex_lock(&surface->lock);
    int32_t result = unlock(surface, read_only != 0);
    pthread_mutex_unlock(&surface->lock);
    pool_end(surface->api, pool);
    object_release(&surface->object);
    return result;
}
