/*
 * scratch.c: a file in a private directory for temporary files, for a child that
 * reads it, and may replace it, by its path.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "object.h"
#include "platform.h"

#define DIRECTORY "streamlib-XXXXXX"
#define FILE_NAME "/deno.lock"

static bool write_all(int file, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(file, bytes, length);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

uint32_t slb_scratch_create(const uint8_t *bytes, uint32_t length, uint8_t *path, uint32_t capacity) {
    char name[SLB_MAX_TEXT_BYTES];
    const char *temporary = getenv("TMPDIR");
    if (!temporary || *temporary != '/') temporary = "/tmp";
    int size = snprintf(name, sizeof name, "%s/" DIRECTORY FILE_NAME, temporary);
    if (size < 0 || (size_t)size >= sizeof name || (uint32_t)size > capacity) {
        fail(SLB_E_BUFFER, "Cannot make a file in %.256s: its path is too long; set TMPDIR to a shorter one", temporary);
        return 0;
    }
    char *end = name + size - strlen(FILE_NAME);
    *end = 0;
    if (!mkdtemp(name)) {
        fail(SLB_E_SYSTEM, "Cannot make a directory in %.256s: %s; set TMPDIR to a directory for temporary files", temporary, platform_cause(errno));
        return 0;
    }
    bool written = chmod(name, 0700) == 0; /* whatever the umask: the child opens it by its path */
    *end = '/';
    int file = written ? open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
    written = file >= 0 && fchmod(file, 0600) == 0 && platform_file_allowed(length) && write_all(file, bytes, length);
    int why = errno;
    if (file >= 0 && close(file) != 0 && written) {
        written = false;
        why = errno;
    }
    memcpy(path, name, (size_t)size);
    if (written) return (uint32_t)size;
    slb_scratch_remove(path, (uint32_t)size);
    fail(SLB_E_SYSTEM, "Cannot write %s: %s", name, platform_cause(why));
    return 0;
}

int32_t slb_scratch_remove(const uint8_t *path, uint32_t length) {
    char name[SLB_MAX_TEXT_BYTES];
    size_t tail = strlen("/" DIRECTORY FILE_NAME), prefix = strlen("/streamlib-");
    bool ours = length < sizeof name && length > tail && memcmp(path + length - tail, "/streamlib-", prefix) == 0 &&
                memcmp(path + length - strlen(FILE_NAME), FILE_NAME, strlen(FILE_NAME)) == 0;
    if (!ours) return fail(SLB_E_ARGUMENT, "Cannot remove a file that slb_scratch_create has not made");
    memcpy(name, path, length);
    name[length] = 0;
    unlink(name);
    name[length - strlen(FILE_NAME)] = 0;
    return rmdir(name) == 0 ? 0 : fail(SLB_E_SYSTEM, "Cannot remove %s: %s", name, platform_cause(errno));
}
