/*
 * iosurface_double.c - IOSurface.framework over memory files; core_foundation_double.c is in
 * the same shared object. See iosurface_double.h. For one thread at a time.
 *
 * The first page of a surface's file is its geometry, then come the pixels. They can be touched
 * only while they are locked, and written only if not locked just for reading. A surface's XPC
 * object is one of c/linux, of a type of its own like Apple's.
 */
#include "core_foundation_double.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xpc/linux.h>

enum { ROW_ALIGNMENT = 64, PLANE_ALIGNMENT = 256, PAGE = 4096, RETURN_ERROR = (int)0xe00002bc };
#define MAGIC 0x65636166727553ull

#define STRING_CONSTANT(name)                                                                                  \
    static const struct __CFString name##_string = {{.kind = STRING}};                                         \
    const CFStringRef name = &name##_string;
STRING_CONSTANT(kIOSurfaceWidth)
STRING_CONSTANT(kIOSurfaceHeight)
STRING_CONSTANT(kIOSurfaceBytesPerElement)
STRING_CONSTANT(kIOSurfaceBytesPerRow)
STRING_CONSTANT(kIOSurfaceAllocSize)
STRING_CONSTANT(kIOSurfacePixelFormat)
STRING_CONSTANT(kIOSurfaceOffset)
STRING_CONSTANT(kIOSurfaceIsGlobal)
STRING_CONSTANT(kIOSurfacePlaneInfo)
STRING_CONSTANT(kIOSurfacePlaneWidth)
STRING_CONSTANT(kIOSurfacePlaneHeight)
STRING_CONSTANT(kIOSurfacePlaneBytesPerElement)
STRING_CONSTANT(kIOSurfacePlaneBytesPerRow)
STRING_CONSTANT(kIOSurfacePlaneOffset)
STRING_CONSTANT(kIOSurfacePlaneSize)

/* ---- uses of a surface, by process and in all -------------------------------------------- */

static struct uses {
    struct uses *next;
    uint32_t id;
    int count; /* of this process */
} *all_uses;

static int *uses_of(uint32_t id) {
    struct uses *uses = all_uses;
    while (uses && uses->id != id) uses = uses->next;
    if (!uses) {
        uses = calloc(1, sizeof *uses);
        if (!uses) abort();
        *uses = (struct uses){.next = all_uses, .id = id};
        all_uses = uses;
    }
    return &uses->count;
}

__attribute__((destructor)) static void forget_uses(void) {
    while (all_uses) {
        struct uses *uses = all_uses;
        all_uses = uses->next;
        free(uses);
    }
}

static int refs_of(uint32_t id) {
    int count = 0;
    for (struct object *object = objects; object; object = object->next)
        count += object->references && object->kind == SURFACE && ((IOSurfaceRef)object)->geometry->id == id;
    return count;
}

/* Descriptors of the surface's file in this process: one for each ref and for each XPC object. */
static int files_of(uint32_t id) {
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    struct stat status;
    /* fstatat by name, because another thread may close any of these descriptors meanwhile. */
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        count += fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && (uint32_t)status.st_ino == id;
    if (directory) closedir(directory);
    return count;
}

/* ---- surfaces ---------------------------------------------------------------------------- */

static size_t round_up(size_t value, size_t to) { return (value + to - 1) / to * to; }

static void protect(IOSurfaceRef surface) {
    int access = surface->locks[0] ? PROT_READ | PROT_WRITE : surface->locks[1] ? PROT_READ : PROT_NONE;
    if (mprotect(surface->pixels, surface->length, access)) abort();
}

/* Takes ownership of the file. NULL: it is not a surface of this double. */
static IOSurfaceRef surface_open(int file) {
    struct stat status;
    if (fstat(file, &status) || status.st_size <= PAGE) {
        close(file);
        return NULL;
    }
    size_t length = (size_t)status.st_size - PAGE;
    struct iosurface_geometry *geometry = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    uint8_t *pixels = mmap(NULL, length, PROT_NONE, MAP_SHARED, file, PAGE);
    if (geometry == MAP_FAILED || pixels == MAP_FAILED) abort();
    if (geometry->magic != MAGIC) {
        munmap(geometry, PAGE);
        munmap(pixels, length);
        close(file);
        return NULL;
    }
    IOSurfaceRef surface = make(SURFACE, sizeof *surface);
    surface->file = file;
    surface->geometry = geometry;
    surface->pixels = pixels;
    surface->length = length;
    return surface;
}

