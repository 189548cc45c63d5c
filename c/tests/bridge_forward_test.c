/*
 * bridge_forward_test.c: signals that a process passes on to its child. Each test starts a process that forwards,
 * which starts a target and writes ">" and its number to stdout, a pipe. The target writes a letter there for each
 * signal that reaches it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bridge_support.h"
#include "program.h"

static const struct {
    int signal;
    char letter;
} known[] = {{SIGINT, 'I'}, {SIGTERM, 'T'}, {SIGHUP, 'H'}, {SIGQUIT, 'Q'}, {SIGUSR1, '1'}, {SIGUSR2, '2'}};
enum { KNOWN = sizeof known / sizeof *known };

/* ---- the children ---- */

static bool write_letter_of(int signal) {
    for (int i = 0; i < KNOWN; i++) {
        if (known[i].signal == signal) return write(STDOUT_FILENO, &known[i].letter, 1) == 1;
    }
    return false;
}

/*
 * Tells on the descriptor `ready` that it counts. It waits for signals and has no handler: the thread sanitizer
 * calls a handler later, or, if the signal comes at a bad moment, not at all.
 */
static int be_target(int ready) {
    sigset_t counted;
    sigemptyset(&counted);
    for (int i = 0; i < KNOWN; i++) {
        struct sigaction inherited;
        sigaction(known[i].signal, NULL, &inherited);
        if (inherited.sa_handler != SIG_IGN) sigaddset(&counted, known[i].signal);
    }
    if (sigprocmask(SIG_BLOCK, &counted, NULL) != 0 || write(ready, "", 1) != 1) return 2;
    for (int signal;;) {
        if (sigwait(&counted, &signal) != 0 || !write_letter_of(signal)) return 3;
    }
}

static pid_t start_target(void) {
    int ready[2];
    char byte, number[16];
    if (pipe(ready) != 0) return -1;
    snprintf(number, sizeof number, "%d", ready[1]);
    pid_t target = spawn_child("target", number);
    return read(ready[0], &byte, 1) == 1 ? target : -1;
}

/* Forwards until its target has ended. "early": a signal comes before there is a target. "again": to a second target, too. */
static int forward(const char *how) {
    if (slb_process_forward(0) != 0) return 2;
    if (strcmp(how, "early") == 0 && (raise(SIGUSR1) != 0 || raise(SIGUSR2) != 0)) return 3;
    for (int targets = strcmp(how, "again") == 0 ? 2 : 1; targets > 0; targets--) {
        pid_t target = start_target();
        if (target < 0 || slb_process_forward(target) != 0) return 4;
        char line[32];
        int length = snprintf(line, sizeof line, ">%d;", (int)target);
        if (write(STDOUT_FILENO, line, (size_t)length) != length) return 5;
        int status = wait_for_child(target);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) return 6;
        if (slb_process_forward(0) != 0) return 7;
    }
    return 0;
}

/* Ends by the first signal that it does not catch any more. */
static int stop_forwarding(void) {
    if (slb_process_forward(0) != 0 || raise(SIGTERM) != 0 || slb_process_forward(-1) != 0) return 2;
    if (slb_process_forward(-1) != 0 || slb_process_forward(-2) != SLB_E_ARGUMENT) return 3;
    if (write(STDOUT_FILENO, ">0;", 3) != 3) return 4;
    for (;;) pause();
}

static int be_child(const char *role, const char *argument) {
    if (strcmp(role, "target") == 0) return be_target(atoi(argument));
    if (strcmp(role, "stop") == 0) return stop_forwarding();
    return forward(argument);
}

/* ---- a process that forwards, and what reaches its target ---- */

struct forwarder {
    pid_t pid, target;
    int letters;  /* the reading end */
    int terminal; /* the controlling side of its terminal, or -1 */
};

/* In a new session with a terminal, whose foreground group it and its target are. */
static void take_terminal(const char *path) {
    setsid();
    int terminal = open(path, O_RDWR);
    if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0 || dup2(terminal, STDIN_FILENO) < 0) _exit(126);
}

static struct forwarder start(const char *role, const char *how, int ignored, bool at_terminal) {
    struct forwarder started = {.terminal = -1};
    int letters[2];
    char path[128] = "";
    CHECK(pipe(letters) == 0);
    if (at_terminal) {
        started.terminal = posix_openpt(O_RDWR | O_NOCTTY);
        CHECK(started.terminal >= 0 && fcntl(started.terminal, F_SETFD, FD_CLOEXEC) == 0 && grantpt(started.terminal) == 0 && unlockpt(started.terminal) == 0);
        const char *name = ptsname(started.terminal);
        CHECK(name && strlen(name) < sizeof path);
        if (name) strcpy(path, name);
    }
    started.pid = fork();
    if (started.pid == 0) {
        dup2(letters[1], STDOUT_FILENO);
        close(letters[0]);
        close(letters[1]);
        if (at_terminal) take_terminal(path);
        /* A shell that runs the tests in the background has ignored some of them. */
        for (int i = 0; i < KNOWN; i++) signal(known[i].signal, known[i].signal == ignored ? SIG_IGN : SIG_DFL);
        become_child(role, how);
    }
    close(letters[1]);
    started.letters = letters[0];
    return started;
}

/* The next letter. After ">" also reads which process the target is. */
static char next_letter(struct forwarder *forwarder) {
    char letter = 0, digit;
    if (!is_readable(forwarder->letters) || read(forwarder->letters, &letter, 1) != 1) return '!';
    for (forwarder->target = letter == '>' ? 0 : forwarder->target; letter == '>';) {
        if (read(forwarder->letters, &digit, 1) != 1 || digit == ';') break;
        forwarder->target = forwarder->target * 10 + (digit - '0');
    }
    return letter;
}

