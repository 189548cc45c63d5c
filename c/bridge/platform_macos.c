/*
 * platform_macos.c: platform.h over macOS.
 *
 * It was compiled and linked without a Mac; docs/macos.md lists what was run where.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <launch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <sys/un.h>
#include <unistd.h>

#include "bytes.h"
#include "object.h"
#include "platform.h"
#include "private_socket.h"

/*
 * Deno unmaps a library at exit, while XPC's threads may still run. This keeps
 * the library mapped. On Linux a linker option does it; Apple's linker has none.
 */
__attribute__((constructor)) static void stay_mapped(void) {
    Dl_info self;
    if (dladdr((const void *)slb_abi_version, &self)) dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

uint32_t platform_reason_copy(xpc_connection_t connection, uint8_t *text, uint32_t capacity) {
    char *reason = xpc_connection_copy_invalidation_reason(connection);
    if (!reason) return 0;
    uint32_t length = text_write(reason, text, capacity);
    free(reason);
    return length;
}

/* Apple's libxpc gives the reason as text only. */
uint32_t platform_reason_code(xpc_connection_t connection) {
    (void)connection;
    return SLB_REASON_UNKNOWN;
}

/* XPC has no message for it. */
void platform_cancel_because(xpc_connection_t connection, uint32_t reason, const char *text) {
    (void)reason;
    (void)text;
    xpc_connection_cancel(connection);
}

const char *platform_message_refused(xpc_object_t message) {
    (void)message;
    return NULL;
}

const char *platform_message_problem(xpc_object_t message) {
    (void)message;
    return NULL;
}

/* Apple's libxpc bounds its own queues. */
void platform_message_keep(xpc_object_t message) { (void)message; }

uint32_t platform_service_path_copy(const char *name, uint8_t *text, uint32_t capacity) {
    (void)text;
    (void)capacity;
    fail(SLB_E_ARGUMENT, "Service '%s' has no path: on macOS launchd holds the names, see MachServices in its agent", name);
    return 0;
}

void *platform_region_create(size_t bytes) {
    void *region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
    return region == MAP_FAILED ? NULL : region;
}

void platform_region_destroy(void *region, size_t bytes) { munmap(region, bytes); }

/* By kqueue: poll reports the lost reader of a pipe only together with room to write. */
bool platform_wait_for_lost_reader(const int *ends, int count, int limit_ms) {
    int watch = kqueue();
    for (int i = 0; watch >= 0 && i < count; i++) {
        struct kevent writable;
        EV_SET(&writable, ends[i], EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, NULL);
        kevent(watch, &writable, 1, NULL, 0, NULL);
    }
    struct timespec limit = {.tv_nsec = limit_ms * 1000000L};
    struct kevent event;
    bool lost = false;
    while (watch >= 0 && !lost) {
        int got = kevent(watch, NULL, 0, &event, 1, limit_ms < 0 ? NULL : &limit);
        if (got == 0 || (got < 0 && errno != EINTR)) break;
        lost = got > 0 && (event.flags & EV_EOF);
    }
    if (watch >= 0) close(watch);
    return lost;
}

/* The key in an agent's plist: Sockets {grpc: {SockPathName: ...}}. */
#define STREAM_SOCKET_KEY "grpc"

/* launchd hands out the sockets under a key once; a job of ours has one there. */
int platform_stream_inherited(const char *service) {
    if (!platform_is_activated(service)) {
        errno = ENOENT;
        return -1;
    }
    int *sockets = NULL;
    size_t count = 0;
    int why = launch_activate_socket(STREAM_SOCKET_KEY, &sockets, &count);
    if (why == ESRCH || (why == 0 && count == 0)) why = ENOENT;
    int first = why == 0 ? sockets[0] : -1;
    for (size_t i = 1; why == 0 && i < count; i++) close(sockets[i]);
    free(sockets);
    if (first >= 0 && private_socket_set_flags(first) == 0) return first;
    if (first >= 0) {
        why = errno;
        close(first);
    }
    errno = why;
    return -1;
}

/* launchd sets this variable to the job's label, which is the service's name. */
bool platform_is_activated(const char *service) {
    const char *label = getenv("XPC_SERVICE_NAME");
    return label && strcmp(label, service) == 0;
}

int platform_accept(int listening) {
    int descriptor = accept(listening, NULL, NULL);
    if (descriptor < 0 || private_socket_set_flags(descriptor) == 0) return descriptor;
    int why = errno;
    close(descriptor);
    errno = why;
    return -1;
}

int platform_stream_peer(int descriptor, int32_t values[3]) {
    uid_t user;
    gid_t group;
    pid_t pid;
    socklen_t length = sizeof pid;
    if (getpeereid(descriptor, &user, &group) != 0) return -1;
    if (getsockopt(descriptor, SOL_LOCAL, LOCAL_PEERPID, &pid, &length) != 0) return -1;
    values[0] = pid;
    values[1] = (int32_t)user;
    values[2] = (int32_t)group;
    return 0;
}

static bool find_process(int32_t pid, struct kinfo_proc *process) {
    int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, pid};
    size_t length = sizeof *process;
    return sysctl(name, 4, process, &length, NULL, 0) == 0 && length == sizeof *process;
}

/* Microseconds since the epoch. */
uint64_t platform_process_started(int32_t pid) {
    struct kinfo_proc process;
    if (!find_process(pid, &process)) return 0;
    struct timeval started = process.kp_proc.p_starttime;
    return (uint64_t)started.tv_sec * 1000000 + (uint64_t)started.tv_usec;
}

bool platform_process_is_stopped(int32_t pid) {
    struct kinfo_proc process;
    if (!find_process(pid, &process)) return false;
    return process.kp_proc.p_stat == SSTOP || (process.kp_proc.p_flag & P_TRACED) != 0;
}

/* Apple's libxpc announces a peer at once, and keeps no descriptor for it. */
void platform_silent(uint32_t values[3]) { memset(values, 0, 3 * sizeof *values); }

/* Apple's libxpc has no counters for these. */
static unsigned long long limit_of(int resource) {
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 ? (unsigned long long)limit.rlim_cur : 0;
}

const char *platform_cause(int why) {
    static _Thread_local char text[192];
    if (why == EMFILE) {
        snprintf(text, sizeof text, "this process has no free descriptor: its limit is %llu (RLIMIT_NOFILE); raise it with `ulimit -n`",
                 limit_of(RLIMIT_NOFILE));
    } else if (why == EFBIG) {
        snprintf(text, sizeof text, "this process may write no larger file: its limit is %llu bytes (RLIMIT_FSIZE); raise it with `ulimit -f`",
                 limit_of(RLIMIT_FSIZE));
    } else {
        return strerror(why);
    }
    return text;
}

const char *platform_thread_cause(int why) {
    static _Thread_local char text[192];
    if (why != EAGAIN) return platform_cause(why);
    snprintf(text, sizeof text, "this user has too many processes and threads: the limit is %llu (RLIMIT_NPROC); raise it with `ulimit -u`",
             limit_of(RLIMIT_NPROC));
    return text;
}

bool platform_file_allowed(uint64_t bytes) {
    if (bytes <= limit_of(RLIMIT_FSIZE)) return true;
    errno = EFBIG;
    return false;
}

uint32_t platform_core(void) {
    size_t core;
    return pthread_cpu_number_np(&core) == 0 ? (uint32_t)core + 1 : 0;
}

void platform_stats(uint64_t counters[5]) { memset(counters, 0, 5 * sizeof *counters); }

int platform_confinement(const char **why_not) {
    *why_not = "this system is macOS, and clients are confined by Landlock and seccomp, which are of Linux";
    return 0;
}
