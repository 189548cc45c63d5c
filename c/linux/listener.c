/*
 * listener.c - listeners: endpoints, new peers, and when they are announced.
 *
 * A new connection is a stranger at first: it is in the listener's list, and the program does not
 * know it. Its first packet identifies the sender; a stranger of another user is dropped. Then the
 * peer is announced to the listener's handler, with the first message in its inbox.
 *
 * A stranger that stays silent costs a descriptor, so a listener keeps only a few. One more makes
 * the oldest leave of the process that has the most, unless its first packet has arrived: a process
 * with a single stranger is the last that is asked to. The same happens when no descriptor is left
 * to accept with.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bootstrap.h"
#include "carrier.h"
#include "connection.h"
#include "endpoint.h"
#include "exhaustion.h"
#include "stats.h"

enum { ACCEPTS_AT_ONCE = 64 };

/*
 * The most strangers of one listener: a quarter of the descriptors that a process may have beyond
 * those of its own, within bounds.
 */
enum { STRANGERS_LEAST = 2, STRANGERS_MOST = 1024, STRANGERS_SHARE = 4 };

void xl_listener_open(xpc_connection_t listener) {
    char reason[XL_REASON_BYTES];
    if (listener->role == XL_NAMED_LISTENER) {
        bool in_use;
        int fd = xl_service_inherited(listener->name);
        if (fd < 0 && xl_bootstrap_listen(listener)) return;
        if (fd < 0) fd = xl_service_listen(listener->name, &listener->claim, &in_use, reason);
        if (fd >= 0) xl_connection_adopt(listener, fd, 0);
        else xl_connection_invalidate(listener, in_use ? EADDRINUSE : 0, XL_INVALID_ERROR, "%s", reason);
    } else {
        /* An anonymous listener gets its sockets at creation: endpoints may be made before activation. */
        xl_connection_invalidate(listener, listener->creation_errno, XL_INVALID_ERROR, "cannot make a listener: %s",
                                 xl_cause(listener->creation_errno));
    }
}

xpc_endpoint_t xpc_endpoint_create(xpc_connection_t connection) {
    if (!xl_as(connection, XPC_TYPE_CONNECTION) || connection->role != XL_ANONYMOUS_LISTENER) return NULL;
    pthread_mutex_lock(&connection->lock);
    int fd = connection->endpoint >= 0 ? xl_fd_dup(connection->endpoint) : -1;
    pthread_mutex_unlock(&connection->lock);
    return (xpc_endpoint_t)xl_carrier_consume(XPC_TYPE_ENDPOINT, fd);
}

/* ---- Strangers ------------------------------------------------------------------------ */

static void link_stranger(xpc_connection_t listener, xpc_connection_t stranger) {
    stranger->next_stranger = listener->strangers;
    stranger->link_from_previous = &listener->strangers;
    if (listener->strangers) listener->strangers->link_from_previous = &stranger->next_stranger;
    listener->strangers = stranger;
    xl_stats_add(XL_STRANGERS, 1);
}

static bool unlink_stranger(xpc_connection_t stranger) {
    if (!stranger->link_from_previous) return false;
    *stranger->link_from_previous = stranger->next_stranger;
    if (stranger->next_stranger) stranger->next_stranger->link_from_previous = stranger->link_from_previous;
    stranger->link_from_previous = NULL;
    xl_stats_subtract(XL_STRANGERS, 1);
    return true;
}

static unsigned strangers_allowed(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return STRANGERS_LEAST;
    rlim_t spare = limit.rlim_cur > XL_DESCRIPTORS_OF_ITS_OWN ? limit.rlim_cur - XL_DESCRIPTORS_OF_ITS_OWN : 0;
    rlim_t share = spare / STRANGERS_SHARE;
    if (share < STRANGERS_LEAST) return STRANGERS_LEAST;
    return share > STRANGERS_MOST ? STRANGERS_MOST : (unsigned)share;
}

static unsigned strangers_count(xpc_connection_t listener, pid_t of) {
    unsigned count = 0;
    for (xpc_connection_t each = listener->strangers; each; each = each->next_stranger) {
        if (!each->dismissed && (of == 0 || each->caller == of)) count++;
    }
    return count;
}

