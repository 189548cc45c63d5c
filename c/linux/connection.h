/*
 * connection.h - a connection, and how its parts divide the work.
 *
 *   connection.c  what a program calls: make, activate, cancel, ask; and the life of it
 *   client.c      reaching the other side, by name or by endpoint; losing it
 *   listener.c    new peers: accepted as strangers, announced with their first message
 *   send.c        outbox to socket; replies awaited
 *   receive.c     socket to inbox
 *   dispatch.c    inbox to handlers
 *
 * A connection is an actor. Whatever concerns it, be it a socket that is ready, a cancel, or a
 * barrier that is due, has the pool run it: input and output under its lock, then, without the
 * lock, what is in its inbox, one after the other, by one thread at a time.
 *
 * Locks: a peer's, then its listener's, then the pool's. No handler and no finalizer runs with
 * one held, and no message that was delivered is released: it answers for itself when it goes.
 *
 * References: xpc_retain counts the program's. `holds` counts ours: one for all of the
 * program's together, one from creation until INVALID has been told, and one for each list or
 * thread that is at it. The memory goes with the last hold.
 */
#ifndef XL_CONNECTION_H
#define XL_CONNECTION_H

#include <pthread.h>

#include "block.h"
#include "object.h"
#include "packet.h"
#include "pool.h"
#include "service.h"

enum xl_role {
    XL_ANONYMOUS_LISTENER,
    XL_NAMED_LISTENER,
    XL_NAMED_CLIENT,
    XL_ENDPOINT_CLIENT,
    XL_PEER,
    XL_BUNDLED_SERVICE /* does not exist on Linux */
};

enum xl_state { XL_INACTIVE, XL_ACTIVE, XL_INVALID };

/* A thread that waits for a reply. */
struct xl_waiter {
    bool done;
    xpc_object_t reply; /* owned */
};

enum xl_item_kind { XL_EVENT, XL_NEW_PEER, XL_REPLY_HANDLER, XL_BARRIER };

/* Something for the inbox; until a reply is there, a reply that is awaited. */
struct xl_item {
    struct xl_item *next;
    enum xl_item_kind kind;
    bool embedded;            /* part of a connection: not to be freed */
    uint64_t id;              /* of the request */
    xpc_object_t object;      /* owned, and of a new peer held */
    struct xl_block *block;   /* owned; none: the connection's event handler */
    dispatch_queue_t queue;   /* retained, or NULL: the connection's */
    struct xl_waiter *waiter; /* instead of a block */
};

struct xl_items {
    struct xl_item *first, **end;
};

struct _xpc_connection_s {
    struct xl_object head;
    _Atomic uint32_t holds;
    struct xl_pool_links links; /* the pool's */
    enum xl_role role;          /* fixed from here */
    char *name;                 /* owned, or NULL */
    struct xl_carrier *target;  /* owned; an endpoint client's endpoint */
    _Atomic uint64_t last_id;

    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t replied;
    struct xl_block *handler;
    dispatch_queue_t queue;
    void *context;
    xpc_finalizer_t finalizer;

    enum xl_state state;
    char reason[XL_REASON_BYTES]; /* why it is invalid */
    unsigned suspended;
    bool cancelled;     /* by this side: nothing but INVALID is delivered any more */
    bool told;          /* INVALID has been */
    bool told_early;    /* to a handler that there was no memory for: not again */
    bool dispatching;   /* a thread is at the inbox */
    bool in_barrier;    /* nothing is sent until the block has run */
    bool wanted;        /* a client by name: to be connected */
    bool kept;          /* a peer: one of the program's references is ours, until INVALID is told */
    bool identified;    /* `other` is what the first packet said; all must say the same */
    struct ucred other; /* pid 0, ids -1: unknown */

    int socket;        /* owned, watched; or -1 */
    int endpoint;      /* owned; anonymous listener: the end that endpoints are copies of */
    int lifeline;      /* owned, watched; endpoint client: hangs up with the listener */
    bool listener_gone; /* it has */
    struct xl_claim claim; /* named listener */

