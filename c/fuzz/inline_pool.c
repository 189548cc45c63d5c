/*
 * inline_pool.c - see inline_pool.h. Linked in place of c/linux/pool.c.
 */
#include "inline_pool.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#include "../linux/connection.h"
#include "descriptors.h"

enum { SOCKETS = 128, STEPS_MAX = 20000, RESTS_MAX = 4 };

static struct {
    xpc_connection_t connection; /* not held; NULL if not watched */
    uint32_t events;
    bool armed;
} watched[SOCKETS];

static xpc_connection_t ready, *ready_end = &ready, resting;
static uint8_t order;

void set_order(uint8_t its) { order = its; }

int xl_pool_start(void) { return 0; }

int xl_pool_watch(int socket, xpc_connection_t connection, uint32_t events) {
    MUST(socket < SOCKETS && !watched[socket].connection);
    watched[socket].connection = connection;
    return xl_pool_arm(socket, events) ? 0 : EBADF;
}

bool xl_pool_arm(int socket, uint32_t events) {
    MUST(watched[socket].connection);
    watched[socket].events = events;
    watched[socket].armed = true;
    return true;
}

void xl_pool_forget(int socket) { watched[socket].connection = NULL; }

void xl_pool_schedule(xpc_connection_t connection) {
    if (connection->links.ready) return;
    xl_connection_hold(connection);
    connection->links.ready = true;
    connection->links.next_ready = NULL;
    *ready_end = connection;
    ready_end = &connection->links.next_ready;
}

void xl_pool_rest(xpc_connection_t connection) {
    if (connection->links.resting) return;
    xl_connection_hold(connection);
    connection->links.resting = true;
    connection->links.next_resting = resting;
    resting = connection;
}

bool xl_pool_is_resting(xpc_connection_t connection) { return connection->links.resting; }

/* There is no other thread to receive the reply. */
bool xl_pool_block(void) { return false; }
void xl_pool_unblock(void) {}

static bool run_ready(void) {
    xpc_connection_t first = ready;
    if (!first) return false;
    ready = first->links.next_ready;
    if (!ready) ready_end = &ready;
    first->links.ready = false;
    xl_connection_run(first, -1);
    xl_connection_drop(first);
    return true;
}

static bool run_socket(void) {
    struct pollfd sockets[SOCKETS];
    nfds_t count = 0;
    for (int i = 0; i < SOCKETS; i++) {
        if (!watched[i].connection || !watched[i].armed) continue;
        sockets[count++] = (struct pollfd){.fd = i, .events = (short)watched[i].events};
    }
    if (!count || poll(sockets, count, 0) <= 0) return false;
    for (nfds_t i = 0; i < count; i++) {
        const struct pollfd *it = &sockets[(i + order) % count];
        if (!it->revents) continue;
        xpc_connection_t connection = watched[it->fd].connection;
        watched[it->fd].armed = false; /* EPOLLONESHOT */
        xl_connection_hold(connection);
        xl_connection_run(connection, it->fd);
        xl_connection_drop(connection);
        return true;
    }
    return false;
}

static bool end_rest(void) {
    if (!resting) return false;
    while (resting) {
        xpc_connection_t connection = resting;
        resting = connection->links.next_resting;
        connection->links.resting = false;
        xl_pool_schedule(connection);
        xl_connection_drop(connection);
    }
    return true;
}

void run_until_quiet(void) {
    int steps = 0;
    for (int rests = 0; rests < RESTS_MAX; rests++) {
        while (order & 128 ? run_socket() || run_ready() : run_ready() || run_socket()) MUST(steps++ < STEPS_MAX);
        if (!end_rest()) return;
    }
}

int is_pool_empty(void) {
    for (int i = 0; i < SOCKETS; i++) {
        if (watched[i].connection) return 0;
    }
    return !ready && !resting;
}
