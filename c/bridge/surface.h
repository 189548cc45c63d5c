/*
 * surface.h: pixel buffers that two processes map, one implementation per
 * system: surface_memfd.c on Linux, surface_iosurface.c on macOS.
 */
#ifndef SLB_SURFACE_H
#define SLB_SURFACE_H

#include "object.h"

#define SURFACE_MAX_DIMENSION 32768u
#define SURFACE_MAX_ELEMENT_BYTES 16u
#define SURFACE_MAX_BYTES (1ull << 30) /* 16K video in 16-bit floats; what a peer claims beyond is not believed */

/* Whether a surface of that size may be made here; if not, the error is set. */
bool surface_size_allowed(uint32_t width, uint32_t height, uint32_t element_bytes, uint64_t bytes_per_row);

/* CPU access under way: [0] to write, [1] only to read. */
typedef uint32_t surface_locks[2];

/* Counts one less. SLB_E_ARGUMENT: there is none of its kind. */
int32_t surface_locks_end(surface_locks locks, bool read_only);

/* Whether the XPC object is a surface. */
bool surface_is(xpc_object_t value);

/* A handle for a surface that was received; it is looked up and checked. 0 with the error set. */
slb_handle surface_handle_from_xpc(struct queue *queue, xpc_object_t value);

/* The surface as an XPC object, +1; NULL with the error set. */
xpc_object_t surface_copy_xpc(slb_handle handle);

/* Surfaces that this process has mapped now. */
uint64_t surface_mapped_count(void);

#endif
