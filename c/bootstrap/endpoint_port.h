/*
 * endpoint_port.h: XPC endpoints with the port of a Mach message, and the other way round.
 *
 * XPC has no public function for either. Two functions of libxpc do it, which no header declares; they are looked
 * up at run time (decision 049). Sources disagree on who owns a reference afterwards, so that is measured once.
 * The functions get what they need of Mach, so that a test can have a double of it on another system.
 */
#ifndef BOOT_ENDPOINT_PORT_H
#define BOOT_ENDPOINT_PORT_H

#include <stdbool.h>
#include <stdint.h>
#include <xpc/xpc.h>

/* What is needed of Mach and of libxpc. A port is a name of this task. */
struct boot_endpoint_calls {
    void *(*find)(const char *name);          /* the address of a function of libxpc, or NULL */
    uint32_t (*make)(void);                   /* a new port: a receive right, and one reference to a send right; 0 on failure */
    void (*destroy)(uint32_t port);           /* the receive right of `make` */
    uint32_t (*references)(uint32_t port);    /* to the send right */
    bool (*retain)(uint32_t port);            /* one reference more; false: it has no receiver any more */
    void (*drop)(uint32_t port);              /* one less */
    void (*release)(xpc_endpoint_t endpoint); /* xpc_release */
};

struct boot_endpoint_api {
    xpc_endpoint_t (*create)(uint32_t port);
    uint32_t (*copy)(xpc_endpoint_t endpoint);
    bool create_takes; /* `create` takes over the caller's reference; else it adds one of its own */
    bool copy_gives;   /* `copy` gives the caller a reference; else it only tells the name */
};

enum { BOOT_PROBLEM_BYTES = 160 };

/* Fills in `api`. False: why it cannot be used, in `problem`. */
bool boot_endpoint_fill(struct boot_endpoint_api *api, const struct boot_endpoint_calls *calls, char problem[BOOT_PROBLEM_BYTES]);

/* An endpoint with that port. Consumes a reference, even on failure: NULL. */
xpc_endpoint_t boot_endpoint_create_consume(const struct boot_endpoint_api *api, const struct boot_endpoint_calls *calls, uint32_t port);

/* The port of an endpoint, with a reference that the caller owns; 0 on failure. */
uint32_t boot_endpoint_dup_port(const struct boot_endpoint_api *api, const struct boot_endpoint_calls *calls, xpc_endpoint_t endpoint);

#ifdef __APPLE__
/* Over the real ones: endpoint_macos.c. NULL if endpoints can be made of ports; else why not, for good. */
const char *boot_endpoint_problem(void);
xpc_endpoint_t boot_endpoint_of_port_consume(uint32_t port);
uint32_t boot_port_of_endpoint(xpc_endpoint_t endpoint);
#endif

#endif
