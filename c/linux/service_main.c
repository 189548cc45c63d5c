/*
 * service_main.c - a process that is one service: xpc_main, and the transactions that it may begin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "block.h"
#include "connection.h"

/* libdispatch's function; NULL if the program has no libdispatch. */
__attribute__((weak)) extern void dispatch_main(void);

static xpc_connection_handler_t accept_peer;

static void refuse(const char *name, const char *why) {
    fprintf(stderr, "xpc_main: cannot serve '%.128s': %s\n", name, why);
    _exit(EX_CONFIG);
}

static void handle(void *block, xpc_object_t event) {
    (void)block;
    if (xl_as(event, XPC_TYPE_CONNECTION)) accept_peer((xpc_connection_t)event);
}

void xpc_main(xpc_connection_handler_t handler) {
    const char *name = getenv("XPC_SERVICE_NAME");
    if (!name || !*name) {
        fputs("xpc_main: this program is a service: set XPC_SERVICE_NAME to the name that it serves\n", stderr);
        _exit(EX_CONFIG);
    }
    accept_peer = handler;
    void *block = xl_block_create_global(handle);
    xpc_connection_t listener =
        xpc_connection_create_mach_service(name, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
    if (!block || !listener) refuse(name, "out of memory");
    xpc_connection_set_event_handler(listener, block);
    xpc_connection_activate(listener);
    char *why = xpc_connection_copy_invalidation_reason(listener); /* a name is served, or not, from here on */
    if (why) refuse(name, why);
    if (dispatch_main) dispatch_main();
    for (;;) pause();
}

void xpc_transaction_begin(void) {}
void xpc_transaction_end(void) {}
