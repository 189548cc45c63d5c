/* rights_linux.c: rights.h over c/linux, where a right is a socket. */
#include <errno.h>
#include <unistd.h>
#include <xpc/linux.h>

#include "rights.h"

/* Weak, so that a test can replace it. */
__attribute__((weak)) const char *right_problem(void) { return NULL; }

boot_right right_of_endpoint(xpc_object_t endpoint) {
    int fd = xpc_linux_endpoint_dup((xpc_endpoint_t)endpoint);
    return fd >= 0 ? fd : BOOT_NO_RIGHT;
}

xpc_object_t endpoint_of_right_consume(boot_right right) {
    xpc_endpoint_t endpoint = xpc_linux_endpoint_create((int)right);
    close((int)right);
    return (xpc_object_t)endpoint;
}

int32_t right_connect(boot_right service, int32_t pid, boot_right *connection) {
    int socket;
    switch (xpc_linux_endpoint_connect((int)service, pid, &socket)) {
    case 0: *connection = socket; return BOOT_DONE;
    case EAGAIN: return BOOT_BUSY;
    case EPIPE: return BOOT_UNKNOWN_SERVICE;
    default: return BOOT_NO_MEMORY;
    }
}

/* ---- services: c/linux asks the bootstrap itself ---- */

void service_connect(const char *name, struct service *service) {
    *service = (struct service){.xpc = xpc_connection_create_mach_service(name, NULL, 0), .by_name = true};
}

void service_listen(const char *name, struct service *service) {
    *service = (struct service){.xpc = xpc_connection_create_mach_service(name, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER)};
}
