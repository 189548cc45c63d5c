/*
 * carrier.h - objects that travel as a descriptor: fd, endpoint, shmem, surface.
 */
#ifndef XL_CARRIER_H
#define XL_CARRIER_H

#include "object.h"

struct xl_carrier {
    struct xl_object head;
    int fd;                                 /* owned */
    uint64_t length;                        /* shmem only: bytes */
    struct xpc_linux_surface_layout layout; /* surface only */
    struct xpc_linux_planes planes;         /* surface only */
};

void xl_carrier_last_release(struct xl_object *object);
/* Consumes `fd`, and closes it on failure. */
struct xl_carrier *xl_carrier_consume(xpc_type_t type, int fd);
/* Returns a duplicate, close-on-exec, or -1 with errno. */
int xl_fd_dup(int fd);

/* Whether it can be an endpoint: a Unix socket of type SOCK_SEQPACKET. */
bool xl_is_seqpacket(int fd);
/* Returns 0 if a surface may have this layout in the memory behind `fd`, else an errno. */
int xl_surface_check(int fd, const struct xpc_linux_surface_layout *layout, const struct xpc_linux_planes *planes);
/* The planes of a surface of which only the layout is known. */
struct xpc_linux_planes xl_surface_one_plane(const struct xpc_linux_surface_layout *layout);
/* Whether the planes say more than the layout does. */
bool xl_surface_is_planar(const struct xpc_linux_surface_layout *layout, const struct xpc_linux_planes *planes);

#endif
