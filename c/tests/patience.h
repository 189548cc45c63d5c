/*
 * patience.h - waiting in tests: for an event, with a deadline. A deadline is not part of what is
 * tested, it only keeps a run from hanging. The events take milliseconds, and seconds under
 * valgrind on a machine ten times slower.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>

enum {
    PATIENCE_SECONDS = 120, /* for one event */
    TEST_SECONDS = 600,     /* for one test, and for each other process of it */
};

/* The deadline of a wait that begins now, in seconds of the monotonic clock. */
static inline time_t patience_end(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + PATIENCE_SECONDS;
}

/* Sleeps, while something must not happen. On a slow machine this shows less, but does not fail. */
static inline void lapse_ms(long milliseconds) {
    struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/*
 * For polling a condition without an event: sleeps a millisecond and returns true; false after the
 * deadline.
 *
 *     time_t end = patience_end();
 *     while (!told && look_again(end)) continue;
 *     CHECK(told);
 */
static inline bool look_again(time_t end) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec > end) return false;
    lapse_ms(1);
    return true;
}

/* Waits until there are bytes to read, or the other side has hung up. */
static inline bool is_readable(int fd) {
    struct pollfd state = {.fd = fd, .events = POLLIN};
    return poll(&state, 1, PATIENCE_SECONDS * 1000) == 1;
}

#endif
