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
    struct surface_layout layout;
    pthread_mutex_t lock; /* guards what follows */
    surface_locks locks;
    void *mapping; /* of the plane that is first in memory; belongs to the system; NULL until the first slb_surface_map */
};

static atomic_ullong mapped_count;

uint64_t surface_mapped_count(void) { return atomic_load(&mapped_count); }

static void *pool_begin(const struct iosurface_api *api) { return api->objc_autoreleasePoolPush(); }
static void pool_end(const struct iosurface_api *api, void *pool) { api->objc_autoreleasePoolPop(pool); }

/* ---- IOSurfaces ---- */

/* Properties of a surface or a plane, to be made a dictionary. */
struct properties {
    const void *keys[8], *values[8]; /* the values are owned */
    long count;
    bool failed; /* out of memory */
};

static void put_consume(struct properties *properties, CFStringRef key, CFTypeRef value) {
    properties->failed |= !value;
    if (!value) return;
    properties->keys[properties->count] = key;
    properties->values[properties->count++] = value;
}

/* The number fits into 32 bits: surface_bytes_allowed has checked the sum of all. */
static void put_number(const struct iosurface_api *api, struct properties *properties, CFStringRef key, size_t number) {
    int32_t value = (int32_t)number;
    put_consume(properties, key, api->CFNumberCreate(NULL, SLB_CF_NUMBER_SINT32, &value));
}

/* Releases the values. The caller owns the result; NULL: out of memory. */
static CFDictionaryRef properties_end(const struct iosurface_api *api, struct properties *properties) {
    CFDictionaryRef dictionary = NULL;
    if (!properties->failed) {
        dictionary = api->CFDictionaryCreate(NULL, properties->keys, properties->values, properties->count,
                                             api->kCFTypeDictionaryKeyCallBacks, api->kCFTypeDictionaryValueCallBacks);
    }
    while (properties->count) api->CFRelease(properties->values[--properties->count]);
    return dictionary;
}

/* Where the planes of a surface to make begin and how long their rows are, as the system wants it. */
struct arrangement {
    size_t rows[SLB_MAX_PLANES], offsets[SLB_MAX_PLANES], sizes[SLB_MAX_PLANES];
    size_t bytes;
};

static struct arrangement arrange(const struct iosurface_api *api, const struct surface_plan *plan) {
    struct arrangement made = {0};
    bool planar = plan->plane_count > 1;
    CFStringRef row = planar ? *api->kIOSurfacePlaneBytesPerRow : *api->kIOSurfaceBytesPerRow;
    for (uint32_t i = 0; i < plan->plane_count; i++) {
        made.rows[i] = api->IOSurfaceAlignProperty(row, (size_t)plan->planes[i].width * plan->planes[i].sample_bytes);
        made.sizes[i] = made.rows[i] * plan->planes[i].height;
        if (planar) {
            made.sizes[i] = api->IOSurfaceAlignProperty(*api->kIOSurfacePlaneSize, made.sizes[i]);
            made.offsets[i] = api->IOSurfaceAlignProperty(*api->kIOSurfacePlaneOffset, made.bytes);
        }
        made.bytes = made.offsets[i] + made.sizes[i];
    }
    made.bytes = api->IOSurfaceAlignProperty(*api->kIOSurfaceAllocSize, made.bytes);
    return made;
}

static CFDictionaryRef plane_create(const struct iosurface_api *api, const struct surface_plan *plan,
                                    const struct arrangement *arrangement, uint32_t plane) {
    struct properties properties = {0};
    put_number(api, &properties, *api->kIOSurfacePlaneWidth, plan->planes[plane].width);
    put_number(api, &properties, *api->kIOSurfacePlaneHeight, plan->planes[plane].height);
    put_number(api, &properties, *api->kIOSurfacePlaneBytesPerElement, plan->planes[plane].sample_bytes);
    put_number(api, &properties, *api->kIOSurfacePlaneBytesPerRow, arrangement->rows[plane]);
    put_number(api, &properties, *api->kIOSurfacePlaneOffset, arrangement->offsets[plane]);
    put_number(api, &properties, *api->kIOSurfacePlaneSize, arrangement->sizes[plane]);
    return properties_end(api, &properties);
}

