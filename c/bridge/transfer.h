/*
 * transfer.h: endpoints, descriptors and shared memory: the capabilities that a
 * message can carry, besides surfaces. Each is an XPC object with a handle.
 */
#ifndef SLB_TRANSFER_H
#define SLB_TRANSFER_H

#include "object.h"

struct transfer;

/* Makes a handle of `kind` for the XPC object, which it takes over. 0: out of memory. */
slb_handle transfer_handle_consume(struct queue *queue, uint32_t kind, xpc_object_t value);

/* The XPC object, borrowed. */
xpc_object_t transfer_value(struct transfer *transfer);

#endif
