/*
 * program.h - the other processes of a test: this program again, as "--child role argument".
 *
 * They are started afresh, not only forked: after a fork a process with threads has lost all but
 * one of them, and no checker follows it further.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

/* This program's file. Its name, for /proc/self/exe itself is valgrind where that runs it. */
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

/* Of a process that was just forked. */
static inline void become_child(const char *role, const char *argument) {
    execl(own_path(), "child", "--child", role, argument, (char *)NULL);
    _exit(127);
}

static inline pid_t spawn_child(const char *role, const char *argument) {
    pid_t child = fork();
    if (child == 0) become_child(role, argument);
    return child;
}

static inline int wait_for_child(pid_t child) {
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

static inline void kill_child(pid_t child) {
    kill(child, SIGKILL);
    wait_for_child(child);
}

#endif
