/*
 * surface.h: pixel buffers that several processes map. Each system has its own
 * implementation: surface_memfd.c on Linux, surface_iosurface.c on macOS.
 */
#ifndef SLB_SURFACE_H
#define SLB_SURFACE_H

#include "object.h"

#define SURFACE_MAX_DIMENSION 32768u
#define SURFACE_MAX_SAMPLE_BYTES 16u

/* A surface to make. */
struct surface_plan {
    uint32_t width, height, pixel_format, plane_count;
    struct {
        uint32_t width, height, sample_bytes;
    } planes[SLB_MAX_PLANES];
};

/* Fills in a plan from the arguments of slb_surface_create. False with the error set: a number is not allowed. */
bool surface_plan_read(struct surface_plan *plan, uint32_t width, uint32_t height, uint32_t pixel_format,
                       const uint32_t *planes, uint32_t plane_count);

/* Whether a surface may have that size. If not, the error is set. */
bool surface_bytes_allowed(const struct surface_plan *plan, uint64_t bytes);

/* Where a surface is in its memory. Every plane has been checked to be within `bytes`. */
struct surface_layout {
    uint32_t width, height, pixel_format, plane_count;
    uint64_t bytes, id, modifier;
    struct surface_plane {
        uint64_t offset;
        uint32_t width, height, bytes_per_row;
    } planes[SLB_MAX_PLANES];
};

/* The offset of the plane that is first in memory. */
uint64_t surface_first_offset(const struct surface_layout *layout);

/* Writes what slb_surface_layout does. */
void surface_layout_write(const struct surface_layout *layout, uint32_t *values);

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
