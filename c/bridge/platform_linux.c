/* platform_linux.c: platform.h over c/linux. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xpc/linux.h>

#include "bytes.h"
#include "confine/confine.h"
#include "object.h"
#include "platform.h"

uint32_t platform_reason_copy(xpc_connection_t connection, uint8_t *text, uint32_t capacity) {
    char *reason = xpc_connection_copy_invalidation_reason(connection);
    struct xpc_linux_goodbye said;
    if (!reason && xpc_linux_get_goodbye(connection, &said)) { /* interrupted: a connection that can be used again */
        char words[sizeof said.reason + 64];
        snprintf(words, sizeof words, "the other side has ended the connection, and says: %s", said.reason);
        return text_write(words, text, capacity);
    }
    if (!reason) return 0;
    uint32_t length = text_write(reason, text, capacity);
    free(reason);
    return length;
}

static uint32_t code_of(int why) {
    switch (why) {
    case 0: return SLB_REASON_UNKNOWN;
    case EADDRINUSE: return SLB_REASON_IN_USE;
    case EXFULL: return SLB_REASON_OUTBOX;
    case EBADMSG: return SLB_REASON_MALFORMED;
    default: return SLB_REASON_EXHAUSTED;
    }
}

uint32_t platform_reason_code(xpc_connection_t connection) {
    struct xpc_linux_goodbye said;
    int own = xpc_linux_invalidation_errno(connection);
    if (!own && xpc_linux_get_goodbye(connection, &said)) return SLB_REASON_TOLD | code_of(said.why);
    return code_of(own);
}

void platform_cancel_because(xpc_connection_t connection, uint32_t reason, const char *text) {
    int why = reason == SLB_REASON_OUTBOX ? EXFULL : reason == SLB_REASON_MALFORMED ? EBADMSG : ENOMEM;
    xpc_linux_connection_cancel_because(connection, why, text);
}

const char *platform_message_refused(xpc_object_t message) {
    static _Thread_local char why[SLB_MAX_TEXT_BYTES];
    return xpc_linux_message_check(message, why, sizeof why) == 0 ? NULL : why;
}

const char *platform_message_problem(xpc_object_t message) { return xpc_linux_message_problem(message); }
void platform_message_keep(xpc_object_t message) { xpc_linux_message_keep(message); }

uint32_t platform_service_path_copy(const char *name, uint8_t *text, uint32_t capacity) {
    char path[SLB_MAX_TEXT_BYTES];
    if (xpc_linux_service_path(name, path, sizeof path) < 0) {
        fail(SLB_E_ARGUMENT, "Cannot place service '%s': its socket's path is too long", name);
        return 0;
    }
    return text_write(path, text, capacity);
}

void *platform_region_create(size_t bytes) { return xpc_linux_region_create(bytes); }
void platform_region_destroy(void *region, size_t bytes) { xpc_linux_region_destroy(region, bytes); }

bool platform_wait_for_lost_reader(const int *ends, int count, int limit_ms) {
    struct pollfd watched[2] = {{.fd = -1}, {.fd = -1}};
    for (int i = 0; i < count && i < 2; i++) watched[i].fd = ends[i]; /* with no events: POLLERR and POLLHUP are always reported */
    int lost;
    while ((lost = poll(watched, 2, limit_ms)) < 0 && errno == EINTR) continue;
    return lost > 0;
}

int platform_stream_peer(int descriptor, int32_t values[3]) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
    values[0] = peer.pid;
    values[1] = (int32_t)peer.uid;
    values[2] = (int32_t)peer.gid;
    return 0;
}

/* Field 22 of /proc/<pid>/stat, in clock ticks since the system's start. The name before it may hold spaces and brackets. */
uint64_t platform_process_started(int32_t pid) {
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return 0;
    text[length] = 0;
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

bool platform_process_is_stopped(int32_t pid) {
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return false;
    text[length] = 0;
    const char *state = strstr(text, "\nState:\t"), *tracer = strstr(text, "\nTracerPid:\t");
    bool stopped = state && (state[8] == 'T' || state[8] == 't');
    return stopped || (tracer && strtol(tracer + 12, NULL, 10) != 0);
}

void platform_silent(uint32_t values[3]) {
    struct xpc_linux_silent silent;
    xpc_linux_get_silent(&silent);
    values[0] = (uint32_t)silent.connections;
    values[1] = (uint32_t)silent.dropped;
    values[2] = (uint32_t)silent.pid;
}

int platform_stream_inherited(const char *service) { return xpc_linux_inherited_socket(service, SOCK_STREAM); }

bool platform_is_activated(const char *service) {
    int found = xpc_linux_inherited_socket(service, SOCK_SEQPACKET);
    if (found >= 0) close(found);
    return found >= 0;
}

static int accept_one(int listening) { return accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

/*
 * As on a Mac, for tests: without a free descriptor, the connection is taken from the queue and lost. A spare
 * one does that. It is opened when this library is loaded, so that it is not taken for a leak.
 */
static int spare = -1;

__attribute__((constructor)) static void keep_spare(void) {
    if (xpc_linux_is_as_macos()) spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int accept_as_macos(int listening) {
    int descriptor = accept_one(listening);
    if (descriptor >= 0 || errno != EMFILE || spare < 0) return descriptor;
    close(spare);
    int lost = accept_one(listening);
    if (lost >= 0) close(lost);
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    errno = EMFILE;
    return -1;
}

int platform_accept(int listening) {
    return xpc_linux_is_as_macos() ? accept_as_macos(listening) : accept_one(listening);
}

const char *platform_cause(int why) { return xpc_linux_cause(why); }
const char *platform_thread_cause(int why) { return xpc_linux_thread_cause(why); }
bool platform_file_allowed(uint64_t bytes) { return xpc_linux_file_allowed(bytes); }

uint32_t platform_core(void) {
    int core = sched_getcpu();
    return core < 0 ? 0 : (uint32_t)core + 1;
}

void platform_stats(uint64_t counters[5]) {
    struct xpc_linux_stats stats;
    xpc_linux_get_stats(&stats);
    counters[0] = stats.bytes_sent;
    counters[1] = stats.spill_bytes_sent;
    counters[2] = stats.descriptors_sent;
    counters[3] = stats.live_objects;
    counters[4] = stats.live_connections;
}

int platform_confinement(const char **why_not) { return confine_landlock(why_not); }
