/*
 * surface.h: pixel buffers that two processes map, one implementation per
 * system: surface_memfd.c here.
 */
#ifndef SLB_SURFACE_H
#define SLB_SURFACE_H

#include "object.h"

/* Whether the XPC object is a surface. */
bool surface_is(xpc_object_t value);

/* A handle for a surface that was received; it is looked up and checked. 0 with the error set. */
slb_handle surface_handle_from_xpc(struct queue *queue, xpc_object_t value);

/* The surface as an XPC object, +1; NULL with the error set. */
xpc_object_t surface_copy_xpc(slb_handle handle);

/* Surfaces that this process has mapped now. */
uint64_t surface_mapped_count(void);

#endif
