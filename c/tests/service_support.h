/*
 * service_support.h - shared by the tests of named services: serving, and the files of a directory.
 */
#ifndef SERVICE_SUPPORT_H
#define SERVICE_SUPPORT_H

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "linux_support.h"
#include "service.h"

#define SERVICE "com.example.service"

static inline xpc_connection_t listen_as(const char *name, struct record *heard) {
    uint64_t listener = XPC_CONNECTION_MACH_SERVICE_LISTENER;
    return start(xpc_connection_create_mach_service(name, NULL, listener), record_event, heard);
}

/* Tries to serve the name. True if it fails with a text that contains `reason`, or, for "", if it succeeds. */
static inline bool serves(const char *name, const char *reason) {
    struct record *heard = record_create();
    xpc_connection_t listener = listen_as(name, heard);
    char *why = xpc_connection_copy_invalidation_reason(listener);
    bool as_expected = *reason ? why && strstr(why, reason) && record_get(heard, 0) == INVALID : !why;
    if (!as_expected) fprintf(stderr, "%s: \"%s\", not \"%s\"\n", name, why ? why : "", reason);
    free(why);
    end(listener);
    return as_expected;
}

/* Whether a listener is refused with the reason where this user has no directory of a login, which would be used. */
static inline bool refused_without_login(const char *reason) {
    char own[XL_USER_RUNTIME_BYTES];
    return xl_user_runtime("/run/user", own) || serves(SERVICE, reason);
}

static inline const char *in_home(const char *relative) {
    static char path[4][256];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", home, relative);
    return path[next];
}

static inline bool exists(const char *relative) {
    struct stat status;
    return lstat(in_home(relative), &status) == 0;
}

static inline unsigned mode_of(const char *relative) {
    struct stat status;
    return stat(in_home(relative), &status) == 0 ? status.st_mode & 07777 : 0;
}

static inline const char *path_of(const char *service) {
    static char path[200];
    return xpc_linux_service_path(service, path, sizeof path) == 0 ? path : strerrorname_np(errno);
}

/* A socket file as left by a killed listener; open: as of a process that serves without our lock. */
static inline int plant_socket(const char *relative, bool open) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", in_home(relative));
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0);
    if (open) return fd;
    close(fd);
    return -1;
}

static inline void plant_lock(const char *relative, const char *text) {
    int fd = open(in_home(relative), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

#endif
