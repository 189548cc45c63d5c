/*
 * picture.h - a surface with mapped pixels, for which <xpc/xpc.h> has no functions.
 *
 * This is for Linux, by <xpc/linux.h>: a sealed memory file and its layout. On macOS it would be an
 * IOSurface: created with IOSurfaceCreate and IOSurfaceCreateXPCObject, opened with
 * IOSurfaceLookupFromXPCObject, locked with IOSurfaceLock while its base address is used.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <xpc/linux.h>

struct picture {
    xpc_object_t object; /* for messages; owned */
    uint32_t width, height, bytes_per_row;
    uint8_t *pixels;
    size_t length;
};

enum { RGBA8 = 0x52474241, ROW_ALIGNMENT = 64 };

/* Opens an rgba8 surface of a message, which keeps its own reference. */
static bool picture_open(struct picture *picture, xpc_object_t object) {
    struct xpc_linux_surface_layout layout;
    if (!xpc_linux_surface_get_layout(object, &layout) || layout.pixel_format != RGBA8 ||
        layout.bytes_per_row < (uint64_t)layout.width * 4) return false;
    int file = xpc_linux_surface_dup_fd(object);
    if (file < 0) return false;
    size_t length = (size_t)layout.length;
    void *pixels = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (pixels == MAP_FAILED) return false;
    *picture = (struct picture){xpc_retain(object), layout.width, layout.height, layout.bytes_per_row, pixels, length};
    return true;
}

/* Creates an rgba8 surface. */
static bool picture_make(struct picture *picture, uint32_t width, uint32_t height) {
    uint32_t row = (width * 4 + ROW_ALIGNMENT - 1) / ROW_ALIGNMENT * ROW_ALIGNMENT;
    struct xpc_linux_surface_layout layout = {width, height, row, RGBA8, (uint64_t)row * height};
    int file = memfd_create("peer-picture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return false;
    bool sealed = ftruncate(file, (off_t)layout.length) == 0 &&
                  fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
    xpc_object_t object = sealed ? xpc_linux_surface_create(file, &layout) : NULL;
    close(file);
    bool opened = object && picture_open(picture, object);
    if (object) xpc_release(object);
    return opened;
}

static void picture_free(struct picture *picture) {
    munmap(picture->pixels, picture->length);
    xpc_release(picture->object);
}