/* Whether these letters come next. */
static bool brings(struct forwarder *forwarder, const char *letters) {
    for (; *letters; letters++) {
        char found = next_letter(forwarder);
        if (found == *letters) continue;
        fprintf(stderr, "expected %s, found %c\n", letters, found);
        return false;
    }
    return true;
}

static void end_target(const struct forwarder *forwarder) {
    CHECK(forwarder->target > 0);
    if (forwarder->target > 0) kill(forwarder->target, SIGKILL);
}

static void finish(struct forwarder *forwarder) {
    end_target(forwarder);
    int status = wait_for_child(forwarder->pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(forwarder->letters);
    if (forwarder->terminal >= 0) close(forwarder->terminal);
}

/* ---- tests ---- */

#ifdef __SANITIZE_THREAD__
#define NEEDS_EACH_SIGNAL IGNORE("the thread sanitizer does not call a handler if the signal comes at a bad moment")
#else
#define NEEDS_EACH_SIGNAL (void)0
#endif

static void each_signal_reaches_the_child_once(void) {
    NEEDS_EACH_SIGNAL;
    struct forwarder forwarder = start("forward", "", 0, false);
    CHECK(next_letter(&forwarder) == '>');
    for (int i = 0; i < KNOWN; i++) {
        CHECK(kill(forwarder.pid, known[i].signal) == 0);
        CHECK(next_letter(&forwarder) == known[i].letter);
    }
    finish(&forwarder);
}

static void what_comes_before_the_child_waits_for_it(void) {
    NEEDS_EACH_SIGNAL;
    struct forwarder forwarder = start("forward", "early", 0, false);
    char letters[3] = {next_letter(&forwarder), next_letter(&forwarder), next_letter(&forwarder)};
    /* They are sent before '>' is written; which of the three processes' letters is first is open. */
    CHECK(memchr(letters, '1', 3) && memchr(letters, '2', 3) && memchr(letters, '>', 3));
    finish(&forwarder);
}

static void a_second_child_gets_what_comes_later(void) {
    NEEDS_EACH_SIGNAL;
    struct forwarder forwarder = start("forward", "again", 0, false);
    CHECK(brings(&forwarder, ">"));
    kill(forwarder.pid, SIGINT);
    CHECK(brings(&forwarder, "I"));
    end_target(&forwarder);
    CHECK(brings(&forwarder, ">"));
    kill(forwarder.pid, SIGTERM);
    CHECK(brings(&forwarder, "T"));
    finish(&forwarder);
}

static void what_was_ignored_stays_so(void) {
    NEEDS_EACH_SIGNAL;
    struct forwarder forwarder = start("forward", "", SIGHUP, false);
    CHECK(brings(&forwarder, ">"));
    kill(forwarder.pid, SIGHUP);
    kill(forwarder.pid, SIGUSR1);
    CHECK(brings(&forwarder, "1"));
    end_target(&forwarder);
    CHECK(wait_for_child(forwarder.pid) == 0);
    char more;
    CHECK(read(forwarder.letters, &more, 1) == 0);
    close(forwarder.letters);
}

static void a_ctrl_c_reaches_the_child_once(void) {
    NEEDS_EACH_SIGNAL;
    struct forwarder forwarder = start("forward", "", 0, true);
    CHECK(brings(&forwarder, ">"));
    for (int times = 0; times < 20; times++) {
        CHECK(write(forwarder.terminal, "\x03", 1) == 1);
        CHECK(brings(&forwarder, "I"));
        lapse_ms(5); /* for a second one */
        kill(forwarder.pid, SIGUSR1);
        CHECK(brings(&forwarder, "1"));
    }
    CHECK(write(forwarder.terminal, "\x1c", 1) == 1);
    CHECK(brings(&forwarder, "Q"));
#ifdef __linux__
    kill(forwarder.pid, SIGINT); /* of a process, not of the terminal */
    CHECK(brings(&forwarder, "I"));
#endif
    finish(&forwarder);
}

#ifdef __linux__
/* The kernel tells only the leader of the session, which the forwarder is. */
static void a_terminal_that_hangs_up_reaches_the_child(void) {
    NEEDS_EACH_SIGNAL;
    struct forwarder forwarder = start("forward", "", 0, true);
    CHECK(brings(&forwarder, ">"));
    close(forwarder.terminal);
    forwarder.terminal = -1;
    CHECK(brings(&forwarder, "H"));
    finish(&forwarder);
}
#endif

static void signals_are_not_caught_any_more_at_the_end(void) {
    struct forwarder forwarder = start("stop", "", 0, false);
    CHECK(brings(&forwarder, ">")); /* the SIGTERM of before is forgotten */
    kill(forwarder.pid, SIGTERM);
    int status = wait_for_child(forwarder.pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    close(forwarder.letters);
}

static const struct test tests[] = {
    {"each signal reaches the child once", each_signal_reaches_the_child_once},
    {"what comes before the child waits for it", what_comes_before_the_child_waits_for_it},
    {"a second child gets what comes later", a_second_child_gets_what_comes_later},
    {"what was ignored stays so", what_was_ignored_stays_so},
    {"a Ctrl-C reaches the child once", a_ctrl_c_reaches_the_child_once},
#ifdef __linux__
    {"a terminal that hangs up reaches the child", a_terminal_that_hangs_up_reaches_the_child},
#endif
    {"signals are not caught any more at the end", signals_are_not_caught_any_more_at_the_end},
};

int main(int argc, char **argv) {
    if (argc > 3 && strcmp(argv[1], "--child") == 0) return be_child(argv[2], argv[3]);
    return RUN_TESTS(tests, check_nothing_left, argc, argv);
}
