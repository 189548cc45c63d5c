/*
 * inline_pool.h - pool.h without threads: run_until_quiet runs everything, in an order that the input
 * chooses. When nothing else is left to do, it acts as if the time of a retry had come.
 */
#ifndef FUZZ_INLINE_POOL_H
#define FUZZ_INLINE_POOL_H

#include <stdint.h>

/* Chooses which of several ready sockets runs first; from 128 on, sockets run before scheduled connections. */
void set_order(uint8_t order);
/* Runs connections until none has anything to do. Aborts if that takes too many steps. */
void run_until_quiet(void);
/* Whether no socket is watched and no connection waits. */
int is_pool_empty(void);

#endif