    struct xl_items inbox;
    struct xl_item interrupted; /* embedded, so that it needs no memory when it is needed */
    bool interrupted_queued;
    struct xl_items awaited; /* replies */
    unsigned waiters;        /* threads that wait for one */
    struct xl_parcel *outbox, **outbox_end;

    xpc_connection_t listener;                           /* held, until a stranger is announced */
    struct xl_item announcement;                         /* embedded */
    xpc_connection_t strangers;                          /* a listener's, not held: they hold it */
    xpc_connection_t next_stranger, *link_from_previous; /* NULL: not in the list; the listener's lock */
};

/* ---- connection.c --------------------------------------------------------------------- */

xpc_connection_t xl_connection_create(enum xl_role role);
void xl_connection_hold(xpc_connection_t connection);
void xl_connection_drop(xpc_connection_t connection);
/* For the program, also if it has let go of all of its own references. */
void xl_connection_retain(xpc_connection_t connection);
/* `socket` is what has become ready, or -1. */
void xl_connection_run(xpc_connection_t connection, int socket);

/* With its lock held: */
__attribute__((format(printf, 3, 4)))
void xl_connection_invalidate(xpc_connection_t connection, xpc_object_t reply_error, const char *why, ...);
/* Tells the pool what the socket is to be watched for now. */
void xl_connection_arm(xpc_connection_t connection);
/* May it send and receive? */
bool xl_connection_is_live(xpc_connection_t connection);
/* Takes the socket over, also when it fails, and waits for `events`. False: it has been invalidated. */
bool xl_connection_adopt(xpc_connection_t connection, int socket, uint32_t events);

/* XPC's error constants as objects; nothing writes to them. */
#define XL_INTERRUPTED ((xpc_object_t)XPC_ERROR_CONNECTION_INTERRUPTED)
#define XL_INVALID_ERROR ((xpc_object_t)XPC_ERROR_CONNECTION_INVALID)

/* ---- client.c, with the lock held ----------------------------------------------------- */

void xl_client_connect(xpc_connection_t connection);
/* The other side has closed the socket. */
void xl_connection_lost(xpc_connection_t connection);

/* ---- listener.c ----------------------------------------------------------------------- */

/* With the lock held: */
void xl_listener_open(xpc_connection_t listener);
void xl_listener_accept(xpc_connection_t listener);
void xl_stranger_receive(xpc_connection_t stranger);
/* Without: */
void xl_listener_dismiss_strangers(xpc_connection_t listener);
void xl_stranger_leave(xpc_connection_t stranger);

/* ---- send.c --------------------------------------------------------------------------- */

/* Tells the sender of a request that no reply will come. */
void xl_connection_decline(xpc_connection_t connection, uint64_t id);
/* With the lock held: */
void xl_outbox_flush(xpc_connection_t connection);
/* Drops what is unsent; whoever awaits a reply gets this error, and barriers run. */
void xl_outbox_unwind(xpc_connection_t connection, xpc_object_t error);
/* The awaited reply with that id, taken from the list; or NULL. */
struct xl_item *xl_awaited_take(xpc_connection_t connection, uint64_t id);
/* Hands an awaited reply, +1, to whom it is for. */
void xl_awaited_finish(xpc_connection_t connection, struct xl_item *item, xpc_object_t reply);

/* ---- receive.c, with the lock held ---------------------------------------------------- */

void xl_inbox_receive(xpc_connection_t connection);
/* NULL, or why this cannot be from the other side. */
const char *xl_connection_identify(xpc_connection_t connection, const struct ucred *sender);
/* A message, +1, to the inbox. */
bool xl_inbox_add_message(xpc_connection_t connection, const struct xl_packet *packet);

/* ---- dispatch.c ----------------------------------------------------------------------- */

void xl_items_append(struct xl_items *items, struct xl_item *item);
struct xl_item *xl_items_take_first(struct xl_items *items);
/* Runs handlers until the inbox is empty. With the lock held, except while they run. */
void xl_inbox_dispatch(xpc_connection_t connection);
/* A received message knows its way back from here on: gone before, it answers nothing. Without the lock. */
void xl_connection_attach(xpc_connection_t connection, xpc_object_t object);
dispatch_queue_t xl_queue_retain(dispatch_queue_t queue);
void xl_queue_release(dispatch_queue_t queue);

#endif
