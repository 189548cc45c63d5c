/*
 * counting.c - see counting.h.
 */
#include "counting.h"

#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "events.h"
#ifdef __linux__
#include <xpc/linux.h>
#endif

enum { LIMIT_SECONDS = 120 };

struct witness witness_create(void) {
    int ends[2] = {-1, -1};
    CHECK(pipe(ends) == 0);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    struct witness witness = {.object = xpc_fd_create(ends[1]), .reader = ends[0]};
    close(ends[1]);
    return witness;
}

static bool hangs_up_within(int reader, int milliseconds) {
    struct pollfd state = {.fd = reader, .events = POLLIN};
    char byte;
    return poll(&state, 1, milliseconds) == 1 && read(reader, &byte, 1) == 0;
}

bool witness_is_held(const struct witness *witness) { return !hangs_up_within(witness->reader, 0); }

bool witness_is_gone(const struct witness *witness) { return hangs_up_within(witness->reader, LIMIT_SECONDS * 1000); }

void witness_close(struct witness *witness) { close(witness->reader); }

/* ---- Nothing left --------------------------------------------------------------------- */

static _Atomic int connections;

static void connection_has_ended(void *context) {
    (void)context;
    atomic_fetch_sub(&connections, 1);
}

void count_connection(xpc_connection_t connection) {
    atomic_fetch_add(&connections, 1);
    xpc_connection_set_finalizer_f(connection, connection_has_ended);
}

static uint64_t live_objects(void) {
#ifdef __linux__
    struct xpc_linux_stats stats;
    xpc_linux_get_stats(&stats);
    return stats.live_objects;
#else
    return 0;
#endif
}

void nothing_is_left(void) {
    struct timespec pause = {.tv_nsec = 2000000}, begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        records_clear(); /* handlers may still have added */
        if (connections == 0 && live_objects() == 0) return;
        nanosleep(&pause, NULL); /* for other threads to let go: nobody tells when they have */
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - begin.tv_sec < LIMIT_SECONDS);
    CHECK(connections == 0);
    CHECK(live_objects() == 0);
}
