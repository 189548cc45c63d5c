/*
 * follow.c: ends this process soon after another process has ended.
 *
 * A client learns on the channel that its host has ended, and ends in order. But
 * user code that never returns to its event loop learns nothing, and a host that
 * was killed cannot end its clients. This thread does it in both cases.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "object.h"
#include "platform.h"

struct follow {
    int watch; /* owned */
    uint32_t grace_ms;
};

static void *follow(void *context) {
    struct follow *following = context;
    platform_process_wait(following->watch);
    struct timespec left = {
        .tv_sec = following->grace_ms / 1000,
        .tv_nsec = (long)(following->grace_ms % 1000) * 1000000,
    };
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
    _exit(SLB_EXIT_FOLLOWED);
}

/* 0 or an errno. */
static int start(struct follow *following) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int why = pthread_attr_init(&attributes);
    if (why) return why;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits the mask: only the program's own threads handle signals */
    why = pthread_create(&thread, &attributes, follow, following);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return why;
}

int32_t slb_process_follow(int32_t pid, uint32_t grace_ms) {
    struct follow *following = malloc(sizeof *following);
    if (!following) return fail(SLB_E_MEMORY, "Cannot follow process %d: out of memory", pid);
    int watch = platform_process_watch(pid);
    int why = watch < 0 ? errno : 0;
    *following = (struct follow){.watch = watch, .grace_ms = grace_ms};
    if (!why) why = start(following);
    if (!why) return 0; /* the thread owns it now */
    if (watch >= 0) close(watch);
    free(following);
    if (why == ESRCH) return 1;
    return fail(SLB_E_SYSTEM, "Cannot follow process %d: %s", pid, strerror(why));
}
