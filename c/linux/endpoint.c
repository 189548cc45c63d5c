/*
 * endpoint.c - endpoints that are passed on: each holder has an end of its own.
 *
 * Whoever has a descriptor of a socket can shut it down, and fill it, for everybody who shares it. So a
 * process never sends the socket of an endpoint that it has. It makes a new pair, tells the listener one end
 * of it in a DERIVE packet through the end that it has, and sends the other in the message. The listener
 * reads each end by itself: an end that is shut down takes nothing from the others, and those that
 * were derived from it go on.
 *
 * An end costs the listener a descriptor until its holder releases it. Ends are bounded in all, and a
 * process that passes an endpoint on can have at most as many of them as it leaves free. Only what comes
 * through the listener's own end has no such share: by its pid alone a process is not known, because a holder
 * can have the listener's process pass on an endpoint that leads back to it. What is beyond is closed, and
 * its holder finds that the listener has ended.
 */
#include "endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "carrier.h"
#include "exhaustion.h"
#include "stats.h"

/* The most ends of a process's listeners: half of the descriptors beyond those of its own; and of one listener. */
enum { HOLDERS_LEAST = 2, HOLDERS_SHARE = 2, HOLDERS_OF_LISTENER_MOST = 4096 };

/* ---- Of the process that has an endpoint ---------------------------------------------- */

enum xl_sent xl_endpoint_send(int endpoint, enum xl_kind kind, pid_t pid, int end) {
    const char *why;
    bool refused;
    struct xl_parcel *parcel = xl_parcel_create(kind, (uint64_t)pid, NULL, &why, &refused);
    if (!parcel) return XL_BUSY;
    enum xl_sent sent = xl_parcel_send(endpoint, parcel, end);
    xl_parcel_free(parcel);
    return sent;
}

enum xl_sent xl_endpoint_derive(int endpoint, bool waits, int *derived) {
    int ends[2];
    if (xl_socket_pair(ends) != 0) return xl_is_exhausted(errno) ? XL_BUSY : XL_FAILED;
    enum xl_sent told = xl_endpoint_send(endpoint, XL_KIND_DERIVE, 0, ends[1]);
    close(ends[1]);
    if (told == XL_BUSY || (told == XL_FULL && waits)) {
        close(ends[0]);
        return told;
    }
    if (told == XL_FULL) xl_stats_add(XL_ENDPOINTS_DEAD, 1);
    *derived = ends[0]; /* if the listener was not told, its other end is closed */
    return XL_SENT;
}

int xpc_linux_endpoint_connect(int fd, pid_t pid, int *connection) {
    int ends[2];
    if (xl_socket_pair(ends) != 0) return errno;
    enum xl_sent sent = xl_endpoint_send(fd, XL_KIND_CONNECT, pid, ends[1]);
    int failure = errno;
    close(ends[1]);
    *connection = ends[0];
    if (sent == XL_SENT) return 0;
    close(ends[0]);
    if (sent == XL_GONE) return EPIPE;
    return sent == XL_FULL || sent == XL_BUSY ? EAGAIN : failure;
}

int xpc_linux_endpoint_dup(xpc_endpoint_t endpoint) {
    const struct xl_carrier *carrier = xl_as(endpoint, XPC_TYPE_ENDPOINT);
    return carrier ? xl_fd_dup(carrier->fd) : -1;
}

xpc_endpoint_t xpc_linux_endpoint_create(int fd) {
    return (xpc_endpoint_t)xl_carrier_consume(XPC_TYPE_ENDPOINT, xl_is_seqpacket(fd) ? xl_fd_dup(fd) : -1);
}

/* ---- Of the listener, with its lock held ---------------------------------------------- */

static unsigned holders_allowed(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= XL_DESCRIPTORS_OF_ITS_OWN) return HOLDERS_LEAST;
    rlim_t share = (limit.rlim_cur - XL_DESCRIPTORS_OF_ITS_OWN) / HOLDERS_SHARE;
    if (share < HOLDERS_LEAST) return HOLDERS_LEAST;
    return share > INT32_MAX ? INT32_MAX : (unsigned)share;
}

/* Whether the listener may have one more end that this process passed on. */
static bool may_add(xpc_connection_t listener, pid_t by, bool own) {
    static const unsigned most = HOLDERS_OF_LISTENER_MOST;
    unsigned ends = 0, of_it = 0, in_all = (unsigned)xl_stats_get(XL_HOLDERS), allowed = holders_allowed();
    for (struct xl_holder *each = listener->holders; each; each = each->next) {
        ends++;
        if (!each->own && each->by == by) of_it++;
    }
    if (in_all >= allowed || ends >= most) return false;
    unsigned left = allowed - in_all < most - ends ? allowed - in_all : most - ends;
    return own || of_it < left;
}

void xl_holder_add_consume(xpc_connection_t listener, int socket, pid_t by, bool own) {
    struct xl_holder *holder = may_add(listener, by, own) ? xl_alloc(sizeof *holder) : NULL;
    if (!holder || xl_pool_watch(socket, listener, EPOLLIN) != 0) {
        xl_stats_refused(by);
        shutdown(socket, SHUT_RDWR);
        close(socket);
        free(holder);
        return;
    }
    *holder = (struct xl_holder){.next = listener->holders, .socket = socket, .by = by, .own = own, .armed = true};
    listener->holders = holder;
    xl_stats_add(XL_HOLDERS, 1);
}

static void close_first(struct xl_holder **link) {
    struct xl_holder *holder = *link;
    *link = holder->next;
    xl_pool_forget(holder->socket);
    shutdown(holder->socket, SHUT_RDWR); /* close alone is not enough if the process that passed it on kept a copy */
    close(holder->socket);
    free(holder);
    xl_stats_subtract(XL_HOLDERS, 1);
}

void xl_holder_end(xpc_connection_t listener, int socket) {
    struct xl_holder **link = &listener->holders;
    while (*link && (*link)->socket != socket) link = &(*link)->next;
    if (*link) close_first(link);
}

void xl_holders_end(xpc_connection_t listener) {
    while (listener->holders) close_first(&listener->holders);
}

bool xl_holder_disarm(xpc_connection_t listener, int socket) {
    struct xl_holder *holder = listener->holders;
    while (holder && holder->socket != socket) holder = holder->next;
    if (holder) holder->armed = false;
    return holder != NULL;
}

void xl_holders_arm(xpc_connection_t listener) {
    for (struct xl_holder *each = listener->holders; each; each = each->next) {
        if (!each->armed) each->armed = xl_pool_arm(each->socket, EPOLLIN);
        if (!each->armed) xl_pool_rest(listener);
    }
}