/* The value of kIOSurfacePlaneInfo, which the caller owns; NULL: out of memory. */
static CFArrayRef planes_create(const struct iosurface_api *api, const struct surface_plan *plan,
                                const struct arrangement *arrangement) {
    const void *planes[SLB_MAX_PLANES];
    uint32_t made = 0;
    for (; made < plan->plane_count; made++) {
        planes[made] = plane_create(api, plan, arrangement, made);
        if (!planes[made]) break;
    }
    CFArrayRef array = made == plan->plane_count ? api->CFArrayCreate(NULL, planes, made, api->kCFTypeArrayCallBacks) : NULL;
    while (made) api->CFRelease(planes[--made]);
    return array;
}

/* Makes a zeroed surface, which the caller owns. A surface of one plane has no planes for the system. */
static IOSurfaceRef ref_create(const struct iosurface_api *api, const struct surface_plan *plan,
                               const struct arrangement *arrangement) {
    struct properties properties = {0};
    put_number(api, &properties, *api->kIOSurfaceWidth, plan->width);
    put_number(api, &properties, *api->kIOSurfaceHeight, plan->height);
    put_number(api, &properties, *api->kIOSurfacePixelFormat, plan->pixel_format);
    put_number(api, &properties, *api->kIOSurfaceAllocSize, arrangement->bytes);
    if (plan->plane_count > 1) {
        put_consume(&properties, *api->kIOSurfacePlaneInfo, planes_create(api, plan, arrangement));
    } else {
        put_number(api, &properties, *api->kIOSurfaceBytesPerElement, plan->planes[0].sample_bytes);
        put_number(api, &properties, *api->kIOSurfaceBytesPerRow, arrangement->rows[0]);
    }
    CFDictionaryRef dictionary = properties_end(api, &properties);
    if (!dictionary) return NULL;
    IOSurfaceRef ref = api->IOSurfaceCreate(dictionary);
    api->CFRelease(dictionary);
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

/* What the system says of a surface, or of one of its planes. */
struct facts {
    size_t width, height, element_bytes, element_width, element_height, row;
    ptrdiff_t offset; /* from the surface's base address */
};

static struct facts facts_of_surface(const struct iosurface_api *api, IOSurfaceRef ref) {
    return (struct facts){
        .width = api->IOSurfaceGetWidth(ref),
        .height = api->IOSurfaceGetHeight(ref),
        .element_bytes = api->IOSurfaceGetBytesPerElement(ref),
        .element_width = api->IOSurfaceGetElementWidth(ref),
        .element_height = api->IOSurfaceGetElementHeight(ref),
        .row = api->IOSurfaceGetBytesPerRow(ref),
    };
}

/* The surface is locked: otherwise it has no addresses. */
static struct facts facts_of_plane(const struct iosurface_api *api, IOSurfaceRef ref, size_t plane) {
    intptr_t base = (intptr_t)api->IOSurfaceGetBaseAddress(ref);
    intptr_t address = (intptr_t)api->IOSurfaceGetBaseAddressOfPlane(ref, plane);
    return (struct facts){
        .width = api->IOSurfaceGetWidthOfPlane(ref, plane),
        .height = api->IOSurfaceGetHeightOfPlane(ref, plane),
        .element_bytes = api->IOSurfaceGetBytesPerElementOfPlane(ref, plane),
        .element_width = api->IOSurfaceGetElementWidthOfPlane(ref, plane),
        .element_height = api->IOSurfaceGetElementHeightOfPlane(ref, plane),
        .row = api->IOSurfaceGetBytesPerRowOfPlane(ref, plane),
        .offset = base && address ? address - base : -1,
    };
}

/* `bytes` is the memory from the base address on. This also makes every number fit into 32 bits. */
static bool facts_fit(const struct facts *facts, size_t bytes) {
    return facts->width > 0 && facts->height > 0 && facts->element_bytes > 0 && facts->element_width == 1 &&
           facts->element_height == 1 && facts->offset >= 0 && (size_t)facts->offset <= bytes &&
           facts->row <= (bytes - (size_t)facts->offset) / facts->height &&
           facts->width <= facts->row / facts->element_bytes;
}

static void refuse_layout(const struct facts *facts, size_t plane, size_t planes, size_t bytes, size_t start) {
    fail(SLB_E_ARGUMENT,
         "Cannot use a surface: plane %zu of %zu has %zu x %zu elements of %zu bytes, %zu bytes a row, from byte %td on, "
         "in %zu bytes from byte %zu on: it has to be 1 to %u planes of single pixels that lie in at most %llu bytes",
         plane, planes, facts->width, facts->height, facts->element_bytes, facts->row, facts->offset, bytes, start,
         SLB_MAX_PLANES, SLB_MAX_MEMORY_BYTES);
}

/* The caller has locked a surface of several planes. */
static bool planes_read(const struct iosurface_api *api, IOSurfaceRef ref, size_t planes, struct surface_layout *layout) {
    size_t bytes = api->IOSurfaceGetAllocSize(ref), start = offset_of(api, ref), count = planes ? planes : 1;
    bool within = bytes <= SLB_MAX_MEMORY_BYTES && start <= bytes && count <= SLB_MAX_PLANES && layout->width && layout->height;
    for (size_t i = 0; i < count; i++) {
        struct facts facts = planes ? facts_of_plane(api, ref, i) : facts_of_surface(api, ref);
        if (!within || !facts_fit(&facts, bytes - start)) {
            refuse_layout(&facts, i, planes, bytes, start);
            return false;
        }
        layout->planes[i] = (struct surface_plane){(uint64_t)facts.offset, (uint32_t)facts.width, (uint32_t)facts.height,
                                                   (uint32_t)facts.row};
    }
    layout->plane_count = (uint32_t)count;
    layout->bytes = bytes;
    return true;
}

/*
 * Reads the values of slb_surface_layout. False with the error set: it does not
 * consist of planes of whole elements inside its memory.
 */
static bool layout_read(const struct iosurface_api *api, IOSurfaceRef ref, struct surface_layout *layout) {
    size_t planes = api->IOSurfaceGetPlaneCount(ref), width = api->IOSurfaceGetWidth(ref), height = api->IOSurfaceGetHeight(ref);
    *layout = (struct surface_layout){
        .width = width <= UINT32_MAX ? (uint32_t)width : 0, /* 0 is refused below */
        .height = height <= UINT32_MAX ? (uint32_t)height : 0,
        .pixel_format = api->IOSurfaceGetPixelFormat(ref),
        .id = api->IOSurfaceGetID(ref),
    };
    if (planes == 0) return planes_read(api, ref, planes, layout);
    int code = api->IOSurfaceLock(ref, SLB_IOSURFACE_LOCK_READ_ONLY, NULL);
    if (code) {
        fail(SLB_E_SYSTEM, "Cannot read the planes of surface %u: kern_return_t 0x%x", (unsigned)layout->id, (unsigned)code);
        return false;
    }
    bool read = planes_read(api, ref, planes, layout);
    api->IOSurfaceUnlock(ref, SLB_IOSURFACE_LOCK_READ_ONLY, NULL);
    return read;
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
    if (surface->mapping && atomic_load(&object->keep_mapping)) mapping_count_kept(surface->layout.bytes);
    else api->CFRelease(surface->ref);
    pool_end(api, pool);
    pthread_mutex_destroy(&surface->lock);
    free(surface);
}

/* Takes `ref` over, which this process has made or was sent. */
static slb_handle surface_handle_consume(const struct iosurface_api *api, struct queue *queue, IOSurfaceRef ref, bool is_own) {
    struct surface_layout layout;
    bool usable = layout_read(api, ref, &layout);
    struct surface *surface = usable ? calloc(1, sizeof *surface) : NULL;
    if (!surface) {
        if (usable) fail(SLB_E_MEMORY, "Cannot make a handle: out of memory");
        api->CFRelease(ref);
        return 0;
    }
    surface->api = api;
    surface->ref = ref;
    surface->layout = layout;
    pthread_mutex_init(&surface->lock, NULL);
    surface->is_used = is_own;
    if (is_own) api->IOSurfaceIncrementUseCount(ref);
    object_init(&surface->object, SLB_KIND_SURFACE, queue, NULL, surface_finalize);
    return handle_consume(&surface->object);
}

slb_handle slb_surface_create(slb_handle queue_handle, uint32_t width, uint32_t height, uint32_t pixel_format,
                              const uint32_t *planes, uint32_t plane_count) {
    const struct iosurface_api *api = iosurface_api();
    struct surface_plan plan;
    if (!api || !surface_plan_read(&plan, width, height, pixel_format, planes, plane_count)) return 0;
    struct arrangement arrangement = arrange(api, &plan);
    if (!surface_bytes_allowed(&plan, arrangement.bytes)) return 0;
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    slb_handle handle = 0;
    void *pool = pool_begin(api);
    IOSurfaceRef ref = ref_create(api, &plan, &arrangement);
    if (ref) handle = surface_handle_consume(api, queue, ref, true);
    else fail(SLB_E_SYSTEM, "Cannot make a surface of %u x %u: the system made no IOSurface", width, height);
    pool_end(api, pool);
    queue_release(queue);
    return handle;
}

int32_t slb_surface_layout(slb_handle handle, uint32_t *values) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return SLB_E_HANDLE;
    surface_layout_write(&surface->layout, values);
    object_release(&surface->object);
    return 0;
}

