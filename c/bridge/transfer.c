/* transfer.c: endpoints, descriptors and shared memory. See transfer.h. */
#include "transfer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mapping.h"
#include "platform.h"
#include "queue.h"

struct transfer {
    struct object object;
    xpc_object_t value;
    pthread_mutex_t lock; /* guards the mappings of a shmem */
    void *mappings[2]; /* [0] to read and write, [1] to read; NULL before */
    size_t mapped_bytes; /* of each */
};

static void transfer_finalize(struct object *object) {
    static const int protections[2] = {PROT_READ | PROT_WRITE, PROT_READ};
    struct transfer *transfer = (struct transfer *)object;
    for (int i = 0; i < 2; i++) {
        if (!transfer->mappings[i]) continue;
        mapping_end(transfer->mappings[i], transfer->mapped_bytes, protections[i], atomic_load(&object->keep_mapping));
    }
    xpc_release(transfer->value);
    pthread_mutex_destroy(&transfer->lock);
    free(transfer);
}

slb_handle transfer_handle_consume(struct queue *queue, uint32_t kind, xpc_object_t value) {
    struct transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer) {
        xpc_release(value);
        fail(SLB_E_MEMORY, "Cannot make a handle: out of memory");
        return 0;
    }
    transfer->value = value;
    pthread_mutex_init(&transfer->lock, NULL);
    object_init(&transfer->object, kind, queue, NULL, transfer_finalize);
    return handle_consume(&transfer->object);
}

xpc_object_t transfer_value(struct transfer *transfer) { return transfer->value; }

/* ---- descriptors ---- */

slb_handle slb_fd_create(slb_handle queue_handle, int32_t descriptor) {
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    xpc_object_t value = xpc_fd_create(descriptor);
    slb_handle handle = 0;
    if (value) handle = transfer_handle_consume(queue, SLB_KIND_FD, value);
    else fail(SLB_E_SYSTEM, "Cannot wrap descriptor %d: %s", descriptor, platform_cause(errno));
    queue_release(queue);
    return handle;
}

int32_t slb_fd_dup(slb_handle handle) {
    struct transfer *transfer = handle_take(handle, SLB_KIND_FD);
    if (!transfer) return SLB_E_HANDLE;
    int descriptor = xpc_fd_dup(transfer->value);
    object_release(&transfer->object);
    return descriptor >= 0 ? descriptor : fail(SLB_E_SYSTEM, "Cannot copy a descriptor: %s", platform_cause(errno));
}

/* ---- shared memory ---- */

/*
 * macOS maps memory above 128 MiB in several pieces, and may share only the first of them. What a receiver
 * would map tells. 0: it cannot be mapped.
 */
static size_t shared_bytes(xpc_object_t value) {
    void *mapping;
    size_t mapped = xpc_shmem_map(value, &mapping);
    if (mapped > 0) munmap(mapping, mapped);
    return mapped;
}

/* Takes `value` over, which has to share that many bytes. */
static slb_handle shmem_handle_consume(struct queue *queue, xpc_object_t value, uint64_t bytes) {
    size_t shared = value && bytes > SLB_SHARED_WHOLE_BYTES ? shared_bytes(value) : 0;
    if (value && (bytes <= SLB_SHARED_WHOLE_BYTES || shared >= bytes)) {
        return transfer_handle_consume(queue, SLB_KIND_SHMEM, value);
    }
    if (value) xpc_release(value);
    if (shared > 0) {
        fail(SLB_E_SYSTEM,
             "Cannot share a region of %llu bytes: the system shares only %zu of them; use regions of at most %llu",
             (unsigned long long)bytes, shared, SLB_SHARED_WHOLE_BYTES);
    } else {
        fail(SLB_E_SYSTEM, "Cannot share a region of %llu bytes", (unsigned long long)bytes);
    }
    return 0;
}

slb_handle slb_shmem_create(slb_handle queue_handle, uint64_t bytes) {
    if (bytes == 0 || bytes > SLB_MAX_MEMORY_BYTES) {
        fail(SLB_E_ARGUMENT, "Cannot make a region of %llu bytes: 1 to %llu are allowed", (unsigned long long)bytes,
             SLB_MAX_MEMORY_BYTES);
        return 0;
    }
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    slb_handle handle = 0;
    void *region = platform_region_create((size_t)bytes);
    if (region) {
        xpc_object_t value = xpc_shmem_create(region, (size_t)bytes);
        handle = shmem_handle_consume(queue, value, bytes);
        platform_region_destroy(region, (size_t)bytes); /* the shmem has its own mapping */
    } else {
        fail(SLB_E_MEMORY, "Cannot make a region of %llu bytes: %s", (unsigned long long)bytes, platform_cause(errno));
    }
    queue_release(queue);
    return handle;
}

/* Maps the memory once more, with the lock held. NULL with the error set. */
static void *map_once_more(struct transfer *transfer, bool read_only) {
    void *mapping;
    size_t bytes = xpc_shmem_map(transfer->value, &mapping);
    if (bytes == 0) {
        fail(SLB_E_SYSTEM, "Cannot map shared memory: %s", platform_cause(errno));
        return NULL;
    }
    if (bytes > SLB_MAX_MEMORY_BYTES) {
        fail(SLB_E_ARGUMENT, "Cannot map shared memory of %zu bytes: at most %llu are allowed", bytes, SLB_MAX_MEMORY_BYTES);
    } else if (read_only && mprotect(mapping, bytes, PROT_READ) != 0) {
        fail(SLB_E_SYSTEM, "Cannot map shared memory to read: %s", platform_cause(errno));
    } else {
        transfer->mapped_bytes = bytes;
        return mapping;
    }
    munmap(mapping, bytes); /* nobody has seen its address */
    return NULL;
}

static void *map(slb_handle handle, bool read_only) {
    struct transfer *transfer = handle_take(handle, SLB_KIND_SHMEM);
    if (!transfer) return NULL;
    pthread_mutex_lock(&transfer->lock);
    if (!transfer->mappings[read_only]) transfer->mappings[read_only] = map_once_more(transfer, read_only);
    void *mapping = transfer->mappings[read_only];
    pthread_mutex_unlock(&transfer->lock);
    object_release(&transfer->object);
    return mapping;
}

void *slb_shmem_map(slb_handle handle) { return map(handle, false); }
void *slb_shmem_map_read(slb_handle handle) { return map(handle, true); }

uint64_t slb_shmem_bytes(slb_handle handle) {
    struct transfer *transfer = handle_take(handle, SLB_KIND_SHMEM);
    if (!transfer) return 0;
    pthread_mutex_lock(&transfer->lock);
    uint64_t bytes = transfer->mapped_bytes;
    pthread_mutex_unlock(&transfer->lock);
    object_release(&transfer->object);
    return bytes;
}
