/*
 * rights_macos.c: rights.h over Apple's libxpc, where a right is a Mach send right to a listener's port. Compiled
 * and linked, not run on a Mac.
 *
 * Apple's libxpc asks launchd for names and nobody else, so the bootstrap is asked here, and the connection is made
 * with an endpoint. When the service ends, such a connection hears INVALID, not INTERRUPTED: it is not by name.
 */
#include "rights.h"

#include <errno.h>
#include <mach/mach.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bootstrap/channel.h"
#include "bootstrap/endpoint_port.h"
#include "platform.h"

const char *right_problem(void) { return boot_endpoint_problem(); }

boot_right right_of_endpoint(xpc_object_t endpoint) {
    uint32_t port = boot_port_of_endpoint((xpc_endpoint_t)endpoint);
    return port != MACH_PORT_NULL ? (boot_right)port : BOOT_NO_RIGHT;
}

xpc_object_t endpoint_of_right_consume(boot_right right) {
    return (xpc_object_t)boot_endpoint_of_port_consume((uint32_t)right);
}

/* The asker gets a send right to the listener itself: it can do nothing with it but send. */
int32_t right_connect(boot_right service, int32_t pid, boot_right *connection) {
    (void)pid;
    *connection = service;
    switch (mach_port_mod_refs(mach_task_self(), (mach_port_t)service, MACH_PORT_RIGHT_SEND, 1)) {
    case KERN_SUCCESS: return BOOT_DONE;
    case KERN_UREFS_OVERFLOW: return BOOT_BUSY;
    default: return BOOT_UNKNOWN_SERVICE;
    }
}

/* ---- services --------------------------------------------------------------------------- */

static void refuse(struct service *service, uint32_t reason, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void refuse(struct service *service, uint32_t reason, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(service->text, sizeof service->text, format, arguments);
    va_end(arguments);
    service->refused = true;
    service->reason = reason;
}

/* What a BOOT_ code, or -1 with errno, says about the bootstrap. */
static const char *text_of(int32_t code, int why) {
    if (code != -1) return boot_code_text(code);
    switch (why) {
    case EPIPE: return "it has ended";
    case ETIMEDOUT: return "it has not answered in time";
    default: return platform_cause(why);
    }
}

/* A client that XPC makes by name; also one that is refused, which never asks for the name. */
static void connect_by_name(const char *name, struct service *service) {
    service->xpc = xpc_connection_create_mach_service(name, NULL, 0);
    service->by_name = true;
}

static void connect_to_right_consume(const char *name, boot_right right, struct service *service) {
    xpc_object_t endpoint = endpoint_of_right_consume(right);
    if (endpoint) {
        service->xpc = xpc_connection_create_from_endpoint((xpc_endpoint_t)endpoint);
        xpc_release(endpoint);
        return;
    }
    const char *why = right_problem();
    connect_by_name(name, service);
    refuse(service, SLB_REASON_UNKNOWN, "the service '%s' was found, but cannot be connected to: %s", name,
           why ? why : "libxpc makes no endpoint of its port");
}

static void look_up(const char *name, struct service *service) {
    boot_right right;
    int32_t code = boot_channel_look_up(name, &right);
    int why = errno;
    if (code == BOOT_DONE) {
        connect_to_right_consume(name, right, service);
        return;
    }
    connect_by_name(name, service);
    if (code == BOOT_UNKNOWN_SERVICE) {
        if (!boot_channel_is_isolated()) return;
        refuse(service, SLB_REASON_UNKNOWN, "no such service: nobody serves '%s' in the isolated tree of this process", name);
    } else if (code == BOOT_BUSY) {
        refuse(service, SLB_REASON_UNKNOWN, "the server of '%s' is still being started, or takes no connection now: connect again", name);
    } else {
        refuse(service, SLB_REASON_UNKNOWN, "the bootstrap does not look '%s' up: %s", name, text_of(code, why));
    }
}

void service_connect(const char *name, struct service *service) {
    char why[BOOT_TEXT_BYTES];
    *service = (struct service){0};
    switch (boot_channel_look(why)) {
    case BOOT_NONE: connect_by_name(name, service); break;
    case BOOT_PRESENT: look_up(name, service); break;
    case BOOT_LOST:
        connect_by_name(name, service);
        refuse(service, SLB_REASON_UNKNOWN, "%s", why);
        break;
    }
}

/* Registers the port of an anonymous listener. What clients send waits in it until the listener is activated. */
static void register_listener(const char *name, struct service *service) {
    xpc_endpoint_t endpoint = service->xpc ? xpc_endpoint_create(service->xpc) : NULL;
    boot_right right = endpoint ? right_of_endpoint((xpc_object_t)endpoint) : BOOT_NO_RIGHT;
    if (right == BOOT_NO_RIGHT) {
        const char *why = right_problem();
        refuse(service, SLB_REASON_UNKNOWN, "the listener has no port to register: %s", why ? why : "libxpc gives none");
    } else {
        int32_t code = boot_channel_register(name, right);
        int why = errno;
        uint32_t reason = code == BOOT_NAME_IN_USE ? SLB_REASON_IN_USE : SLB_REASON_UNKNOWN;
        if (code != BOOT_DONE) refuse(service, reason, "the bootstrap does not register the name: %s", text_of(code, why));
        mach_port_deallocate(mach_task_self(), (mach_port_t)right);
    }
    if (endpoint) xpc_release((xpc_object_t)endpoint);
}

void service_listen(const char *name, struct service *service) {
    char why[BOOT_TEXT_BYTES];
    *service = (struct service){0};
    switch (platform_is_activated(name) ? BOOT_NONE : boot_channel_look(why)) {
    case BOOT_NONE:
        service->xpc = xpc_connection_create_mach_service(name, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
        break;
    case BOOT_PRESENT:
        service->xpc = xpc_connection_create(NULL, NULL);
        register_listener(name, service);
        break;
    case BOOT_LOST:
        service->xpc = xpc_connection_create(NULL, NULL);
        refuse(service, SLB_REASON_UNKNOWN, "%s", why);
        break;
    }
}
