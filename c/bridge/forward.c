/*
 * forward.c: passes the signals that end a program on to the program that this process has started.
 *
 * A Ctrl-C at a terminal goes to all processes of its foreground group, so a child that is in the group has it
 * already: a second one would be read as "end at once" by many programs. What another process sends with kill(2)
 * goes to this process alone. The handler tells the two apart. It is not the event loop's: that is told neither
 * who has sent a signal nor, while it is busy, that there was one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "object.h"

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
enum { FORWARDED = sizeof forwarded / sizeof *forwarded };

static atomic_int target;                   /* 0: none now */
static atomic_uint waiting;                 /* bit i: forwarded[i] has come, and there was no target */
static struct sigaction before[FORWARDED];  /* what was to be done with them */
static bool catching;                       /* the handlers are set; of the one thread that calls */

/* Whether the terminal has sent the signal to the whole foreground group. Called in the handler. */
static bool is_of_terminal(int signal, const siginfo_t *info) {
#ifdef __linux__
    /* A terminal that hangs up tells the leader of its session alone. */
    return info->si_code == SI_KERNEL && !(signal == SIGHUP && getsid(0) == getpid());
#else
    /* No field of it says so on macOS. */
    (void)info;
    if (signal != SIGINT && signal != SIGQUIT) return false;
    int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (terminal < 0) return false;
    bool foreground = tcgetpgrp(terminal) == getpgrp();
    close(terminal);
    return foreground;
#endif
}

/* Sends what has come before there was a target. */
static void deliver(void) {
    pid_t pid = atomic_load(&target);
    unsigned int all = pid > 0 ? atomic_exchange(&waiting, 0) : 0;
    for (int i = 0; i < FORWARDED; i++) {
        if (all & 1u << i) kill(pid, forwarded[i]);
    }
}

static void pass_on(int signal, siginfo_t *info, void *context) {
    (void)context;
    int why = errno;
    pid_t pid = atomic_load(&target);
    if (pid > 0 && !is_of_terminal(signal, info)) kill(pid, signal);
    for (int i = 0; pid == 0 && i < FORWARDED; i++) {
        if (forwarded[i] == signal) atomic_fetch_or(&waiting, 1u << i);
    }
    if (pid == 0) deliver(); /* there may be one since */
    errno = why;
}

static bool is_ignored(const struct sigaction *action) {
    return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_IGN;
}

/*
 * Sets the handlers, again at each call: a runtime may have set its own meanwhile. A signal that was ignored at the
 * first call is ignored again, here and in the child: nohup, and a shell's `&`, ask for that.
 */
static bool catch_all(void) {
    struct sigaction action = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART}, ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&action.sa_mask);
    sigemptyset(&ignore.sa_mask);
    for (int i = 0; i < FORWARDED; i++) {
        if (!catching && sigaction(forwarded[i], NULL, &before[i]) != 0) return false;
        if (sigaction(forwarded[i], is_ignored(&before[i]) ? &ignore : &action, NULL) != 0) return false;
    }
    return true;
}

static void catch_none(void) {
    for (int i = 0; i < FORWARDED; i++) {
        sigaction(forwarded[i], &before[i], NULL);
    }
    atomic_store(&waiting, 0);
}

int32_t slb_process_forward(int32_t pid) {
    if (pid < -1) return fail(SLB_E_ARGUMENT, "Cannot forward signals to process %d: it is no process", (int)pid);
    atomic_store(&target, pid);
    if (pid < 0 && catching) catch_none();
    if (pid >= 0 && !catch_all()) {
        return fail(SLB_E_SYSTEM, "Cannot catch signals to forward them: %s", strerror(errno));
    }
    catching = pid >= 0;
    deliver();
    return 0;
}
