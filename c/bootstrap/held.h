/*
 * held.h: the descriptors that our libraries keep open.
 *
 * A process that was forked has a copy of each, and none of the threads that use them. While it has the copy, nobody
 * sees that a connection of its parent has ended, and a lock of its parent is not free. So what is kept open
 * for longer than one call is marked here, and the forked process closes all of it in one call.
 *
 * No function here takes a lock or allocates: held_forked is called where another thread may have held any lock.
 */
#ifndef HELD_H
#define HELD_H

#include <stdbool.h>

/* Marks a descriptor, and returns it. One below 0 has no effect. */
int held(int descriptor);
/* Takes the mark off, and returns the descriptor: it is the caller's now, or is about to be closed. */
int held_give(int descriptor);
/* Takes the mark off, if it has one, and closes it. */
void held_close(int descriptor);
/* How many are marked. */
unsigned held_count(void);

/* In a forked process: closes all that are marked. */
void held_forked(void);
/* Whether held_forked was called in this process or in one that it was forked from. */
bool held_is_forked(void);

#endif
