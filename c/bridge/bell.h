/*
 * bell.h: two connected descriptors. A byte at one wakes who waits at the other.
 */
#ifndef SLB_BELL_H
#define SLB_BELL_H

#include <stdbool.h>

/* Both ends close-on-exec and non-blocking, the caller's own. False with errno. */
bool bell_make(int *read_end, int *write_end);

/* Never waits, never raises SIGPIPE. One that is not heard yet will do for this one too. */
void bell_ring(int write_end);

#endif
