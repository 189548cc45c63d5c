/*
 * bell.h: two connected descriptors. A byte written to one wakes the reader of the other.
 *
 * They are a pair of stream sockets, because one end of a lane's bell belongs to a peer: see docs/decisions/063-bells.md.
 */
#ifndef SLB_BELL_H
#define SLB_BELL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* Makes both ends, close-on-exec and non-blocking; the caller owns them. Returns false with errno on failure. */
bool bell_make(int *read_end, int *write_end);

/*
 * NULL if bell_ring can be used with the descriptor, which a peer has sent: it is an end of a pair of stream sockets.
 * Else why not. The look at it never blocks, whatever it is.
 */
const char *bell_problem(int write_end);

/* Rings. Never blocks and never raises SIGPIPE, whatever the peer does with its end. Several rings may be read as one. */
void bell_ring(int write_end);

/* Reads the rings that are there, or many of them. Never blocks. Returns false at the end of the file: a holder of the write end has shut it down. */
bool bell_read(int read_end);

/* Waits until one of the read ends can be read, or until `deadline`, a time of slb_now_ns. Returns what poll returns; 0 never before the deadline. */
int bell_poll(struct pollfd *read_ends, unsigned count, uint64_t deadline);

#endif
