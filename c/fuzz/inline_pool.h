/*
 * inline_pool.h - pool.h without threads: everything happens in run_until_quiet, in an order that
 * the input decides. Time passes there too, when nothing else is to be done.
 */
#ifndef FUZZ_INLINE_POOL_H
#define FUZZ_INLINE_POOL_H

#include <stdint.h>

/* Which of several ready sockets comes first; from 128 on, sockets before what was scheduled. */
void set_order(uint8_t order);
/* Runs connections until none has anything to do, or aborts if that never comes. */
void run_until_quiet(void);
/* Is any socket watched, any connection waiting? */
int is_pool_empty(void);

#endif
