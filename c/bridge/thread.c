/* thread.c: see thread.h. */
#include "thread.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

int thread_start(void *(*run)(void *), void *context) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int why = pthread_attr_init(&attributes);
    if (why) return why;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits the mask */
    why = pthread_create(&thread, &attributes, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return why;
}