int64_t slb_surface_native(slb_handle handle) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return SLB_E_HANDLE;
    int64_t address = (int64_t)(intptr_t)surface->ref;
    object_release(&surface->object);
    return address;
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
    struct surface_plan plan = {.width = 1, .height = 1, .pixel_format = 0x42475241 /* 'BGRA' */, .plane_count = 1};
    plan.planes[0].width = plan.planes[0].height = 1;
    plan.planes[0].sample_bytes = 4;
    struct arrangement arrangement = arrange(api, &plan);
    IOSurfaceRef ref = ref_create(api, &plan, &arrangement);
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
    if (!value) fail(SLB_E_SYSTEM, "Cannot send surface %u: the system made no XPC object of it", (unsigned)surface->layout.id);
    object_release(&surface->object);
    return value;
}

/* ---- CPU access. The caller of these holds the lock. ---- */

static int32_t lock(struct surface *surface, bool read_only) {
    int code = surface->api->IOSurfaceLock(surface->ref, options(read_only), NULL);
    if (code) return fail(SLB_E_SYSTEM, "Cannot lock surface %u: kern_return_t 0x%x", (unsigned)surface->layout.id, (unsigned)code);
    surface->locks[read_only]++;
    return 0;
}

static int32_t unlock(struct surface *surface, bool read_only) {
    if (surface_locks_end(surface->locks, read_only) < 0) return SLB_E_ARGUMENT;
    int code = surface->api->IOSurfaceUnlock(surface->ref, options(read_only), NULL);
    if (!code) return 0;
    return fail(SLB_E_SYSTEM, "Cannot unlock surface %u: kern_return_t 0x%x", (unsigned)surface->layout.id, (unsigned)code);
}

