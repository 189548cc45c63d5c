/*
 * carrier.c - objects that hold a descriptor: what they share, and fd and endpoint objects.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bootstrap/held.h"
#include "carrier.h"

void xl_carrier_last_release(struct xl_object *object) {
    held_close(((struct xl_carrier *)object)->fd);
    xl_object_free(object);
}

/* A copy does not equal the original: see Apple's header on xpc_fd_create. */
static struct xl_object *fd_copy(const struct xl_object *object) {
    return xpc_fd_create(((const struct xl_carrier *)object)->fd);
}

const struct _xpc_type_s _xpc_type_fd = {
    .name = "fd",
    .last_release = xl_carrier_last_release,
    .copy = fd_copy,
};
const struct _xpc_type_s _xpc_type_endpoint = {.name = "endpoint", .last_release = xl_carrier_last_release};

int xl_fd_dup(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }

struct xl_carrier *xl_carrier_consume(xpc_type_t type, int fd) {
    struct xl_carrier *carrier = fd >= 0 ? xl_object_create(type, sizeof *carrier) : NULL;
    if (carrier) carrier->fd = held(fd);
    else if (fd >= 0) close(fd);
    return carrier;
}

xpc_object_t xpc_fd_create(int fd) { return xl_carrier_consume(XPC_TYPE_FD, xl_fd_dup(fd)); }

int xpc_fd_dup(xpc_object_t xfd) {
    const struct xl_carrier *carrier = xl_as(xfd, XPC_TYPE_FD);
    return carrier ? xl_fd_dup(carrier->fd) : -1;
}

bool xl_is_seqpacket(int fd) {
    int domain = 0, type = 0;
    socklen_t length = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) return false;
    length = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && domain == AF_UNIX && type == SOCK_SEQPACKET;
}
