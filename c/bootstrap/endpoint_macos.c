/* endpoint_macos.c: endpoint_port.h over libxpc and Mach. Compiled and linked, not run on a Mac. */
#include <dlfcn.h>
#include <pthread.h>

#include "endpoint_port.h"
#include "messages_macos.h"

static void *find(const char *name) { return dlsym(RTLD_DEFAULT, name); }

static uint32_t make(void) { return boot_mach_make(); }

static void destroy(uint32_t port) { boot_mach_close(port); }

static uint32_t references(uint32_t port) {
    mach_port_urefs_t count = 0;
    mach_port_get_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, &count);
    return count;
}

static bool retain(uint32_t port) {
    return mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, 1) == KERN_SUCCESS;
}

static void drop(uint32_t port) { boot_mach_drop(port); }

static void release(xpc_endpoint_t endpoint) { xpc_release((xpc_object_t)endpoint); }

static const struct boot_endpoint_calls calls = {
    .find = find,
    .make = make,
    .destroy = destroy,
    .references = references,
    .retain = retain,
    .drop = drop,
    .release = release,
};

static struct boot_endpoint_api api;
static char problem[BOOT_PROBLEM_BYTES];
static bool usable;

static void fill(void) { usable = boot_endpoint_fill(&api, &calls, problem); }

const char *boot_endpoint_problem(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill);
    return usable ? NULL : problem;
}

xpc_endpoint_t boot_endpoint_of_port_consume(uint32_t port) {
    if (!boot_endpoint_problem()) return boot_endpoint_create_consume(&api, &calls, port);
    boot_mach_drop(port);
    return NULL;
}

uint32_t boot_port_of_endpoint(xpc_endpoint_t endpoint) {
    return boot_endpoint_problem() ? MACH_PORT_NULL : boot_endpoint_dup_port(&api, &calls, endpoint);
}
