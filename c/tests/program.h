/*
 * program.h - the other processes of a test: this program again, as "--child role argument".
 *
 * They are executed, not only forked: after a fork a process has only one of its threads, and the
 * checkers do not support it. Each ends itself after TEST_SECONDS, so that none is left over when
 * its test crashes.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patience.h"

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

/* The path of this program. Not "/proc/self/exe", which under valgrind is valgrind in a new process. */
static inline const char *own_path(void) {
    static char path[4096];
#ifdef __APPLE__
    if (_NSGetExecutablePath(path, &(uint32_t){sizeof path}) != 0) abort();
#else
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0) abort();
    path[length] = 0;
#endif
    return path;
}

static inline bool under_valgrind(void) {
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "vgpreload");
}

/* Executes this program in a process that was just forked. */
static inline void become_child(const char *role, const char *argument) {
    alarm(TEST_SECONDS);
    execl(own_path(), "child", "--child", role, argument, (char *)NULL);
    _exit(127);
}

static inline pid_t spawn_child(const char *role, const char *argument) {
    pid_t child = fork();
    if (child == 0) become_child(role, argument);
    return child;
}

/* Waits for the end of a process and returns its status. Kills it at the deadline. */
static inline int wait_for_child(pid_t child) {
    int status = -1;
    pid_t ended;
    time_t end = patience_end();
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && look_again(end)) continue;
    if (ended == 0) {
        fprintf(stderr, "the other process did not end within %d s\n", PATIENCE_SECONDS);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    return status;
}

static inline void kill_child(pid_t child) {
    kill(child, SIGKILL);
    wait_for_child(child);
}

/*
 * Creates a directory for this program and writes its path: in $SCRATCH, which tools/c/run_tests.ts
 * removes even after a crash, else in /tmp.
 */
static inline bool make_directory(char *path, size_t size) {
    const char *scratch = getenv("SCRATCH");
    snprintf(path, size, "%.40s/slb-XXXXXX", scratch && *scratch ? scratch : "/tmp");
    return mkdtemp(path) != NULL;
}

#endif