void surface_end(IOSurfaceRef surface) {
    if (surface->locks[0] || surface->locks[1]) violation("CFRelease: of a surface that is locked");
    uint32_t id = surface->geometry->id;
    if (refs_of(id) == 1 && *uses_of(id)) violation("CFRelease: of a surface that this process still uses");
    munmap(surface->geometry, PAGE);
    munmap(surface->pixels, surface->length);
    close(surface->file);
}

static bool number_for(const struct __CFDictionary *properties, CFStringRef key, size_t *number) {
    for (long i = 0; i < properties->count; i++) {
        if (properties->keys[i] != key) continue;
        *number = (uint32_t)((CFNumberRef)properties->values[i])->value;
        return true;
    }
    return false;
}

size_t IOSurfaceAlignProperty(CFStringRef property, size_t value) {
    bool row = property == kIOSurfaceBytesPerRow || property == kIOSurfacePlaneBytesPerRow;
    bool plane = property == kIOSurfacePlaneOffset || property == kIOSurfacePlaneSize;
    return round_up(value, row ? ROW_ALIGNMENT : plane ? PLANE_ALIGNMENT : property == kIOSurfaceAllocSize ? PAGE : 1);
}

static const struct __CFArray *planes_of(const struct __CFDictionary *properties) {
    for (long i = 0; i < properties->count; i++) {
        if (properties->keys[i] == kIOSurfacePlaneInfo) return valid(properties->values[i], ARRAY, "kIOSurfacePlaneInfo");
    }
    return NULL;
}

/*
 * Lays out the planes. Rows are longer than requested, and the first plane begins after a header, as in
 * CoreVideo's surfaces: a caller that computes either gets wrong pixels. False: not a plane.
 */
static bool planes_made(struct iosurface_geometry *made, const struct __CFArray *planes) {
    size_t end = 0;
    made->planes = (size_t)planes->count;
    made->alloc_size = ROW_ALIGNMENT;
    for (long i = 0; i < planes->count && i < SLB_MAX_PLANES; i++) {
        const struct __CFDictionary *properties = valid(planes->values[i], DICTIONARY, "kIOSurfacePlaneInfo");
        struct iosurface_plane *plane = &made->plane[i];
        size_t row = 0, offset = 0, size = 0;
        if (!properties || !number_for(properties, kIOSurfacePlaneWidth, &plane->width) ||
            !number_for(properties, kIOSurfacePlaneHeight, &plane->height) ||
            !number_for(properties, kIOSurfacePlaneBytesPerElement, &plane->element_bytes) ||
            !number_for(properties, kIOSurfacePlaneBytesPerRow, &row) ||
            !number_for(properties, kIOSurfacePlaneOffset, &offset) ||
            !number_for(properties, kIOSurfacePlaneSize, &size) || row < plane->width * plane->element_bytes) return false;
        if (row % ROW_ALIGNMENT) violation("IOSurfaceCreate: rows of %zu bytes are not aligned", row);
        if (offset % PLANE_ALIGNMENT || size % PLANE_ALIGNMENT) violation("IOSurfaceCreate: a plane is not aligned");
        if (offset < end || size < row * plane->height) violation("IOSurfaceCreate: planes overlap");
        end = offset + size;
        plane->element_width = plane->element_height = 1;
        plane->bytes_per_row = row + ROW_ALIGNMENT;
        plane->offset = (ptrdiff_t)made->alloc_size;
        made->alloc_size = round_up(made->alloc_size + plane->bytes_per_row * plane->height, PLANE_ALIGNMENT);
    }
    made->alloc_size = round_up(made->alloc_size, PAGE);
    return true;
}

