/* thread.h: threads of the shim. */
#ifndef SLB_THREAD_H
#define SLB_THREAD_H

/*
 * Starts a detached thread that handles no signal: signals are for the program's
 * own threads, and a write to a closed pipe or beyond a file size limit gives it
 * an errno instead. Returns 0 or an errno.
 */
int thread_start(void *(*run)(void *), void *context);

#endif
