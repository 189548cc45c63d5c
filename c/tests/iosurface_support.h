/*
 * iosurface_support.h: replaces the framework by its double, for one test program.
 */
#ifndef IOSURFACE_SUPPORT_H
#define IOSURFACE_SUPPORT_H

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <xpc/linux.h>

#include "bridge_support.h"
#include "iosurface_double.h"
#include "program.h"

static const char *library; /* NULL: there is none */

const char *iosurface_framework_path(enum framework framework) {
    (void)framework;
    return library ? library : "/nowhere/IOSurface";
}

static inline void *find_part(enum framework framework, const char *name) {
    return dlsym(dlopen(iosurface_framework_path(framework), RTLD_NOW | RTLD_LOCAL), name);
}

/* The double is in the folder of this program. */
static inline void find_double(void) {
    static char path[4096 + 64];
    strcpy(path, own_path());
    strcpy(strrchr(path, '/'), "/iosurface_double.so");
    library = path;
}

static inline const struct iosurface_double *control(void) { return find_part(IO_SURFACE, "iosurface_double"); }

static inline void *extra(const char *name) { return find_part(IO_SURFACE, name); }
static inline bool in_use(IOSurfaceRef ref) { return ((unsigned char (*)(IOSurfaceRef))extra("IOSurfaceIsInUse"))(ref) != 0; }
static inline int uses(IOSurfaceRef ref) { return ((int (*)(IOSurfaceRef))extra("IOSurfaceGetUseCount"))(ref); }

/* A false value of a surface's data: where it is, and the value. */
#define LIE(member, is) {offsetof(struct iosurface_geometry, member), (is)}

/* Checks that the oldest violation is of this rule. */
#define CHECK_BROKEN(rule) CHECK_TEXT(control()->take_violation(), rule)

static inline void check_rules_kept(void) {
    check_nothing_left();
    for (const char *broken; (broken = control()->take_violation());) {
        fprintf(stderr, "broken: %s\n", broken);
        CHECK(false && "a rule of the framework");
    }
    CHECK(control()->live() == 0);
    control()->forget();
}

/* A surface of c/linux that the double did not make: like a Mach right to another kind of object on macOS. */
static inline xpc_object_t impostor(void) {
    int file = memfd_create("impostor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(ftruncate(file, 8192) == 0 && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    struct xpc_linux_surface_layout layout = {.width = 1, .height = 1, .bytes_per_row = 4, .length = 8192};
    xpc_object_t object = xpc_linux_surface_create(file, &layout);
    close(file);
    return object;
}

#endif