IOSurfaceRef IOSurfaceCreate(CFDictionaryRef properties) {
    autorelease(__func__);
    if (!valid(properties, DICTIONARY, __func__) || fails(__func__)) return NULL;
    struct iosurface_geometry made = {.magic = MAGIC, .element_bytes = 1, .element_width = 1, .element_height = 1};
    size_t format = 0, row = 0, bytes = 0, global;
    number_for(properties, kIOSurfaceBytesPerElement, &made.element_bytes);
    number_for(properties, kIOSurfacePixelFormat, &format);
    if (number_for(properties, kIOSurfaceIsGlobal, &global)) violation("%s: global surfaces are insecure", __func__);
    if (!number_for(properties, kIOSurfaceWidth, &made.width) ||
        !number_for(properties, kIOSurfaceHeight, &made.height) || !made.width || !made.height) return NULL;
    const struct __CFArray *planes = planes_of(properties);
    if (!number_for(properties, kIOSurfaceBytesPerRow, &row)) row = round_up(made.width * made.element_bytes, ROW_ALIGNMENT);
    if (row % ROW_ALIGNMENT) violation("%s: rows of %zu bytes are not aligned", __func__, row);
    if (row < made.width * made.element_bytes) return NULL;
    if (!planes && number_for(properties, kIOSurfaceAllocSize, &bytes) && bytes < row * made.height) return NULL;
    made.pixel_format = (uint32_t)format;
    made.bytes_per_row = row + ROW_ALIGNMENT; /* longer than requested: a caller that computes it gets wrong pixels */
    made.alloc_size = round_up(made.bytes_per_row * made.height, PAGE);
    if (planes && !planes_made(&made, planes)) return NULL;
    int file = memfd_create("iosurface-double", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat status;
    if (file < 0 || ftruncate(file, (off_t)(PAGE + made.alloc_size)) || fstat(file, &status) ||
        fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK)) abort();
    made.id = (uint32_t)status.st_ino; /* the same in every process */
    if (pwrite(file, &made, sizeof made, 0) != sizeof made) abort();
    return surface_open(file);
}

CFTypeRef IOSurfaceCopyValue(IOSurfaceRef surface, CFStringRef key) {
    autorelease(__func__);
    if (!valid(surface, SURFACE, __func__) || key != kIOSurfaceOffset || !surface->geometry->offset) return NULL;
    struct __CFNumber *number = make(NUMBER, sizeof *number);
    number->value = (int64_t)surface->geometry->offset;
    return number;
}

xpc_object_t IOSurfaceCreateXPCObject(IOSurfaceRef surface) {
    autorelease(__func__);
    if (!valid(surface, SURFACE, __func__) || fails(__func__)) return NULL;
    struct xpc_linux_surface_layout opaque = {.width = 1, .height = 1, .bytes_per_row = 1, .length = PAGE};
    return xpc_linux_surface_create(surface->file, &opaque);
}

IOSurfaceRef IOSurfaceLookupFromXPCObject(xpc_object_t object) {
    autorelease(__func__);
    if (xpc_get_type(object) != XPC_TYPE_LINUX_SURFACE) {
        violation("%s: of an object that no surface made", __func__);
        return NULL;
    }
    return fails(__func__) ? NULL : surface_open(xpc_linux_surface_dup_fd(object));
}

static int lock_call_count;

static int lock_calls(void) { return lock_call_count; }

static int change_lock(IOSurfaceRef surface, uint32_t options, uint32_t *seed, int by, const char *function) {
    lock_call_count++;
    autorelease(function);
    if (!valid(surface, SURFACE, function)) return RETURN_ERROR;
    if (options & ~SLB_IOSURFACE_LOCK_READ_ONLY) violation("%s: options 0x%x", function, options);
    int *locks = &surface->locks[options & SLB_IOSURFACE_LOCK_READ_ONLY];
    if (by < 0 && *locks == 0) {
        violation("%s: of a surface that is not locked%s", function,
                  surface->locks[0] || surface->locks[1] ? " with these options" : "");
        return RETURN_ERROR;
    }
    bool failed = fails(function); /* an unlock that reports a failure has released the lock nevertheless */
    if (failed && by > 0) return RETURN_ERROR;
    *locks += by;
    if (by < 0 && locks == surface->locks) surface->geometry->seed++;
    if (seed) *seed = surface->geometry->seed;
    protect(surface);
    return failed ? RETURN_ERROR : 0;
}

int IOSurfaceLock(IOSurfaceRef surface, uint32_t options, uint32_t *seed) {
    return change_lock(surface, options, seed, 1, __func__);
}

int IOSurfaceUnlock(IOSurfaceRef surface, uint32_t options, uint32_t *seed) {
    return change_lock(surface, options, seed, -1, __func__);
}

void *IOSurfaceGetBaseAddress(IOSurfaceRef surface) {
    if (!valid(surface, SURFACE, __func__) || fails(__func__)) return NULL;
    if (!surface->locks[0] && !surface->locks[1]) violation("%s: of a surface that is not locked", __func__);
    return surface->pixels + surface->geometry->offset;
}

