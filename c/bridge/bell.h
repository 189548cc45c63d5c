/*
 * bell.h: two connected descriptors. A byte written to one wakes the reader of the other.
 */
#ifndef SLB_BELL_H
#define SLB_BELL_H

#include <stdbool.h>

/* Makes both ends, close-on-exec and non-blocking; the caller owns them. Returns false with errno on failure. */
bool bell_make(int *read_end, int *write_end);

/* Rings. Never blocks, never raises SIGPIPE. Several rings may be read as one. */
void bell_ring(int write_end);

#endif
