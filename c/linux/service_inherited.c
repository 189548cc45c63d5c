/*
 * service_inherited.c - listening sockets that a service manager opened and passed on.
 *
 * The protocol is systemd's: descriptors from 3 on; LISTEN_FDS is their number, LISTEN_PID the
 * process that they are for, LISTEN_FDNAMES their names, separated by ':'. The name is that of the
 * service. The original stays open, so a cancelled listener can be created again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xpc/linux.h>

#include "carrier.h"
#include "service.h"

static bool is_option(int fd, int option, int wanted) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 && value == wanted;
}

static long number(const char *variable) {
    const char *text = getenv(variable);
    char *end;
    long value = text ? strtol(text, &end, 10) : -1;
    return text && *text && !*end ? value : -1;
}

int xpc_linux_inherited_socket(const char *service, int type) {
    long count = number("LISTEN_FDS");
    const char *name = getenv("LISTEN_FDNAMES");
    errno = ENOENT;
    if (count <= 0 || count > 64 || number("LISTEN_PID") != getpid() || !service) return -1;
    size_t wanted = strlen(service);
    for (int fd = 3; name && fd < 3 + count; fd++) {
        size_t length = strcspn(name, ":");
        if (length == wanted && memcmp(name, service, length) == 0 && is_option(fd, SO_DOMAIN, AF_UNIX) &&
            is_option(fd, SO_TYPE, type) && is_option(fd, SO_ACCEPTCONN, 1)) {
            fcntl(fd, F_SETFD, FD_CLOEXEC); /* children must not inherit it */
            int flags = fcntl(fd, F_GETFL);
            return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? xl_fd_dup(fd) : -1;
        }
        name = name[length] ? name + length + 1 : NULL;
    }
    errno = ENOENT;
    return -1;
}

int xl_service_inherited(const char *service) { return xpc_linux_inherited_socket(service, SOCK_SEQPACKET); }
