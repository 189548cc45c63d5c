/*
 * connection.h - a connection, and how its parts divide the work.
 *
 *   connection.c  the API (create, activate, cancel) and the lifetime of a connection
 *   properties.c  its getters and setters
 *   client.c      connects to the other side, by name or by endpoint; handles its loss
 *   bootstrap.c   names through an inherited bootstrap
 *   listener.c    new peers: accepted as strangers, announced with their first message
 *   endpoint.c    endpoints that are passed on
 *   send.c        from the outbox to the socket; awaited replies
 *   receive.c     from the socket to the inbox
 *   dispatch.c    from the inbox to the handlers
 *   reply_thread.c  reply handlers that run beside the event handler, if this libxpc is to be as on a Mac
 *
 * A connection is an actor. Every event (a ready socket, a cancel, a barrier that is due) makes
 * the pool run it: input and output with its lock held, then, without the lock, the items of its
 * inbox in order, on one thread at a time.
 *
 * Lock order: a peer's lock, then its listener's, then the pool's. No lock is held while a handler
 * or a finalizer runs, or while a delivered message is released, because an unanswered request
 * sends a decline when it is freed.
 *
 * References: xpc_retain counts the program's references. `holds` counts the library's: one for
 * all of the program's together, one from creation until INVALID is delivered, and one for each
 * list or thread that uses the connection. The last drop frees the memory.
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
    XL_PEER
};

enum xl_state { XL_INACTIVE, XL_ACTIVE, XL_INVALID };

/* A thread that waits for a reply. */
struct xl_waiter {
    bool done;
    xpc_object_t reply; /* owned */
};

enum xl_item_kind { XL_EVENT, XL_NEW_PEER, XL_REPLY_HANDLER, XL_BARRIER, XL_LAST /* INVALID */ };

/* An item of the inbox, or an awaited reply. */
struct xl_item {
    struct xl_item *next;
    enum xl_item_kind kind;
    bool embedded;            /* part of a connection: never freed on its own */
    uint64_t charge;          /* what the object takes of the connection's inbox, in bytes */
    uint64_t id;              /* of the request */
    xpc_object_t object;      /* owned; a new peer is held */
    struct xl_block *block;   /* owned; NULL: the connection's event handler */
    dispatch_queue_t queue;   /* retained; NULL: the connection's queue */
    struct xl_waiter *waiter; /* instead of a block */
};

struct xl_items {
    struct xl_item *first, **end;
};

struct _xpc_connection_s {
    struct xl_object head;
    _Atomic uint32_t holds;
    struct xl_pool_links links; /* the pool's */
    enum xl_role role;          /* constant, as the next two */
    char *name;                 /* owned, or NULL */
    struct xl_carrier *target;  /* owned; an endpoint client's endpoint */
    _Atomic uint64_t last_id;

    pthread_mutex_t lock; /* guards everything that follows */
    pthread_cond_t replied;
    struct xl_block *handler;
    dispatch_queue_t queue;
    void *context;
    xpc_finalizer_t finalizer;

    enum xl_state state;
    char reason[XL_REASON_BYTES]; /* why it is invalid */
    int reason_errno;             /* the reason as an errno value; 0: none */
    struct xpc_linux_goodbye goodbye; /* why the other side has ended the connection, if it has said so */
    unsigned suspended;
    bool activated;       /* by the program; a connection of the program is told nothing before */
    bool has_requirement; /* on the code signature of its peer */
    bool cancelled;     /* by this side: from now on only INVALID is delivered */
    bool told;          /* INVALID has been delivered */
    bool told_early;    /* to a handler that could not be kept for lack of memory: not again */
    bool dispatching;   /* a thread runs the inbox, or a queue has the current item */
    bool in_barrier;    /* a barrier runs: nothing is sent */
    bool wanted;        /* a client: must connect */
    bool kept;          /* a peer: the library owns one of the program's references until INVALID is delivered */
    bool identified;    /* `other` is from the first packet; all others must have the same sender */
    struct ucred other; /* pid 0, ids -1: unknown */

    int socket;        /* owned, watched; or -1 */
    int endpoint;      /* owned; anonymous listener: its process's endpoints are duplicates of it */
    struct xl_holder *holders; /* owned; listener: its ends of the endpoints that were passed on */
    int lifeline;      /* owned, watched; endpoint client: hangs up when the listener ends */
    int look_up;       /* owned, watched; client by name: the bootstrap's answer arrives there */
    bool registered;   /* a named listener: at a bootstrap, which sends it its connections as to an endpoint */
    bool listener_gone; /* the lifeline has hung up */
    int creation_errno; /* anonymous listener: why it could not be made */
    struct xl_claim claim; /* named listener */

    struct xl_items inbox;
    struct xl_item current; /* while dispatching; read without the lock */
    uint64_t inbox_bytes; /* of the messages in it */
    bool waits_for_room;  /* the process's inbox is full: tries again after a rest */
    struct xl_item interrupted; /* embedded: adding it cannot fail */
    bool interrupted_queued;
    struct xl_items awaited; /* replies */
    unsigned waiters;        /* threads that wait for one */
    struct xl_parcel *outbox, **outbox_end;
    uint64_t outbox_bytes;
    uint64_t in_flight; /* memory files and descriptors that the kernel may still hold; see send.c */

