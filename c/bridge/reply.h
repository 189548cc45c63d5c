/*
 * reply.h: the reply to a request that was received.
 */
#ifndef SLB_REPLY_H
#define SLB_REPLY_H

#include "object.h"

/* Makes a handle for the empty reply to `request`, and takes `empty` over. 0: out of memory. */
slb_handle reply_handle_consume(struct queue *queue, xpc_object_t empty, xpc_object_t request);

#endif
