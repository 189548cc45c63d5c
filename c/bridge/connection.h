/*
 * connection.h: listeners and connections, over xpc_connection_t.
 *
 *   connection.c  their life, the API, and what is sent
 *   inbox.c       what is received
 *   outbox.c      how much of what was sent is not taken yet
 *   farewell.c    what was sent leaves before the connection is cancelled
 */
#ifndef SLB_CONNECTION_H
#define SLB_CONNECTION_H

#include <pthread.h>

#include "outbox.h"
#include "queue.h"

struct connection {
    struct object object;
    xpc_connection_t xpc;
    struct outbox outbox;
    struct backlog backlog; /* guarded by the queue's lock */
    struct event last_event; /* INVALID, once: it needs no memory when it comes, so no end is lost */
    pthread_mutex_t lock;   /* guards what follows */
    uint32_t pending;       /* its events on the queue */
    uint64_t inbox_bytes;   /* what these cost */
    bool suspended;         /* because these are too many */
    bool activated;
    bool cancelled; /* by this side: nothing is sent any more, and nothing received is reported */
    bool sent;      /* a message */
    bool deaf;      /* its handle was released */
    bool gone;      /* its last event was put: the other side is gone, or this side has cancelled it */
    _Atomic uint32_t limit; /* the longest message that it takes, packed */
    bool by_name;   /* a client of a named service, which may be interrupted and used again; constant */
    struct connection *next_farewell; /* guarded by farewell.c's lock */
    uint32_t malformed;               /* messages received */
    uint32_t ended;                   /* SLB_REASON_* if this side has ended it for what the peer does, else 0 */
    char reason[SLB_MAX_TEXT_BYTES]; /* if so */
};

struct object *connection_object(struct connection *connection);

/* Takes `xpc` over. NULL: out of memory; the error is set, `xpc` is cancelled and released. */
struct connection *connection_create(struct queue *queue, uint32_t kind, xpc_connection_t xpc, bool by_name);

/* The connection of a received message or its reply; valid while `xpc` is retained. */
struct connection *connection_of(xpc_connection_t xpc);

/* Sends a message that takes `bytes` in the outbox. Returns 0, or SLB_E_OUTBOX with the error set: the connection was ended. */
int32_t connection_send(struct connection *connection, xpc_object_t message, uint32_t bytes);

/* Ends a connection for what its peer does: SLB_REASON_*, and a text. The first reason stays. */
void connection_end(struct connection *connection, uint32_t reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The other side is gone, and this is the last event: cancels the connection. `reason` may be empty. */
void connection_lost(struct connection *connection, const char *reason);

/* Whether its handle was released: nothing of it is reported any more. */
bool connection_is_deaf(struct connection *connection);

/* The number of connections that were ended because their peer did not read. */
uint64_t connections_ended_outbox(void);

#endif
