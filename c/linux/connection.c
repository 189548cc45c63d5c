/*
 * connection.c - see connection.h.
 */
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bootstrap/held.h"
#include "carrier.h"
#include "endpoint.h"
#include "exhaustion.h"
#include "misuse.h"
#include "stats.h"

/* ---- Life ----------------------------------------------------------------------------- */

static void close_socket(int *socket) {
    if (*socket < 0) return;
    xl_pool_forget(*socket);
    close(*socket);
    *socket = -1;
}

static void dispose(xpc_connection_t connection) {
    if (connection->finalizer) connection->finalizer(connection->context);
    xl_block_release(connection->handler);
    xl_queue_release(connection->queue);
    xpc_release(connection->target);
    free(connection->name);
    pthread_cond_destroy(&connection->replied);
    pthread_mutex_destroy(&connection->lock);
    xl_stats_subtract(XL_LIVE_CONNECTIONS, 1);
    xl_object_free(&connection->head);
}

void xl_connection_hold(xpc_connection_t connection) { atomic_fetch_add(&connection->holds, 1); }

void xl_connection_drop(xpc_connection_t connection) {
    if (atomic_fetch_sub(&connection->holds, 1) == 1) dispose(connection);
}

void xl_connection_retain(xpc_connection_t connection) {
    if (atomic_fetch_add(&connection->head.references, 1) == 0) xl_connection_hold(connection);
}

/* The program has released its last reference, so it can no longer cancel the connection: cancels it. */
static void connection_last_release(struct xl_object *object) {
    xpc_connection_t connection = (xpc_connection_t)object;
    pthread_mutex_lock(&connection->lock);
    /* "If you do not wish to accept the connection, you may simply call xpc_connection_cancel() on it." */
    bool unwanted_peer = connection->role == XL_PEER && connection->cancelled;
    if (!connection->activated && !unwanted_peer) {
        xl_misuse("xpc_release", "this is the last reference to a connection that was never activated",
                  "set its event handler and activate it first; cancel it before that, if it is not wanted");
    }
    if (connection->suspended > 0) {
        xl_misuse("xpc_release", "this is the last reference to a suspended connection",
                  "call xpc_connection_resume as often as xpc_connection_suspend first");
    }
    connection->cancelled = true;
    xl_connection_invalidate(connection, 0, XL_INVALID_ERROR, "released by this process");
    if (!connection->told) xl_pool_schedule(connection);
    pthread_mutex_unlock(&connection->lock);
    xl_connection_drop(connection);
}

static void describe_connection(const struct xl_object *object, FILE *out) {
    static const char *const roles[] = {"anonymous listener", "listener", "client by name", "client by endpoint",
                                        "peer"};
    const struct _xpc_connection_s *connection = (const struct _xpc_connection_s *)object;
    fputs(roles[connection->role], out);
    if (connection->name) {
        fputc(' ', out);
        xl_describe_text(connection->name, strlen(connection->name), out);
    }
}

const struct _xpc_type_s _xpc_type_connection = {
    .name = "connection",
    .last_release = connection_last_release,
    .describe = describe_connection,
};

