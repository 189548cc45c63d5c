/*
 * control.h - what the programs in this folder share. They are the bench's controls: the least that the
 * machine needs for the same work. `deno task bench` compiles and runs them; see docs/performance.md.
 *
 * Each prints one measured value per line, or lines that begin with "# " and say on which cores it ran.
 * Exit status 3 and a line on stderr: not measurable on this machine.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No control runs longer, even if the bench has ended without it. */
enum { LIFE_SECONDS = 300, FRAME_BYTES = 64, NOT_MEASURABLE = 3 };

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static inline void rest(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static inline size_t count_of(const char *text) {
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    if (*end || count == 0 || count > 1u << 30) {
        fprintf(stderr, "no count: %s\n", text);
        exit(2);
    }
    return (size_t)count;
}

enum { NO_CORE = CPU_SETSIZE };

/* The number of the `nth` core, from 0, that this process may use; NO_CORE if it has fewer. */
static inline size_t core_of(size_t nth) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) die("sched_getaffinity");
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET(core, &allowed) && nth-- == 0) return core;
    }
    return NO_CORE;
}

static inline void pin_to(size_t core) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) die("sched_setaffinity");
}

/* Where the two processes of a control run. */
struct places {
    size_t first, second;
};

/* "apart": the first two cores of this process; "together": the first one. Says so. */
static inline struct places places_of(const char *text) {
    bool apart = strcmp(text, "apart") == 0;
    struct places places = {core_of(0), core_of(apart ? 1 : 0)};
    if (places.second == NO_CORE) {
        fputs("this process may use one core only\n", stderr);
        exit(NOT_MEASURABLE);
    }
    printf("# pinned to cores %zu and %zu\n", places.first, places.second);
    return places;
}

/* Memory that a child of this process shares, zeroed. */
static inline void *shared_memory(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) die("mmap");
    return memory;
}

/* The two ends of a socket that keeps the bounds of messages, as XPC does. */
static inline void make_sockets(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) die("socketpair");
}

static inline void send_frame(int end, const void *frame) {
    if (send(end, frame, FRAME_BYTES, MSG_NOSIGNAL) != FRAME_BYTES) die("send");
}

static inline void receive_frame(int end, void *frame) {
    if (recv(end, frame, FRAME_BYTES, 0) != FRAME_BYTES) die("recv");
}

static inline double *room_for(size_t count) {
    double *values = shared_memory(count * sizeof *values);
    memset(values, 0, count * sizeof *values); /* no page of it is missing while time is measured */
    return values;
}

static inline void print_values(const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) printf("%.3f\n", values[i]);
}

/* Waits for the child, and ends with its failure if it has failed. */
static inline void await_child(pid_t child) {
    int status;
    if (waitpid(child, &status, 0) < 0) die("waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) exit(1);
}

/* Forks. The child ends with its parent. */
static inline pid_t fork_child(void) {
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) die("prctl");
    alarm(LIFE_SECONDS);
    return child;
}

#endif