/* The address of the plane that is first in memory; NULL: there is none. The surface is locked. */
static void *first_plane(struct surface *surface) {
    char *base = surface->api->IOSurfaceGetBaseAddress(surface->ref);
    return base ? base + surface_first_offset(&surface->layout) : NULL;
}

/* The address can be read while the surface is locked. The memory stays at this address until the last release. */
static void *map(struct surface *surface) {
    bool locked = surface->locks[0] || surface->locks[1];
    if (!locked && lock(surface, true) < 0) return NULL;
    void *address = first_plane(surface);
    if (!locked) unlock(surface, true);
    if (address) atomic_fetch_add(&mapped_count, 1);
    else fail(SLB_E_SYSTEM, "Cannot map surface %u: the CPU cannot read it", (unsigned)surface->layout.id);
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

/* IOSurface has one mapping for a process, and no part of it can be made read-only for one holder. */
void *slb_surface_map_read(slb_handle handle) { return slb_surface_map(handle); }

int32_t slb_surface_lock(slb_handle handle, uint32_t read_only) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return SLB_E_HANDLE;
    void *pool = pool_begin(surface->api);
    pthread_mutex_lock(&surface->lock);
    int32_t result = lock(surface, read_only != 0);
    if (result == 0 && surface->mapping && first_plane(surface) != surface->mapping) {
        unlock(surface, read_only != 0); /* Apple does not promise the same address after the next lock */
        result = fail(SLB_E_SYSTEM, "Cannot lock surface %u: its memory has moved", (unsigned)surface->layout.id);
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
