/*
 * counting.c - see counting.h.
 */
#include "counting.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "events.h"
#ifdef __linux__
#include <dirent.h>
#include <sys/mman.h>
#include <xpc/linux.h>
#endif

enum { LIMIT_SECONDS = 120 };

struct witness witness_create(void) {
    int ends[2] = {-1, -1};
    CHECK(pipe(ends) == 0);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    struct witness witness = {.object = xpc_fd_create(ends[1]), .reader = ends[0]};
    close(ends[1]);
    return witness;
}

static bool hangs_up_within(int reader, int milliseconds) {
    struct pollfd state = {.fd = reader, .events = POLLIN};
    char byte;
    return poll(&state, 1, milliseconds) == 1 && read(reader, &byte, 1) == 0;
}

bool witness_is_held(const struct witness *witness) { return !hangs_up_within(witness->reader, 0); }

bool witness_is_gone(const struct witness *witness) { return hangs_up_within(witness->reader, LIMIT_SECONDS * 1000); }

void witness_close(struct witness *witness) { close(witness->reader); }

/* ---- Nothing left --------------------------------------------------------------------- */

static _Atomic int connections;

static void connection_has_ended(void *context) {
    (void)context;
    atomic_fetch_sub(&connections, 1);
}

void count_connection(xpc_connection_t connection) {
    atomic_fetch_add(&connections, 1);
    xpc_connection_set_finalizer_f(connection, connection_has_ended);
}

static uint64_t live_objects(void) {
#ifdef __linux__
    struct xpc_linux_stats stats;
    xpc_linux_get_stats(&stats);
    return stats.live_objects;
#else
    return 0;
#endif
}

/* On macOS 0: the system's libraries open and close their own at any time. */
static int open_descriptors(void) {
    int count = 0;
#ifdef __linux__
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory)) count++;
    if (directory) closedir(directory);
#endif
    return count;
}

static int descriptors_before;

static bool is_nothing_left(void) {
    return connections == 0 && live_objects() == 0 && open_descriptors() <= descriptors_before;
}

/* Waits for other threads to release what they hold. They do not report it, so this polls. */
static void wait_until_nothing_is_left(void) {
    struct timespec pause = {.tv_nsec = 2000000}, begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        records_clear(); /* handlers may still have added */
        if (is_nothing_left()) return;
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - begin.tv_sec < LIMIT_SECONDS);
}

void count_descriptors(void) {
#ifdef __linux__
    /* Starts libxpc's threads, which keep descriptors. */
    end(start(xpc_connection_create(NULL, NULL), record_event, record_create()));
    descriptors_before = INT_MAX;
    wait_until_nothing_is_left();
    descriptors_before = open_descriptors();
#endif
}

/* Our libxpc closes its descriptor of boxed memory that was unmapped at the next call for any memory. */
static void forget_unmapped_memory(void) {
#ifdef __linux__
    size_t length = (size_t)sysconf(_SC_PAGESIZE);
    void *private = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(xpc_shmem_create(private, length) == NULL);
    munmap(private, length);
#endif
}

void nothing_is_left(void) {
    forget_unmapped_memory();
    wait_until_nothing_is_left();
    CHECK(connections == 0);
    CHECK(live_objects() == 0);
    CHECK(open_descriptors() <= descriptors_before);
}