/*
 * Makes one stranger leave, in xl_stranger_receive on a thread of the pool: its lock may not be
 * taken under the listener's. The newest is the first of the list.
 */
static void dismiss_one(xpc_connection_t listener) {
    xpc_connection_t leaves = NULL;
    unsigned most = 0;
    for (xpc_connection_t each = listener->strangers; each; each = each->next_stranger) {
        unsigned count = each->dismissed ? 0 : strangers_count(listener, each->caller);
        if (count == 0 || count < most) continue;
        most = count;
        leaves = each;
    }
    if (!leaves) return;
    leaves->dismissed = true;
    xl_pool_schedule(leaves);
}

static void make_room(xpc_connection_t listener) {
    for (unsigned count = (strangers_count(listener, 0) + 1) / 2; count > 0; count--) dismiss_one(listener);
}

/* No other thread knows the stranger until its socket is adopted, so its own lock is not needed. */
static void add_stranger_consume(xpc_connection_t listener, int fd, pid_t caller) {
    xpc_connection_t stranger = xl_connection_create(XL_PEER);
    if (!stranger) {
        close(fd);
        return;
    }
    if (strangers_count(listener, 0) >= strangers_allowed()) dismiss_one(listener);
    xl_connection_hold(listener);
    stranger->listener = listener;
    stranger->caller = caller;
    link_stranger(listener, stranger);
    if (xl_socket_identify(fd) == 0) {
        xl_connection_adopt(stranger, fd, EPOLLIN);
    } else {
        int why = errno;
        close(fd);
        xl_connection_invalidate(stranger, why, XL_INVALID_ERROR, "cannot ask who it is: %s", xl_cause(why));
    }
}

void xl_stranger_leave(xpc_connection_t stranger) {
    pthread_mutex_lock(&stranger->lock);
    xpc_connection_t listener = stranger->listener;
    stranger->listener = NULL;
    pthread_mutex_unlock(&stranger->lock);
    if (!listener) return;
    pthread_mutex_lock(&listener->lock);
    unlink_stranger(stranger);
    pthread_mutex_unlock(&listener->lock);
    xl_connection_drop(listener);
}

void xl_listener_dismiss_strangers(xpc_connection_t listener) {
    for (;;) {
        pthread_mutex_lock(&listener->lock);
        xpc_connection_t stranger = listener->strangers;
        if (stranger) {
            xl_connection_hold(stranger);
            unlink_stranger(stranger);
        }
        pthread_mutex_unlock(&listener->lock);
        if (!stranger) return;
        pthread_mutex_lock(&stranger->lock);
        if (stranger->listener) {
            xl_connection_invalidate(stranger, 0, XL_INVALID_ERROR, "its listener was cancelled");
        }
        pthread_mutex_unlock(&stranger->lock);
        xl_connection_drop(stranger);
    }
}

/* Moves the stranger, and its hold on the listener, to the listener's inbox. */
static bool announce(xpc_connection_t stranger) {
    xpc_connection_t listener = stranger->listener;
    pthread_mutex_lock(&listener->lock);
    bool wanted = unlink_stranger(stranger) && listener->state == XL_ACTIVE;
    if (wanted) {
        xl_connection_hold(stranger);
        stranger->announcement =
            (struct xl_item){.kind = XL_NEW_PEER, .embedded = true, .object = stranger};
        xl_items_append(&listener->inbox, &stranger->announcement);
        stranger->listener = NULL;
    }
    pthread_mutex_unlock(&listener->lock);
    if (wanted) xl_pool_schedule(listener);
    return wanted;
}

/* Returns NULL, or why it is refused; then packet->error says what kind of reason that is. */
static const char *introduce(xpc_connection_t stranger, struct xl_packet *packet) {
    const char *why = xl_connection_identify(stranger, &packet->sender);
    if (why) return why;
    if (packet->header.kind != XL_KIND_MESSAGE && packet->header.kind != XL_KIND_REQUEST) {
        return "the first packet is no message";
    }
    packet->error = ENOMEM;
    if (!xl_inbox_add_message(stranger, packet)) return xl_cause(ENOMEM);
    packet->error = 0;
    return announce(stranger) ? NULL : "its listener was cancelled";
}

