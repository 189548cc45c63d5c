/* iosurface_api.c: see iosurface_api.h. */
#include "iosurface_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "object.h"

static const struct {
    enum framework framework;
    const char *name;
    size_t offset;
} parts[] = {
#define PART_FUNCTION(framework, result, name, parameters) {framework, #name, offsetof(struct iosurface_api, name)},
#define PART_VARIABLE(framework, type, name) {framework, #name, offsetof(struct iosurface_api, name)},
    IOSURFACE_API(PART_FUNCTION, PART_VARIABLE)
};

const char *iosurface_api_fill(struct iosurface_api *api, iosurface_find_f find) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        void *found = find(parts[i].framework, parts[i].name);
        if (!found) return parts[i].name;
        memcpy((char *)api + parts[i].offset, &found, sizeof found);
    }
    return NULL;
}

__attribute__((weak)) const char *iosurface_framework_path(enum framework framework) {
    switch (framework) {
    case IO_SURFACE: return "/System/Library/Frameworks/IOSurface.framework/IOSurface";
    case CORE_FOUNDATION: return "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation";
    case OBJECTIVE_C: break;
    }
    return "/usr/lib/libobjc.A.dylib";
}

/* dlopen only counts a framework that is loaded already; none is ever unloaded. */
static void *find(enum framework framework, const char *name) {
    void *library = dlopen(iosurface_framework_path(framework), RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, name) : NULL;
}

static struct iosurface_api loaded;
static char problem[SLB_MAX_TEXT_BYTES]; /* why it could not be loaded; empty if it was */

static void load(void) {
    const char *missing = iosurface_api_fill(&loaded, find);
    if (!missing) return;
    const char *why = dlerror();
    snprintf(problem, sizeof problem, "Cannot use IOSurface: %s was not found: %s", missing, why ? why : "no reason given");
}

const struct iosurface_api *iosurface_api(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (!problem[0]) return &loaded;
    fail(SLB_E_SYSTEM, "%s", problem);
    return NULL;
}
