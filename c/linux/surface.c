/*
 * surface.c - surfaces: the layout of a picture, and its memory.
 */
#include <errno.h>

#include "carrier.h"
#include "memory.h"

static void describe_surface(const struct xl_object *object, FILE *out) {
    const struct xl_carrier *surface = (const struct xl_carrier *)object;
    const struct xpc_linux_surface_layout *layout = &surface->layout;
    fprintf(out, "%ux%u, %u bytes per row, format 0x%08x", layout->width, layout->height, layout->bytes_per_row,
            layout->pixel_format);
    if (xl_surface_is_planar(layout, &surface->planes)) fprintf(out, ", planes: %u", surface->planes.count);
}

const struct _xpc_type_s _xpc_type_linux_surface = {
    .name = "surface",
    .last_release = xl_carrier_last_release,
    .describe = describe_surface,
};

/* The only place that decides which memory may back a surface. Support for dma-buf would be added here. */
static int check_backing(int fd, uint64_t length) { return xl_memory_check(fd, length, 0); }

struct xpc_linux_planes xl_surface_one_plane(const struct xpc_linux_surface_layout *layout) {
    return (struct xpc_linux_planes){
        .count = 1,
        .planes = {{.width = layout->width, .height = layout->height, .bytes_per_row = layout->bytes_per_row}},
    };
}

bool xl_surface_is_planar(const struct xpc_linux_surface_layout *layout, const struct xpc_linux_planes *planes) {
    const struct xpc_linux_plane *first = &planes->planes[0];
    return planes->count != 1 || planes->modifier || first->offset || first->width != layout->width ||
           first->height != layout->height;
}

static bool is_within(const struct xpc_linux_plane *plane, uint64_t length) {
    return plane->width && plane->height && plane->bytes_per_row && plane->offset <= length &&
           (uint64_t)plane->bytes_per_row * plane->height <= length - plane->offset; /* 32 x 32 bits fit */
}

int xl_surface_check(int fd, const struct xpc_linux_surface_layout *layout, const struct xpc_linux_planes *planes) {
    if (!layout->width || !layout->height || !layout->bytes_per_row) return EINVAL;
    if (!planes->count || planes->count > XPC_LINUX_PLANES_MAX) return EINVAL;
    if (planes->planes[0].bytes_per_row != layout->bytes_per_row) return EINVAL;
    for (uint32_t i = 0; i < planes->count; i++) {
        if (!is_within(&planes->planes[i], layout->length)) return EINVAL;
    }
    if (!xl_memory_round(layout->length)) return EINVAL;
    return check_backing(fd, layout->length);
}

xpc_object_t xpc_linux_surface_create_planar(int fd, const struct xpc_linux_surface_layout *layout,
                                             const struct xpc_linux_planes *planes) {
    int why = layout && planes ? xl_surface_check(fd, layout, planes) : EINVAL;
    if (why) {
        errno = why;
        return NULL;
    }
    struct xl_carrier *surface = xl_carrier_consume(XPC_TYPE_LINUX_SURFACE, xl_fd_dup(fd));
    if (!surface) return NULL;
    surface->layout = *layout;
    surface->planes.modifier = planes->modifier;
    surface->planes.count = planes->count;
    for (uint32_t i = 0; i < planes->count; i++) surface->planes.planes[i] = planes->planes[i];
    return surface;
}

xpc_object_t xpc_linux_surface_create(int fd, const struct xpc_linux_surface_layout *layout) {
    struct xpc_linux_planes planes;
    if (layout) planes = xl_surface_one_plane(layout);
    return xpc_linux_surface_create_planar(fd, layout, layout ? &planes : NULL);
}

bool xpc_linux_surface_get_layout(xpc_object_t surface, struct xpc_linux_surface_layout *layout) {
    const struct xl_carrier *carrier = xl_as(surface, XPC_TYPE_LINUX_SURFACE);
    if (carrier) *layout = carrier->layout;
    return carrier != NULL;
}

bool xpc_linux_surface_get_planes(xpc_object_t surface, struct xpc_linux_planes *planes) {
    const struct xl_carrier *carrier = xl_as(surface, XPC_TYPE_LINUX_SURFACE);
    if (carrier) *planes = carrier->planes;
    return carrier != NULL;
}

int xpc_linux_surface_dup_fd(xpc_object_t surface) {
    const struct xl_carrier *carrier = xl_as(surface, XPC_TYPE_LINUX_SURFACE);
    if (carrier) return xl_fd_dup(carrier->fd);
    errno = EINVAL;
    return -1;
}
