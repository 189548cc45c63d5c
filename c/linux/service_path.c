/*
 * service_path.c - the path of a named service's socket.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xpc/linux.h>

#include "service.h"
#include "sha256.h"

enum { PATH_BYTES_MAX = 103 }; /* macOS's limit, so that one rule holds on both systems */

bool xl_user_runtime(const char *users, char out[XL_USER_RUNTIME_BYTES]) {
    struct stat status;
    snprintf(out, XL_USER_RUNTIME_BYTES, "%.40s/%u", users, (unsigned)geteuid());
    return lstat(out, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 077) == 0;
}

/*
 * The first place that is there decides: a variable that is set and not empty, or the directory
 * that a systemd login makes, for programs that have not inherited its variable (cron, ssh, su).
 */
static int find_directory(struct xl_service_path *path, char out[4096]) {
    static const struct {
        const char *variable, *below;
    } places[] = {
        {"STREAMLIB_HOME", "/run"}, {"XDG_RUNTIME_DIR", "/streamlib"}, {NULL, "/streamlib"}, {"HOME", "/.streamlib/run"}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char own[XL_USER_RUNTIME_BYTES];
        const char *base = places[i].variable ? getenv(places[i].variable) : NULL;
        if (!places[i].variable && xl_user_runtime("/run/user", own)) base = own;
        if (!base || !*base) continue;
        path->variable = places[i].variable;
        path->base = i == 0 ? 0 : strlen(base);
        if (base[0] != '/') {
            errno = EINVAL;
            return -1;
        }
        int length = snprintf(out, 4096, "%s%s", base, places[i].below);
        if (length > 0 && length < 4096) return 0;
        errno = ENAMETOOLONG;
        return -1;
    }
    errno = ENOENT;
    return -1;
}

/* Writes "<directory>/<leaf>.xpc". Fails if that is too long. */
static bool join(struct xl_service_path *path, const char *directory, const char *leaf) {
    size_t before = strlen(directory), name = strlen(leaf);
    if (before + 1 + name + strlen(".xpc") > PATH_BYTES_MAX) return false;
    memcpy(path->text, directory, before);
    path->text[before] = '/';
    memcpy(path->text + before + 1, leaf, name);
    strcpy(path->text + before + 1 + name, ".xpc");
    path->directory = before;
    return true;
}

int xl_service_locate(const char *service, struct xl_service_path *path) {
    char directory[4096], leaf[17];
    uint8_t digest[32];
    path->variable = NULL;
    path->base = 0;
    if (!service || !*service || *service == '.' || strchr(service, '/')) {
        errno = EINVAL;
        return -1;
    }
    if (find_directory(path, directory) != 0) return -1;
    if (join(path, directory, service)) return 0;
    xl_sha256(service, strlen(service), digest);
    for (int i = 0; i < 8; i++) snprintf(leaf + 2 * i, 3, "%02x", digest[i]);
    if (join(path, directory, leaf)) return 0;
    errno = ENAMETOOLONG;
    return -1;
}

int xpc_linux_service_path(const char *service, char *out, size_t cap) {
    struct xl_service_path path;
    if (xl_service_locate(service, &path) != 0) return -1;
    if (strlen(path.text) >= cap) {
        errno = ERANGE;
        return -1;
    }
    strcpy(out, path.text);
    return 0;
}
