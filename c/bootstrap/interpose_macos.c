/*
 * interpose_macos.c: libstreamlib_interpose.dylib, for programs that use XPC or Mach services and do not know of a
 * bootstrap. Compiled and linked, not run on a Mac.
 *
 * With DYLD_INSERT_LIBRARIES dyld puts the functions here in the place of Apple's. They ask the channel that this
 * process has inherited, and without one they call Apple's: dyld does not replace calls of this library itself.
 * They also keep the channel through fork().
 * Names that begin with "com.apple." are never asked for: each program needs services of the system.
 */
#include <string.h>
#include <xpc/xpc.h>

#include "channel.h"
#include "endpoint_port.h"
#include "mach_macos.h"
#include "messages_macos.h"

#define SYSTEM_NAMES "com.apple."

/* Whether the bootstrap is asked for a name: the name is copied then. */
static bool is_asked(const char *name, char out[BOOT_NAME_BYTES]) {
    return name && strncmp(name, SYSTEM_NAMES, strlen(SYSTEM_NAMES)) != 0 && boot_channel_look(NULL) != BOOT_NONE &&
           boot_name_copy(name, strlen(name), out);
}

/* The result of bootstrap_look_up and the like: without a channel that answers, as when launchd does not know the name. */
static kern_return_t result_of(int32_t code) {
    switch (code) {
    case -1: return BOOT_UNKNOWN_SERVICE;
    case BOOT_BUSY: return BOOT_UNKNOWN_SERVICE;
    default: return code;
    }
}

/* ---- <servers/bootstrap.h> -------------------------------------------------------------- */

static kern_return_t look_up(mach_port_t bootstrap, const char *name, mach_port_t *service) {
    char asked[BOOT_NAME_BYTES];
    boot_right right;
    if (!is_asked(name, asked)) return bootstrap_look_up(bootstrap, name, service);
    int32_t code = boot_channel_look_up(asked, &right);
    if (code == BOOT_UNKNOWN_SERVICE && !boot_channel_is_isolated()) return bootstrap_look_up(bootstrap, name, service);
    if (code == BOOT_DONE) *service = (mach_port_t)right;
    return result_of(code);
}

static kern_return_t check_in(mach_port_t bootstrap, const char *name, mach_port_t *service) {
    char asked[BOOT_NAME_BYTES];
    boot_right receive;
    if (!is_asked(name, asked)) return bootstrap_check_in(bootstrap, name, service);
    int32_t code = boot_channel_check_in(asked, &receive);
    if (code == BOOT_DONE) *service = (mach_port_t)receive;
    return result_of(code);
}

static kern_return_t register_name(mach_port_t bootstrap, char *name, mach_port_t service) {
    char asked[BOOT_NAME_BYTES];
    if (!is_asked(name, asked)) return bootstrap_register(bootstrap, name, service);
    return result_of(boot_channel_register(asked, service));
}

/* ---- <xpc/connection.h> ----------------------------------------------------------------- */

/* A connection that hears INVALID when it is activated. */
static xpc_connection_t invalid(const char *name, dispatch_queue_t queue) {
    xpc_connection_t connection = xpc_connection_create_mach_service(name, queue, 0);
    if (connection) xpc_connection_cancel(connection);
    return connection;
}

static xpc_connection_t connect_to(const char *name, dispatch_queue_t queue, uint64_t flags, const char *asked) {
    boot_right right;
    int32_t code = boot_channel_look_up(asked, &right);
    if (code == BOOT_UNKNOWN_SERVICE && !boot_channel_is_isolated()) return xpc_connection_create_mach_service(name, queue, flags);
    xpc_endpoint_t endpoint = code == BOOT_DONE ? boot_endpoint_of_port_consume((mach_port_t)right) : NULL;
    if (!endpoint) return invalid(name, queue);
    xpc_connection_t connection = xpc_connection_create_from_endpoint(endpoint);
    xpc_release((xpc_object_t)endpoint);
    if (connection && queue) xpc_connection_set_target_queue(connection, queue);
    return connection;
}

/* An anonymous listener whose port is registered. It hears INVALID when it is activated if that fails. */
static xpc_connection_t listen_as(dispatch_queue_t queue, const char *asked) {
    xpc_connection_t listener = xpc_connection_create(NULL, queue);
    xpc_endpoint_t endpoint = listener ? xpc_endpoint_create(listener) : NULL;
    mach_port_t port = endpoint ? boot_port_of_endpoint(endpoint) : MACH_PORT_NULL;
    bool registered = port != MACH_PORT_NULL && boot_channel_register(asked, port) == BOOT_DONE;
    boot_mach_drop(port);
    if (endpoint) xpc_release((xpc_object_t)endpoint);
    if (listener && !registered) xpc_connection_cancel(listener);
    return listener;
}

static xpc_connection_t create_mach_service(const char *name, dispatch_queue_t queue, uint64_t flags) {
    char asked[BOOT_NAME_BYTES];
    if (!is_asked(name, asked)) return xpc_connection_create_mach_service(name, queue, flags);
    if (flags & XPC_CONNECTION_MACH_SERVICE_LISTENER) return listen_as(queue, asked);
    return connect_to(name, queue, flags, asked);
}

/* ---- fork ------------------------------------------------------------------------------- */

/* Of libSystem's fork(), in no header: registers only the port of libxpc, so that a child would not inherit the channel. */
void xpc_atfork_prepare(void) __attribute__((weak_import));

static void prepare_fork(void) {
    xpc_atfork_prepare();
    boot_channel_look(NULL); /* puts the channel back */
}

/* ---- what dyld replaces ----------------------------------------------------------------- */

typedef void (*function)(void);

__attribute__((used, section("__DATA,__interpose,interposing"))) static const struct {
    function replacement, original;
} replaced[] = {
    {(function)look_up, (function)bootstrap_look_up},
    {(function)check_in, (function)bootstrap_check_in},
    {(function)register_name, (function)bootstrap_register},
    {(function)create_mach_service, (function)xpc_connection_create_mach_service},
    {prepare_fork, xpc_atfork_prepare}, /* dyld ignores one that does not exist */
};
