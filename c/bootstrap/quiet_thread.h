/* quiet_thread.h: the threads of our libraries. */
#ifndef QUIET_THREAD_H
#define QUIET_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/*
 * Starts a thread that handles no signal: signals are for the program's own threads, and a write to a closed pipe or
 * beyond a file size limit gives it an errno instead. `thread` gets it, to be joined; NULL: it is detached. Returns
 * 0 or an errno.
 */
static inline int quiet_thread_start(pthread_t *thread, void *(*run)(void *), void *context) {
    pthread_t detached = 0; /* written by pthread_create() */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits the mask */
    int why = pthread_create(thread ? thread : &detached, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!why && !thread) pthread_detach(detached);
    return why;
}

#endif