xpc_connection_t xl_connection_create(enum xl_role role) {
    xpc_connection_t connection = xl_object_create(XPC_TYPE_CONNECTION, sizeof *connection);
    if (!connection) return NULL;
    xl_stats_add(XL_LIVE_CONNECTIONS, 1);
    atomic_init(&connection->holds, 2); /* the program's, and one until INVALID is delivered */
    pthread_mutex_init(&connection->lock, NULL);
    pthread_cond_init(&connection->replied, NULL);
    connection->role = role;
    connection->kept = role == XL_PEER;
    connection->socket = connection->endpoint = connection->lifeline = connection->look_up = connection->claim.directory = -1;
    connection->other = (struct ucred){.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
    connection->inbox.end = &connection->inbox.first;
    connection->awaited.end = &connection->awaited.first;
    connection->outbox_end = &connection->outbox;
    connection->interrupted = (struct xl_item){.kind = XL_EVENT, .embedded = true, .object = XL_INTERRUPTED};
    return connection;
}

/* ---- Running, with the lock held ------------------------------------------------------ */

bool xl_connection_is_live(xpc_connection_t connection) {
    return connection->state == XL_ACTIVE && !connection->suspended;
}

static bool is_listener(xpc_connection_t connection) {
    return connection->role == XL_ANONYMOUS_LISTENER || connection->role == XL_NAMED_LISTENER;
}

static bool is_stranger(xpc_connection_t connection) {
    return connection->listener && connection->state == XL_INACTIVE;
}

bool xl_connection_adopt(xpc_connection_t connection, int socket, uint32_t events) {
    connection->socket = socket;
    int why = xl_pool_watch(socket, connection, events);
    if (!why) return true;
    xl_connection_invalidate(connection, why, XL_INVALID_ERROR, "cannot watch a socket: %s", xl_cause(why));
    return false;
}

static void say_why(xpc_connection_t connection, int error) {
    if (error == 0 || connection->socket < 0 || is_listener(connection)) return;
    enum xl_goodbye_why why = error == EBADMSG ? XL_GOODBYE_REFUSED : error == EXFULL ? XL_GOODBYE_FULL : XL_GOODBYE_LACKING;
    xl_goodbye_send(connection->socket, why, connection->reason);
}

void xl_connection_invalidate(xpc_connection_t connection, int error, xpc_object_t reply_error, const char *why, ...) {
    if (connection->state == XL_INVALID) return;
    va_list ap;
    va_start(ap, why);
    vsnprintf(connection->reason, sizeof connection->reason, why, ap);
    va_end(ap);
    connection->reason_errno = error;
    say_why(connection, error);
    if (connection->state == XL_INACTIVE) connection->cancelled = true; /* an inactive connection delivers nothing */
    connection->state = XL_INVALID;
    xl_connection_end_wait(connection);
    /*
     * close alone is not enough: the other side would see no end while a copy of the socket is
     * open, in a child before its exec or in the peer that made the pair. A listening socket may
     * belong to a service manager, which continues to use it, so it is only closed.
     */
    if (connection->role != XL_NAMED_LISTENER || connection->registered) shutdown(connection->socket, SHUT_RDWR);
    close_socket(&connection->socket);
    close_socket(&connection->endpoint);
    close_socket(&connection->lifeline);
    close_socket(&connection->look_up);
    xl_holders_end(connection);
    xl_claim_drop(&connection->claim);
    xl_outbox_unwind(connection, reply_error);
    xl_pool_schedule(connection);
}

void xl_connection_arm(xpc_connection_t connection) {
    uint32_t events = 0;
    bool resting = xl_pool_is_resting(connection);
    if (connection->socket < 0) return;
    if (is_stranger(connection)) {
        events = connection->waits_for_room ? 0 : EPOLLIN;
    } else if (xl_connection_is_live(connection) && is_listener(connection)) {
        events = resting ? 0 : EPOLLIN;
    } else if (xl_connection_is_live(connection)) {
        if ((!connection->dispatching || connection->waiters) && !connection->waits_for_room) events |= EPOLLIN;
        if (connection->outbox && !connection->in_barrier && !resting) events |= EPOLLOUT;
    }
    if (events && !xl_pool_arm(connection->socket, events)) xl_pool_rest(connection);
    if (events) xl_holders_arm(connection);
}

/* `holder`: the socket that has become ready, if it is that of a holder; else -1. */
static void do_io(xpc_connection_t connection, int holder) {
    if (is_stranger(connection)) {
        xl_stranger_receive(connection);
    } else if (xl_connection_is_live(connection) && is_listener(connection)) {
        if (connection->socket < 0) xl_listener_open(connection);
        if (connection->socket >= 0) xl_listener_accept(connection, holder);
    } else if (xl_connection_is_live(connection)) {
        if (connection->socket < 0) xl_client_connect(connection);
        xl_outbox_flush(connection);
        if (connection->socket >= 0) xl_inbox_receive(connection);
    }
}

static bool has_hung_up(int socket) {
    struct pollfd state = {.fd = socket};
    return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR));
}

void xl_connection_run(xpc_connection_t connection, int socket) {
    pthread_mutex_lock(&connection->lock);
    bool mine = !connection->dispatching;
    if (socket >= 0 && socket == connection->lifeline && has_hung_up(socket)) connection->listener_gone = true;
    do_io(connection, xl_holder_disarm(connection, socket) ? socket : -1);
    xl_inbox_dispatch(connection);
    xl_connection_arm(connection);
    /* What was sent before the listener ended is still delivered: runs again until nothing is left. */
    if (mine && connection->listener_gone && xl_connection_is_live(connection)) xl_pool_schedule(connection);
    pthread_mutex_unlock(&connection->lock);
}

/* ---- The API -------------------------------------------------------------------------- */

static xpc_connection_t create(enum xl_role role, const char *name, dispatch_queue_t queue) {
    xpc_connection_t connection = xl_connection_create(role);
    if (!connection) return NULL;
    connection->queue = xl_queue_retain(queue);
    if (name) connection->name = xl_alloc(strlen(name) + 1);
    if (name && !connection->name) {
        connection->activated = true; /* the program never sees it */
        xpc_release(connection);
        return NULL;
    }
    if (name) strcpy(connection->name, name);
    return connection;
}

xpc_connection_t xpc_connection_create(const char *name, dispatch_queue_t targetq) {
    xpc_connection_t connection = create(name ? XL_NAMED_CLIENT : XL_ANONYMOUS_LISTENER, name, targetq);
    int ends[2];
    if (!connection || name) return connection;
    if (xl_socket_pair(ends) != 0) { /* reported when the connection is activated */
        connection->creation_errno = errno;
        return connection;
    }
    connection->socket = ends[0];
    connection->endpoint = held(ends[1]);
    connection->creation_errno = xl_pool_watch(ends[0], connection, 0);
    if (!connection->creation_errno) return connection;
    close(ends[0]);
    held_close(ends[1]);
    connection->socket = connection->endpoint = -1;
    return connection;
}

