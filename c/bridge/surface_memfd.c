/*
 * surface_memfd.c: surface.h over sealed memory files (Linux).
 *
 * The file is sealed against shrinking before it is sent, so no peer can cause a
 * SIGBUS when a pixel is read. c/linux refuses a received surface if its file is
 * not sealed, or smaller than its layout says.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xpc/linux.h>

#include "bootstrap/held.h"
#include "mapping.h"
#include "platform.h"
#include "queue.h"
#include "surface.h"

#define ALIGNMENT 64u /* of rows and planes: a cache line, and the least that GPUs need */

struct surface {
    struct object object;
    xpc_object_t value;
    struct surface_layout layout;
    bool made_here;
    pthread_mutex_t lock; /* guards what follows */
    void *mappings[2]; /* [0] to read and write, [1] to read; NULL before */
    int file; /* that slb_surface_native has returned; -1 before */
    surface_locks locks;
};

/* Of the two mappings. */
static const int protections[2] = {PROT_READ | PROT_WRITE, PROT_READ};

static atomic_ullong mapped_count;

uint64_t surface_mapped_count(void) { return atomic_load(&mapped_count); }

bool surface_is(xpc_object_t value) { return xpc_get_type(value) == XPC_TYPE_LINUX_SURFACE; }

static void surface_finalize(struct object *object) {
    struct surface *surface = (struct surface *)object;
    if (surface->mappings[0] || surface->mappings[1]) atomic_fetch_sub(&mapped_count, 1);
    for (int i = 0; i < 2; i++) {
        if (!surface->mappings[i]) continue;
        mapping_end(surface->mappings[i], (size_t)surface->layout.bytes, protections[i], atomic_load(&object->keep_mapping));
    }
    if (surface->file >= 0) held_close(surface->file);
    xpc_release(surface->value);
    pthread_mutex_destroy(&surface->lock);
    free(surface);
}

/* c/linux has checked the planes. The id is the inode of the memory file, the same in every process. */
static struct surface_layout layout_of(xpc_object_t value) {
    struct xpc_linux_surface_layout described;
    struct xpc_linux_planes planes;
    xpc_linux_surface_get_layout(value, &described);
    xpc_linux_surface_get_planes(value, &planes);
    struct surface_layout layout = {
        .width = described.width,
        .height = described.height,
        .pixel_format = described.pixel_format,
        .plane_count = planes.count,
        .bytes = described.length,
        .modifier = planes.modifier,
    };
    for (uint32_t i = 0; i < planes.count; i++) {
        const struct xpc_linux_plane *plane = &planes.planes[i];
        layout.planes[i] = (struct surface_plane){plane->offset, plane->width, plane->height, plane->bytes_per_row};
    }
    struct stat status;
    int file = xpc_linux_surface_dup_fd(value);
    if (file >= 0 && fstat(file, &status) == 0) layout.id = (uint64_t)status.st_ino;
    if (file >= 0) close(file);
    return layout;
}

/* Takes `value` over. */
static slb_handle surface_handle_consume(struct queue *queue, xpc_object_t value, bool made_here) {
    struct surface *surface = calloc(1, sizeof *surface);
    if (!surface) {
        xpc_release(value);
        fail(SLB_E_MEMORY, "Cannot make a handle: out of memory");
        return 0;
    }
    surface->value = value;
    surface->layout = layout_of(value);
    surface->made_here = made_here;
    surface->file = -1;
    pthread_mutex_init(&surface->lock, NULL);
    object_init(&surface->object, SLB_KIND_SURFACE, queue, NULL, surface_finalize);
    return handle_consume(&surface->object);
}

slb_handle surface_handle_from_xpc(struct queue *queue, xpc_object_t value) {
    return surface_handle_consume(queue, xpc_retain(value), false);
}

xpc_object_t surface_copy_xpc(slb_handle handle) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return NULL;
    xpc_object_t value = xpc_retain(surface->value);
    object_release(&surface->object);
    return value;
}

