/*
 * surface.c - surfaces: the layout of a picture, and its memory.
 */
#include <errno.h>

#include "carrier.h"
#include "memory.h"

static void describe_surface(const struct xl_object *object, FILE *out) {
    const struct xpc_linux_surface_layout *layout = &((const struct xl_carrier *)object)->layout;
    fprintf(out, "%ux%u, %u bytes per row, format 0x%08x", layout->width, layout->height, layout->bytes_per_row,
            layout->pixel_format);
}

const struct _xpc_type_s _xpc_type_linux_surface = {
    .name = "surface",
    .last_release = xl_carrier_last_release,
    .describe = describe_surface,
};

/* The only place that decides which memory may back a surface. Support for dma-buf would be added here. */
static int check_backing(int fd, uint64_t length) { return xl_memory_check(fd, length, 0); }

int xl_surface_check(int fd, const struct xpc_linux_surface_layout *layout) {
    if (!layout->width || !layout->height || !layout->bytes_per_row) return EINVAL;
    if ((uint64_t)layout->bytes_per_row * layout->height > layout->length) return EINVAL; /* 32 x 32 bits fit */
    if (!xl_memory_round(layout->length)) return EINVAL;
    return check_backing(fd, layout->length);
}

xpc_object_t xpc_linux_surface_create(int fd, const struct xpc_linux_surface_layout *layout) {
    int why = layout ? xl_surface_check(fd, layout) : EINVAL;
    if (why) {
        errno = why;
        return NULL;
    }
    struct xl_carrier *surface = xl_carrier_consume(XPC_TYPE_LINUX_SURFACE, xl_fd_dup(fd));
    if (surface) surface->layout = *layout;
    return surface;
}

bool xpc_linux_surface_get_layout(xpc_object_t surface, struct xpc_linux_surface_layout *layout) {
    const struct xl_carrier *carrier = xl_as(surface, XPC_TYPE_LINUX_SURFACE);
    if (carrier) *layout = carrier->layout;
    return carrier != NULL;
}

int xpc_linux_surface_dup_fd(xpc_object_t surface) {
    const struct xl_carrier *carrier = xl_as(surface, XPC_TYPE_LINUX_SURFACE);
    if (carrier) return xl_fd_dup(carrier->fd);
    errno = EINVAL;
    return -1;
}
