/* endpoint_port.c: see endpoint_port.h. */
#include "endpoint_port.h"

#include <stdio.h>
#include <string.h>

#define CREATE "xpc_endpoint_create_mach_port_4sim"
#define COPY "xpc_endpoint_copy_listener_port_4sim"

static bool find(const struct boot_endpoint_calls *calls, const char *name, void *function, char *problem) {
    void *found = calls->find(name);
    memcpy(function, &found, sizeof found); /* C has no conversion from an object's address to a function's */
    if (!found) snprintf(problem, BOOT_PROBLEM_BYTES, "libxpc of this macOS has no %s", name);
    return found;
}

/* With a port that nothing else uses, so that nobody else changes its references meanwhile. */
static bool measure(struct boot_endpoint_api *api, const struct boot_endpoint_calls *calls, uint32_t port, char *problem) {
    uint32_t before = calls->references(port);
    xpc_endpoint_t endpoint = api->create(port);
    if (!endpoint) {
        snprintf(problem, BOOT_PROBLEM_BYTES, CREATE " of this macOS makes no endpoint");
        return false;
    }
    uint32_t created = calls->references(port);
    uint32_t copied = api->copy(endpoint), after = calls->references(port);
    api->create_takes = created == before;
    api->copy_gives = after > created;
    if (api->copy_gives) calls->drop(copied);
    calls->release(endpoint);
    if (copied != port) snprintf(problem, BOOT_PROBLEM_BYTES, COPY " of this macOS does not give the port that the endpoint was made of");
    return copied == port;
}

bool boot_endpoint_fill(struct boot_endpoint_api *api, const struct boot_endpoint_calls *calls, char problem[BOOT_PROBLEM_BYTES]) {
    if (!find(calls, CREATE, &api->create, problem) || !find(calls, COPY, &api->copy, problem)) return false;
    uint32_t port = calls->make();
    if (port == 0) {
        snprintf(problem, BOOT_PROBLEM_BYTES, "this process cannot make a Mach port");
        return false;
    }
    bool usable = measure(api, calls, port, problem);
    if (calls->references(port) > 0) calls->drop(port); /* else the endpoint has taken it, and was released */
    calls->destroy(port);
    return usable;
}

xpc_endpoint_t boot_endpoint_create_consume(const struct boot_endpoint_api *api, const struct boot_endpoint_calls *calls, uint32_t port) {
    xpc_endpoint_t endpoint = api->create(port);
    if (!endpoint || !api->create_takes) calls->drop(port);
    return endpoint;
}

uint32_t boot_endpoint_dup_port(const struct boot_endpoint_api *api, const struct boot_endpoint_calls *calls, xpc_endpoint_t endpoint) {
    uint32_t port = api->copy(endpoint);
    if (port == 0 || api->copy_gives) return port;
    return calls->retain(port) ? port : 0;
}