/* Makes a sealed memory file of `bytes` bytes with all its pages allocated. -1 with errno on failure. */
static int memory_file(uint64_t bytes) {
    if (!platform_file_allowed(bytes)) return -1;
    int file = memfd_create("streamlib-surface", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return -1;
    if (ftruncate(file, (off_t)bytes) == 0 && fallocate(file, 0, 0, (off_t)bytes) == 0 &&
        fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
        return file;
    }
    int saved = errno;
    close(file);
    errno = saved;
    return -1;
}

static uint64_t align(uint64_t number, uint64_t to) { return (number + to - 1) / to * to; }

/* Lays the planes out one after the other. Returns the bytes of all. Sides are limited, so nothing overflows. */
static uint64_t planes_lay_out(const struct surface_plan *plan, struct xpc_linux_planes *planes) {
    uint64_t bytes = 0;
    *planes = (struct xpc_linux_planes){.count = plan->plane_count};
    for (uint32_t i = 0; i < plan->plane_count; i++) {
        uint32_t row = (uint32_t)align((uint64_t)plan->planes[i].width * plan->planes[i].sample_bytes, ALIGNMENT);
        planes->planes[i] = (struct xpc_linux_plane){
            .offset = bytes, .width = plan->planes[i].width, .height = plan->planes[i].height, .bytes_per_row = row};
        bytes += (uint64_t)row * plan->planes[i].height;
    }
    return bytes;
}

slb_handle slb_surface_create(slb_handle queue_handle, uint32_t width, uint32_t height, uint32_t pixel_format,
                              const uint32_t *plane_sizes, uint32_t plane_count) {
    struct surface_plan plan;
    struct xpc_linux_planes planes;
    if (!surface_plan_read(&plan, width, height, pixel_format, plane_sizes, plane_count)) return 0;
    uint64_t bytes = planes_lay_out(&plan, &planes);
    if (!surface_bytes_allowed(&plan, bytes)) return 0;
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    struct xpc_linux_surface_layout layout = {
        .width = width,
        .height = height,
        .bytes_per_row = planes.planes[0].bytes_per_row,
        .pixel_format = pixel_format,
        .length = align(bytes, (uint64_t)sysconf(_SC_PAGESIZE)),
    };
    slb_handle handle = 0;
    int file = memory_file(layout.length);
    xpc_object_t value = file >= 0 ? xpc_linux_surface_create_planar(file, &layout, &planes) : NULL;
    if (value) {
        handle = surface_handle_consume(queue, value, true);
    } else {
        fail(SLB_E_SYSTEM, "Cannot make a surface of %u x %u: %s", width, height, platform_cause(errno));
    }
    if (file >= 0) close(file);
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
    pthread_mutex_lock(&surface->lock);
    if (surface->file < 0) surface->file = held(xpc_linux_surface_dup_fd(surface->value));
    int64_t file = surface->file;
    if (file < 0) file = fail(SLB_E_SYSTEM, "Cannot return a surface's descriptor: %s", platform_cause(errno));
    pthread_mutex_unlock(&surface->lock);
    object_release(&surface->object);
    return file;
}

/* Maps the memory once more, with the lock held. MAP_FAILED with errno on failure. */
static void *map_file(const struct surface *surface, int protection) {
    int file = xpc_linux_surface_dup_fd(surface->value);
    if (file < 0) return MAP_FAILED;
    /* Only pages made here are allocated already. A peer's file may have holes, which need no memory until they are touched. */
    int flags = MAP_SHARED | (surface->made_here ? MAP_POPULATE : 0);
    void *mapping = mmap(NULL, (size_t)surface->layout.bytes, protection, flags, file, 0);
    int why = errno;
    close(file);
    errno = why;
    return mapping;
}

static void *map(slb_handle handle, bool read_only) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return NULL;
    pthread_mutex_lock(&surface->lock);
    void **mappings = surface->mappings;
    if (surface->layout.bytes > SLB_MAX_MEMORY_BYTES) {
        fail(SLB_E_ARGUMENT, "Cannot map a surface of %llu bytes: at most %llu are allowed",
             (unsigned long long)surface->layout.bytes, SLB_MAX_MEMORY_BYTES);
    } else if (!mappings[read_only]) {
        bool first = !mappings[!read_only];
        void *mapping = map_file(surface, protections[read_only]);
        if (mapping == MAP_FAILED) {
            fail(SLB_E_SYSTEM, "Cannot map a surface of %llu bytes: %s",
                 (unsigned long long)surface->layout.bytes, platform_cause(errno));
        } else {
            mappings[read_only] = mapping;
            if (first) atomic_fetch_add(&mapped_count, 1);
        }
    }
    void *mapping = mappings[read_only];
    void *plane = mapping ? (char *)mapping + surface_first_offset(&surface->layout) : NULL;
    pthread_mutex_unlock(&surface->lock);
    object_release(&surface->object);
    return plane;
}

void *slb_surface_map(slb_handle handle) { return map(handle, false); }
void *slb_surface_map_read(slb_handle handle) { return map(handle, true); }

/* Memory files are coherent: only the pairing of locks and unlocks is checked. */

int32_t slb_surface_lock(slb_handle handle, uint32_t read_only) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return SLB_E_HANDLE;
    pthread_mutex_lock(&surface->lock);
    surface->locks[read_only != 0]++;
    pthread_mutex_unlock(&surface->lock);
    object_release(&surface->object);
    return 0;
}

int32_t slb_surface_unlock(slb_handle handle, uint32_t read_only) {
    struct surface *surface = handle_take(handle, SLB_KIND_SURFACE);
    if (!surface) return SLB_E_HANDLE;
    pthread_mutex_lock(&surface->lock);
    int32_t result = surface_locks_end(surface->locks, read_only != 0);
    pthread_mutex_unlock(&surface->lock);
    object_release(&surface->object);
    return result;
}