#define GETTER(result, name, member)                                                                           \
    result name(IOSurfaceRef surface) { return valid(surface, SURFACE, #name) ? surface->geometry->member : 0; }
GETTER(uint32_t, IOSurfaceGetID, id)
GETTER(size_t, IOSurfaceGetWidth, width)
GETTER(size_t, IOSurfaceGetHeight, height)
GETTER(size_t, IOSurfaceGetBytesPerElement, element_bytes)
GETTER(size_t, IOSurfaceGetElementWidth, element_width)
GETTER(size_t, IOSurfaceGetElementHeight, element_height)
GETTER(size_t, IOSurfaceGetPlaneCount, planes)
GETTER(size_t, IOSurfaceGetBytesPerRow, bytes_per_row)
GETTER(size_t, IOSurfaceGetAllocSize, alloc_size)
GETTER(uint32_t, IOSurfaceGetPixelFormat, pixel_format)
GETTER(uint32_t, IOSurfaceGetSeed, seed)

#define PLANE_GETTER(name, member)                                                                             \
    size_t name(IOSurfaceRef surface, size_t plane) {                                                          \
        bool there = valid(surface, SURFACE, #name) && plane < surface->geometry->planes;                      \
        if (!there) violation("%s: of plane %zu, which is not there", #name, plane);                           \
        return there ? surface->geometry->plane[plane % SLB_MAX_PLANES].member : 0;                            \
    }
PLANE_GETTER(IOSurfaceGetWidthOfPlane, width)
PLANE_GETTER(IOSurfaceGetHeightOfPlane, height)
PLANE_GETTER(IOSurfaceGetBytesPerElementOfPlane, element_bytes)
PLANE_GETTER(IOSurfaceGetElementWidthOfPlane, element_width)
PLANE_GETTER(IOSurfaceGetElementHeightOfPlane, element_height)
PLANE_GETTER(IOSurfaceGetBytesPerRowOfPlane, bytes_per_row)

void *IOSurfaceGetBaseAddressOfPlane(IOSurfaceRef surface, size_t plane) {
    if (!valid(surface, SURFACE, __func__)) return NULL;
    if (!surface->locks[0] && !surface->locks[1]) violation("%s: of a surface that is not locked", __func__);
    if (plane >= surface->geometry->planes) violation("%s: of plane %zu, which is not there", __func__, plane);
    return surface->pixels + surface->geometry->offset + surface->geometry->plane[plane % SLB_MAX_PLANES].offset;
}

void IOSurfaceIncrementUseCount(IOSurfaceRef surface) {
    if (!valid(surface, SURFACE, __func__)) return;
    if (surface->geometry->prohibits_uses) violation("%s: of a surface that prohibits it", __func__);
    if ((*uses_of(surface->geometry->id))++ == 0) surface->geometry->users++;
}

void IOSurfaceDecrementUseCount(IOSurfaceRef surface) {
    if (!valid(surface, SURFACE, __func__)) return;
    int *uses = uses_of(surface->geometry->id);
    if (*uses == 0) violation("%s: this process does not use it", __func__);
    else if (--*uses == 0) surface->geometry->users--;
}

int32_t IOSurfaceGetUseCount(IOSurfaceRef surface) {
    return valid(surface, SURFACE, __func__) ? *uses_of(surface->geometry->id) : 0;
}

unsigned char IOSurfaceIsInUse(IOSurfaceRef surface) {
    if (!valid(surface, SURFACE, __func__)) return 0;
    uint32_t id = surface->geometry->id;
    return surface->geometry->users > 0 || files_of(id) > refs_of(id);
}

/* ---- what a test asks --------------------------------------------------------------------- */

static IOSurfaceRef surface_of(uint32_t id) {
    for (struct object *object = objects; object; object = object->next) {
        IOSurfaceRef surface = (IOSurfaceRef)object;
        if (object->kind == SURFACE && object->references && surface->geometry->id == id) return surface;
    }
    return NULL;
}

static struct iosurface_geometry *geometry(uint32_t id) { return surface_of(id)->geometry; }

static void move(uint32_t id) {
    IOSurfaceRef surface = surface_of(id);
    uint8_t *elsewhere = mmap(NULL, surface->length, PROT_NONE, MAP_SHARED, surface->file, PAGE);
    if (elsewhere == MAP_FAILED) abort();
    munmap(surface->pixels, surface->length);
    surface->pixels = elsewhere;
    protect(surface);
}

const struct iosurface_double iosurface_double = {
    .take_violation = take_violation,
    .live = live,
    .forget = forget,
    .fail_next = fail_next,
    .geometry = geometry,
    .move = move,
    .lock_calls = lock_calls,
};
