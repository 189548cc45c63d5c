/*
 * counting.h - checks that objects and connections are freed.
 *
 * A witness works on both systems: it is the boxed write end of a pipe. The read end gets the end of
 * the file only when the last object that holds the witness is gone, in any process. Connections are
 * counted by their finalizers. On Linux, after each case, the counters of our libxpc must be 0 too;
 * on macOS the workflow runs the suite under leaks(1).
 */
#ifndef CONTRACT_COUNTING_H
#define CONTRACT_COUNTING_H

#include <xpc/xpc.h>

struct witness {
    xpc_object_t object; /* +1: a file descriptor object */
    int reader;
};

struct witness witness_create(void);
/* Whether an object still holds it. */
bool witness_is_held(const struct witness *witness);
/* Waits until no object holds it. Returns false if that does not happen in time. */
bool witness_is_gone(const struct witness *witness);
void witness_close(struct witness *witness);

/* Sets a finalizer, which nothing_is_left waits for. */
void count_connection(xpc_connection_t connection);
/* On Linux: remembers which descriptors are open before the case. */
void count_descriptors(void);
/*
 * Checks that all counted connections end; on Linux also that no object is left, and no more
 * descriptors are open than before the case.
 */
void nothing_is_left(void);

#endif
