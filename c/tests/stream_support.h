/*
 * stream_support.h - shared by the tests of listening stream sockets: a directory, and what is in it.
 */
#ifndef STREAM_SUPPORT_H
#define STREAM_SUPPORT_H

#include <sys/stat.h>

#include "bridge_support.h"
#include "program.h"

static char home[56];
static char path[80];

static inline bool exists(const char *name) {
    struct stat found;
    return lstat(name, &found) == 0;
}

static inline unsigned mode_of(const char *name) {
    struct stat found;
    CHECK(lstat(name, &found) == 0);
    return found.st_mode & 0777;
}

static inline const char *beside(const char *suffix) {
    static char name[128];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return name;
}

static inline slb_handle listen_at(struct inbox *inbox, const char *at) {
    return slb_stream_listen(inbox->queue, (const uint8_t *)at, (uint32_t)strlen(at));
}

static inline void refused_at(struct inbox *inbox, const char *at, int32_t code, const char *words) {
    uint8_t text[SLB_MAX_TEXT_BYTES + 1] = "";
    CHECK(listen_at(inbox, at) == 0);
    CHECK(slb_error_code() == code);
    slb_error_copy(text, SLB_MAX_TEXT_BYTES);
    CHECK(strstr((const char *)text, words) != NULL);
}

#endif
