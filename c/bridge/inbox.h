/*
 * inbox.h: the events of a connection that its queue has not given out yet, and their budget: a
 * connection is suspended while they are too many, or cost too much.
 */
#ifndef SLB_INBOX_H
#define SLB_INBOX_H

#include "block.h"

struct connection;

/* XPC's handlers, which it calls on its own threads, serially for one connection. Their context is the connection. */
void inbox_on_event(struct block *block, xpc_object_t object);
/* The block's number is the request's. Takes over a reference to the connection. */
void inbox_on_reply(struct block *block, xpc_object_t object);

/* To be called when an event of the connection has left the queue: it may receive again. */
void inbox_drained(struct connection *connection, uint32_t cost);
/* To be called when the connection was cancelled: it is resumed, and not suspended again. */
void inbox_close(struct connection *connection);

struct inbox_counters {
    uint64_t received;        /* messages, since the start, as are the last two */
    uint64_t bytes;           /* waiting in all inboxes */
    uint64_t suspended;       /* connections, now */
    uint64_t malformed;       /* messages */
    uint64_t ended_malformed; /* connections */
};
struct inbox_counters inbox_counters(void);

#endif
