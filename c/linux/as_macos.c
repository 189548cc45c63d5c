/*
 * as_macos.c - see as_macos.h.
 */
#include "as_macos.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xpc/linux.h>

static bool chosen;

static void choose(void) {
    const char *value = getenv("STREAMLIB_LIBXPC");
    chosen = value && strcmp(value, "macos") == 0;
}

bool xl_as_macos(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, choose);
    return chosen;
}

bool xpc_linux_is_as_macos(void) { return xl_as_macos(); }