void xl_stranger_receive(xpc_connection_t stranger) {
    struct xl_packet packet;
    const char *why = NULL;
    switch (xl_connection_receive(stranger, &packet, &why)) {
    case XL_NOTHING:
        if (!stranger->dismissed) return;
        xl_stats_dismissed(stranger->caller);
        why = "it was silent, and there was no room for it";
        packet.error = EXFULL;
        break;
    case XL_END:
        why = "it has closed without a word";
        packet.error = 0;
        break;
    case XL_BAD:
    case XL_STARVED: break;
    case XL_RECEIVED:
        why = introduce(stranger, &packet);
        if (why && !stranger->inbox.first) xpc_release(packet.body);
        if (why && packet.descriptor >= 0) close(packet.descriptor);
        break;
    }
    if (why) xl_connection_invalidate(stranger, packet.error, XL_INVALID_ERROR, "%s", why);
}

/* ---- New sockets ---------------------------------------------------------------------- */

/* True: there may be more. */
static bool accept_by_name(xpc_connection_t listener) {
    struct ucred client;
    socklen_t length = sizeof client;
    int fd = accept4(listener->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EINTR || errno == ECONNABORTED) return true;
        /* For example no free descriptor. The connection stays in the queue, so an immediate retry would loop. */
        if (errno == EAGAIN) return false;
        make_room(listener);
        xl_pool_rest(listener);
        return false;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client, &length) == 0 && client.uid == geteuid()) {
        add_stranger_consume(listener, fd, client.pid);
    } else {
        close(fd);
    }
    return true;
}

/*
 * Consumes the descriptor of a packet that came on `socket`. On the listener's own end a bootstrap connects for
 * other processes, and says for which; nobody else is believed.
 */
static void take_end(xpc_connection_t listener, int socket, const struct xl_packet *packet) {
    int end = packet->descriptor;
    bool own = socket == listener->socket;
    pid_t by = own && packet->header.id ? (pid_t)packet->header.id : packet->sender.pid;
    bool fits = packet->sender.uid == geteuid() && xl_is_seqpacket(end);
    if (!fits) close(end);
    else if (packet->header.kind == XL_KIND_DERIVE) xl_holder_add_consume(listener, end, by, own);
    else add_stranger_consume(listener, end, by);
}

/* Receives one packet of an endpoint's socket. `error` says what this process lacks, if it is XL_STARVED. */
static enum xl_received receive_end(xpc_connection_t listener, int socket, int *error) {
    struct xl_packet packet;
    const char *why;
    enum xl_received received = xl_packet_receive(socket, &packet, &why);
    *error = packet.error;
    if (received != XL_RECEIVED) return received;
    xpc_release(packet.body);
    if (packet.descriptor < 0) return XL_BAD;
    take_end(listener, socket, &packet);
    return XL_RECEIVED;
}

/* By the endpoint of the listener's own process. True: there may be more. */
static bool accept_by_endpoint(xpc_connection_t listener) {
    int error;
    switch (receive_end(listener, listener->socket, &error)) {
    case XL_NOTHING: return false;
    case XL_STARVED: /* the packet is lost: its sender sees its socket close */
        xl_pool_rest(listener);
        return false;
    case XL_END:
        xl_connection_invalidate(listener, 0, XL_INVALID_ERROR, "its endpoint was shut down in its own process");
        return false;
    case XL_BAD:
    case XL_RECEIVED: break;
    }
    return true;
}

/* By an endpoint that was passed on: what its holder does wrong ends that one. True: there may be more. */
static bool accept_by_holder(xpc_connection_t listener, int socket) {
    int error;
    switch (receive_end(listener, socket, &error)) {
    case XL_RECEIVED: return true;
    case XL_NOTHING: return false;
    case XL_STARVED:
        if (!xl_is_exhausted(error)) break; /* it is a socket that cannot be read, for example one that listens */
        xl_pool_rest(listener);
        return false;
    case XL_BAD:
    case XL_END: break;
    }
    xl_holder_end(listener, socket);
    return false;
}

void xl_listener_accept(xpc_connection_t listener, int holder) {
    bool by_name = listener->role == XL_NAMED_LISTENER && !listener->registered;
    if (xl_pool_is_resting(listener)) return;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        bool more = holder >= 0 ? accept_by_holder(listener, holder)
                    : by_name   ? accept_by_name(listener)
                                : accept_by_endpoint(listener);
        if (!more) return;
    }
}
