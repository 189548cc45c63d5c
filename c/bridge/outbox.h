/*
 * outbox.h: what was sent on a connection and its peer has not taken yet, in bytes.
 *
 * XPC sends asynchronously and tells nobody what it holds. A barrier tells: when it runs, everything
 * sent before it has left. So the bytes of each message are added up, a barrier follows when many are
 * not known to have left, and there is at most one barrier under way.
 */
#ifndef SLB_OUTBOX_H
#define SLB_OUTBOX_H

#include <pthread.h>

#include "object.h"

struct outbox {
    struct object *owner; /* of the connection; a barrier under way holds a reference to it */
    pthread_mutex_t lock; /* guards what follows */
    uint64_t sent, left;  /* bytes since the start: sent, and known to have left */
    uint64_t behind;      /* the value of `sent` when the barrier under way was sent; 0: there is none */
};

void outbox_init(struct outbox *outbox, struct object *owner);
void outbox_finalize(struct outbox *outbox);

/* Adds a message that will be sent. False: it would exceed SLB_MAX_OUTBOX_BYTES, and was not added. */
bool outbox_add(struct outbox *outbox, uint32_t bytes);
/* The message was sent: puts a barrier behind it if one is due. */
void outbox_follow(struct outbox *outbox, xpc_connection_t connection);
/* XPC has dropped what it held: the connection was interrupted or has ended. */
void outbox_discard(struct outbox *outbox);
uint64_t outbox_waiting(struct outbox *outbox);

/* The bytes that wait in all outboxes. */
uint64_t outboxes_waiting(void);

#endif
