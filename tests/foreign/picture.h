/*
 * picture.h - a surface with its pixels mapped: what <xpc/xpc.h> has no calls for.
 *
 * This is the Linux way, <xpc/linux.h>: a sealed memory file and its layout. On macOS it is an
 * IOSurface: IOSurfaceCreate and IOSurfaceCreateXPCObject to make one, IOSurfaceLookupFromXPCObject
 * to open one, and IOSurfaceLock around each look at IOSurfaceGetBaseAddress.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <xpc/linux.h>

struct picture {
    xpc_object_t object; /* as a message carries it; owned */
    uint32_t width, height, bytes_per_row;
    uint8_t *pixels;
    size_t length;
};

enum { RGBA8 = 0x52474241, ROW_ALIGNMENT = 64 };

/* Opens a surface of rgba8 that came in a message, which keeps its own reference. */
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

/* Makes one of rgba8. */
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
