/*
 * platform_macos.c: platform.h over macOS.
 *
 * Compiled and linked without a Mac; see docs/macos.md for what was run where.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <launch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "object.h"
#include "platform.h"
#include "private_socket.h"

/*
 * Deno unmaps a library at exit while XPC's threads still run: this one stays.
 * On Linux the linker is told so; Apple's has no such option.
 */
__attribute__((constructor)) static void stay_mapped(void) {
    Dl_info self;
    if (dladdr((const void *)slb_abi_version, &self)) dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

uint32_t platform_reason_copy(xpc_connection_t connection, uint8_t *text, uint32_t capacity) {
    char *reason = xpc_connection_copy_invalidation_reason(connection);
    if (!reason) return 0;
    size_t length = strlen(reason);
    if (length > capacity) length = capacity;
    memcpy(text, reason, length);
    free(reason);
    return (uint32_t)length;
}

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

/* A kernel queue, on which the process's end is the only event. */
int platform_process_watch(int32_t pid) {
    if (pid <= 0) { /* of which it would say that they have ended */
        errno = EINVAL;
        return -1;
    }
    int watch = kqueue();
    if (watch < 0) return -1;
    struct kevent ended;
    EV_SET(&ended, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    if (fcntl(watch, F_SETFD, FD_CLOEXEC) == 0 && kevent(watch, &ended, 1, NULL, 0, NULL) == 0) return watch;
    int why = errno;
    close(watch);
    errno = why;
    return -1;
}

void platform_process_wait(int watch) {
    struct kevent ended;
    while (kevent(watch, NULL, 0, &ended, 1, NULL) < 0 && errno == EINTR) continue;
}

/* In an agent's plist: Sockets {grpc: {SockPathName: ...}}. */
#define STREAM_SOCKET_KEY "grpc"

/* launchd gives what it has under the key once; a job has one socket there. */
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

/* launchd tells each job its label, which is the service's name. */
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

/* What c/linux counts of itself; Apple's libxpc tells nobody. */
void platform_stats(uint64_t counters[5]) { memset(counters, 0, 5 * sizeof *counters); }