    xpc_connection_t listener;                           /* held, until a stranger is announced */
    struct xl_item announcement;                         /* embedded */
    xpc_connection_t strangers;                          /* of a listener; not held, because they hold it */
    xpc_connection_t next_stranger, *link_from_previous; /* NULL: not in the list; guarded by the listener's lock */
    pid_t caller;           /* the process that connected, before its first packet; constant once linked */
    _Atomic bool dismissed; /* a stranger that makes room: ends unless its first packet has arrived */
};

/* ---- connection.c --------------------------------------------------------------------- */

xpc_connection_t xl_connection_create(enum xl_role role);
void xl_connection_hold(xpc_connection_t connection);
void xl_connection_drop(xpc_connection_t connection);
/* Adds a reference for the program, even if it has released all of its own. */
void xl_connection_retain(xpc_connection_t connection);
/* `socket` is the one that has become ready, or -1. */
void xl_connection_run(xpc_connection_t connection, int socket);

/* With its lock held: */
/*
 * `error`: EBADMSG for what the other side sent, EXFULL if a queue to or from it is full, EADDRINUSE, what
 * this process lacks; then the other side is told why. 0: this side wants the end, or the other side does.
 */
__attribute__((format(printf, 4, 5)))
void xl_connection_invalidate(xpc_connection_t connection, int error, xpc_object_t reply_error, const char *why, ...);
/* Tells the pool which events of the socket to watch for. */
void xl_connection_arm(xpc_connection_t connection);
/* Whether it may send and receive. */
bool xl_connection_is_live(xpc_connection_t connection);
/* Consumes the socket, even on failure, and watches it for `events`. False: the connection was invalidated. */
bool xl_connection_adopt(xpc_connection_t connection, int socket, uint32_t events);

/* XPC's error constants as objects; nothing writes to them. */
#define XL_INTERRUPTED ((xpc_object_t)XPC_ERROR_CONNECTION_INTERRUPTED)
#define XL_INVALID_ERROR ((xpc_object_t)XPC_ERROR_CONNECTION_INVALID)

/* ---- client.c, with the lock held ----------------------------------------------------- */

void xl_client_connect(xpc_connection_t connection);
/* Adds INTERRUPTED to the inbox, unless one waits there. */
void xl_connection_tell_interrupted(xpc_connection_t connection);
/* The other side has closed the socket; `goodbye` is its last packet if that says why, else NULL. */
void xl_connection_lost(xpc_connection_t connection, const struct xl_packet *goodbye);

/* ---- listener.c ----------------------------------------------------------------------- */

/* With the lock held: */
void xl_listener_open(xpc_connection_t listener);
/* From the socket of a holder, or from its own if that is -1. */
void xl_listener_accept(xpc_connection_t listener, int holder);
void xl_stranger_receive(xpc_connection_t stranger);
/* Without: */
void xl_listener_dismiss_strangers(xpc_connection_t listener);
void xl_stranger_leave(xpc_connection_t stranger);

/* ---- send.c --------------------------------------------------------------------------- */

/* Tells the sender of a request that no reply will come. */
void xl_connection_decline(xpc_connection_t connection, uint64_t id);
/* With the lock held: */
void xl_outbox_flush(xpc_connection_t connection);
/* Drops unsent messages. Awaited replies get this error, and barriers run. */
void xl_outbox_unwind(xpc_connection_t connection, xpc_object_t error);
/* Takes the awaited reply with that id from the list; NULL if there is none. */
struct xl_item *xl_awaited_take(xpc_connection_t connection, uint64_t id);
/* Delivers a reply, +1, to its waiter or handler. */
void xl_awaited_finish(xpc_connection_t connection, struct xl_item *item, xpc_object_t reply);

/* ---- receive.c, with the lock held ---------------------------------------------------- */

void xl_inbox_receive(xpc_connection_t connection);
/*
 * Receives a packet if the process has room for it. The room for its cost belongs to its body; without
 * a body none is kept. XL_NOTHING and waits_for_room: there is no room, so the connection rests.
 */
enum xl_received xl_connection_receive(xpc_connection_t connection, struct xl_packet *packet, const char **why);
void xl_connection_end_wait(xpc_connection_t connection);
/* NULL if the packet is from the other side, else the reason. */
const char *xl_connection_identify(xpc_connection_t connection, const struct ucred *sender);
/* Adds a message, +1, to the inbox. It takes over the room for the packet's cost, even on failure. */
bool xl_inbox_add_message(xpc_connection_t connection, const struct xl_packet *packet);

/* ---- reply_thread.c, with the lock held ----------------------------------------------- */

/* Runs a reply handler, whose item it consumes, on a thread of its own. False: there is no thread or memory for it. */
bool xl_reply_on_thread(xpc_connection_t connection, struct xl_item *item);

/* ---- dispatch.c ----------------------------------------------------------------------- */

void xl_items_append(struct xl_items *items, struct xl_item *item);
struct xl_item *xl_items_take_first(struct xl_items *items);
/* Runs handlers until the inbox is empty or a queue takes one over. With the lock held, except while they run. */
void xl_inbox_dispatch(xpc_connection_t connection);
/* Sets the remote connection of a received message. A request freed before sends no decline. Without the lock. */
void xl_connection_attach(xpc_connection_t connection, xpc_object_t object);
dispatch_queue_t xl_queue_retain(dispatch_queue_t queue);
void xl_queue_release(dispatch_queue_t queue);

#endif
