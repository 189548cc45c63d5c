/*
 * rights.h: the endpoints of XPC as the rights that a bootstrap keeps, and the services that are found in one.
 * rights_linux.c, rights_macos.c.
 */
#ifndef SLB_RIGHTS_H
#define SLB_RIGHTS_H

#include <xpc/xpc.h>

#include "bootstrap/registry.h"
#include "streamlib_bridge.h"

/* NULL; or why an endpoint cannot be a right on this system, and there can be no bootstrap. */
const char *right_problem(void);

/* The right of an endpoint, which the caller owns; BOOT_NO_RIGHT on failure. */
boot_right right_of_endpoint(xpc_object_t endpoint);
/* An endpoint with that right, which it consumes. NULL on failure. */
xpc_object_t endpoint_of_right_consume(boot_right right);
/* Connects to it for a process: see boot_server_options. */
int32_t right_connect(boot_right service, int32_t pid, boot_right *connection);

/* An XPC connection or listener for a name, before it is activated. */
struct service {
    xpc_connection_t xpc; /* owned; NULL: XPC gave none */
    bool by_name;         /* it may be interrupted and used again */
    bool refused;         /* it is to end when it is activated, for this reason: */
    uint32_t reason;      /* SLB_REASON_* */
    char text[SLB_MAX_TEXT_BYTES];
};

/*
 * A name is looked for in the bootstrap that this process is in, then among the services of this user. On Linux
 * XPC does that itself. On macOS this function asks the bootstrap, and waits for at most BOOT_LOOK_UP_MS.
 */
void service_connect(const char *name, struct service *service);
/* A name that this process serves: as a service manager has started it for, else in its bootstrap, else as XPC does. */
void service_listen(const char *name, struct service *service);

#endif