xpc_connection_t xpc_connection_create_mach_service(const char *name, dispatch_queue_t targetq, uint64_t flags) {
    bool listens = flags & XPC_CONNECTION_MACH_SERVICE_LISTENER;
    return create(listens ? XL_NAMED_LISTENER : XL_NAMED_CLIENT, name ? name : "", targetq);
}

xpc_connection_t xpc_connection_create_from_endpoint(xpc_endpoint_t endpoint) {
    struct xl_carrier *target = xl_as(endpoint, XPC_TYPE_ENDPOINT);
    xpc_connection_t connection = target ? create(XL_ENDPOINT_CLIENT, NULL, NULL) : NULL;
    if (connection) connection->target = xpc_retain(target);
    return connection;
}

void xpc_connection_set_target_queue(xpc_connection_t connection, dispatch_queue_t targetq) {
    xl_require_connection(connection, "xpc_connection_set_target_queue");
    pthread_mutex_lock(&connection->lock);
    dispatch_queue_t old = connection->queue;
    connection->queue = xl_queue_retain(targetq);
    pthread_mutex_unlock(&connection->lock);
    xl_queue_release(old);
}

void xpc_connection_set_event_handler(xpc_connection_t connection, xpc_handler_t handler) {
    xl_require_connection(connection, "xpc_connection_set_event_handler");
    struct xl_block *kept = xl_block_copy((const void *)handler), *old = kept;
    bool tell_now = false;
    pthread_mutex_lock(&connection->lock);
    if (kept || !handler) {
        old = connection->handler;
        connection->handler = kept;
    } else {
        connection->cancelled = true; /* the old handler must not get events for the new one */
        xl_connection_invalidate(connection, ENOMEM, XL_INVALID_ERROR, "cannot keep a handler: %s", xl_cause(ENOMEM));
        tell_now = !connection->handler && !connection->told && !connection->told_early;
        connection->told_early |= tell_now;
    }
    pthread_mutex_unlock(&connection->lock);
    if (tell_now) xl_block_invoke((void *)handler, XL_INVALID_ERROR); /* there is no memory to keep it for later */
    xl_block_release(old);
}

void xpc_connection_activate(xpc_connection_t connection) {
    xl_require_connection(connection, "xpc_connection_activate");
    int why = xl_pool_start();
    pthread_mutex_lock(&connection->lock);
    bool first = !connection->activated;
    if (first && !connection->handler && !connection->told && !connection->told_early) {
        xl_misuse("xpc_connection_activate", "the connection has no event handler",
                  "call xpc_connection_set_event_handler first");
    }
    connection->activated = true;
    if (first && connection->state == XL_INACTIVE) {
        connection->state = XL_ACTIVE;
        connection->wanted = true;
        if (connection->role == XL_PEER && !connection->kept) {
            xl_connection_retain(connection);
            connection->kept = true;
        }
        if (why) {
            xl_connection_invalidate(connection, why, XL_INVALID_ERROR, "cannot be activated: %s", xl_thread_cause(why));
        } else {
            do_io(connection, -1); /* now, so that the name is served when this function returns */
        }
    }
    pthread_mutex_unlock(&connection->lock);
    if (!first) return;
    if (!why) {
        xl_pool_schedule(connection);
    } else {
        xl_connection_hold(connection);
        xl_connection_run(connection, -1); /* on this thread: there is no other to deliver INVALID */
        xl_connection_drop(connection);
    }
}

void xpc_connection_suspend(xpc_connection_t connection) {
    xl_require_connection(connection, "xpc_connection_suspend");
    pthread_mutex_lock(&connection->lock);
    connection->suspended++;
    xl_connection_end_wait(connection); /* it takes no room now; tries again when it is resumed */
    pthread_mutex_unlock(&connection->lock);
}

void xpc_connection_resume(xpc_connection_t connection) {
    xl_require_connection(connection, "xpc_connection_resume");
    pthread_mutex_lock(&connection->lock);
    bool was_suspended = connection->suspended > 0;
    if (!was_suspended && connection->activated) {
        xl_misuse("xpc_connection_resume", "the connection is active and not suspended",
                  "resume a connection once for each xpc_connection_suspend, and activate it with xpc_connection_activate");
    }
    if (was_suspended && --connection->suspended == 0) xl_pool_schedule(connection);
    pthread_mutex_unlock(&connection->lock);
    if (!was_suspended) xpc_connection_activate(connection);
}

void xpc_connection_cancel(xpc_connection_t connection) {
    xl_require_connection(connection, "xpc_connection_cancel");
    pthread_mutex_lock(&connection->lock);
    connection->cancelled = true;
    xl_connection_invalidate(connection, 0, XL_INVALID_ERROR, "cancelled by this process");
    pthread_mutex_unlock(&connection->lock);
}

void xpc_linux_connection_cancel_because(xpc_connection_t connection, int why, const char *reason) {
    pthread_mutex_lock(&connection->lock);
    connection->cancelled = true;
    xl_connection_invalidate(connection, why, XL_INVALID_ERROR, "%s", reason);
    pthread_mutex_unlock(&connection->lock);
}
