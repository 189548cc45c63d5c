/*
 * counting.h - who still holds what.
 *
 * A witness is seen on both systems: the boxed write end of a pipe. Its reader hears the end of
 * the file when, and only when, the last object that holds it is gone, wherever that is. The
 * ends of connections are counted by their finalizers. On Linux, after each case, the counters
 * of our libxpc must be at zero too; on macOS the workflow runs the suite under leaks(1).
 */
#ifndef CONTRACT_COUNTING_H
#define CONTRACT_COUNTING_H

#include <xpc/xpc.h>

struct witness {
    xpc_object_t object; /* +1: a file descriptor object */
    int reader;
};

struct witness witness_create(void);
/* Something still holds it. */
bool witness_is_held(const struct witness *witness);
/* Waits until nothing does; false if that does not come. */
bool witness_is_gone(const struct witness *witness);
void witness_close(struct witness *witness);

/* Sets a finalizer; nothing_is_left waits for it. */
void count_connection(xpc_connection_t connection);
/* Checks that all counted connections end, and on Linux that no object is left. */
void nothing_is_left(void);

#endif
