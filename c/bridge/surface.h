/*
 * surface.h: pixel buffers that several processes map. Each system has its own
 * implementation: surface_memfd.c on Linux, surface_iosurface.c on macOS.
 */
#ifndef SLB_SURFACE_H
#define SLB_SURFACE_H

#include "object.h"

#define SURFACE_MAX_DIMENSION 32768u
#define SURFACE_MAX_ELEMENT_BYTES 16u

/* Whether a surface of that size may be made. If not, the error is set. */
bool surface_size_allowed(uint32_t width, uint32_t height, uint32_t element_bytes, uint64_t bytes_per_row);

/* The numbers of locks that are held: [0] for writing, [1] for reading. */
typedef uint32_t surface_locks[2];

/* Counts one lock less. SLB_E_ARGUMENT: there is no such lock. */
int32_t surface_locks_end(surface_locks locks, bool read_only);

/* Whether the XPC object is a surface. */
bool surface_is(xpc_object_t value);

/* Checks a surface that was received, and makes a handle for it. 0 with the error set on failure. */
slb_handle surface_handle_from_xpc(struct queue *queue, xpc_object_t value);

/* The surface as an XPC object, which the caller owns; NULL with the error set. */
xpc_object_t surface_copy_xpc(slb_handle handle);

/* The number of surfaces that this process has mapped. */
uint64_t surface_mapped_count(void);

#endif
