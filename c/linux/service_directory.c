/*
 * service_directory.c - see service_directory.h.
 */
#include "service_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Creates the directory and its missing parents, for this user only. */
static void make_directories(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    mkdir(path, 0700);
}

static const char *unfit(const char *path, const struct stat *status) {
    if (status->st_uid != geteuid()) return "it belongs to another user";
    if (!(status->st_mode & 077)) return NULL;
    /* Never the advice to close a directory of the system, such as /run where STREAMLIB_HOME is "/". */
    bool shared = strchr(path + 1, '/') == NULL || (status->st_mode & S_ISVTX);
    return shared ? "others have access to it, as this system needs it; set STREAMLIB_HOME to a directory of your own"
                  : "others have access to it (chmod 700 it)";
}

/*
 * The text for an XDG_RUNTIME_DIR that `path` is in and that belongs to another user, as after su,
 * sudo -u and sudo -E. Returns whether it does.
 */
static bool explain_foreign(const char *path, char reason[XL_REASON_BYTES]) {
    const char *base = getenv("XDG_RUNTIME_DIR"), *home = getenv("STREAMLIB_HOME");
    struct stat status;
    if ((home && *home) || !base || !*base || strncmp(path, base, strlen(base)) != 0) return false;
    if (stat(base, &status) != 0 || status.st_uid == geteuid()) return false;
    snprintf(reason, XL_REASON_BYTES,
             "cannot use the directory %s: XDG_RUNTIME_DIR is of another login: it belongs to user %u, this is user %u; "
             "unset it, or log in as this user",
             path, (unsigned)status.st_uid, (unsigned)geteuid());
    return true;
}

int xl_directory_open(const struct xl_service_path *path, bool create, char reason[XL_REASON_BYTES]) {
    char text[sizeof path->text];
    struct stat status;
    memcpy(text, path->text, path->directory);
    text[path->directory] = '\0';
    /* Root could make a directory there, which would lock the other user out. */
    if (create && lstat(text, &status) != 0 && explain_foreign(text, reason)) {
        errno = EPERM;
        return -1;
    }
    if (create) make_directories(text);
    int fd = open(text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        int why = errno;
        const char *says = why == ELOOP || why == ENOTDIR ? "it is a link or no directory" : strerror(why);
        if (!explain_foreign(text, reason)) {
            snprintf(reason, XL_REASON_BYTES, "cannot use the directory %s: %s", text, says);
        }
        errno = why;
        return -1;
    }
    const char *why = fstat(fd, &status) == 0 ? unfit(text, &status) : strerror(errno);
    if (!why) return fd;
    if (!explain_foreign(text, reason)) snprintf(reason, XL_REASON_BYTES, "cannot use the directory %s: %s", text, why);
    close(fd);
    errno = EPERM;
    return -1;
}

struct xl_lock_name xl_lock_name(const char *file) {
    struct xl_lock_name name;
    snprintf(name.text, sizeof name.text, "%.104s.lock", file);
    return name;
}

static bool is_file_at(int fd, int directory, const char *name) {
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

/* Reads a lock file, "<pid>\n<service>\n". */
static void read_lock(int fd, char out[512]) {
    ssize_t length = pread(fd, out, 511, 0);
    out[length > 0 ? length : 0] = '\0';
}

int xl_lock_take(int directory, const char *name, bool create, pid_t *holder) {
    *holder = 0;
    for (int attempts = 0; attempts < 100; attempts++) {
        int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (create ? O_CREAT : 0);
        int fd = openat(directory, name, flags, 0600);
        if (fd < 0) return -1;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            /* The last holder may have removed the file between our open and our flock. */
            if (is_file_at(fd, directory, name)) return fd;
        } else if (errno != EINTR) {
            int why = errno;
            char text[512];
            read_lock(fd, text);
            *holder = (pid_t)strtol(text, NULL, 10);
            close(fd);
            errno = why;
            return -1;
        }
        close(fd);
    }
    errno = EWOULDBLOCK;
    return -1;
}

/*
 * The content of the lock file has the service's name; the file name may be a hash. It is read
 * before locking, so that another service that is starting does not find its lock taken.
 */
static void sweep_one(int directory, const char *lock_name) {
    char text[512] = "", file[112];
    pid_t holder;
    int fd = openat(directory, lock_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    read_lock(fd, text);
    close(fd);
    int lock = strstr(text, ".embedded-") ? xl_lock_take(directory, lock_name, false, &holder) : -1;
    if (lock < 0) return;
    snprintf(file, sizeof file, "%.*s", (int)(strlen(lock_name) - strlen(".lock")), lock_name);
    unlinkat(directory, file, 0);
    unlinkat(directory, lock_name, 0);
    close(lock);
}

void xl_directory_sweep(int directory, const char *except) {
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    if (!entries) {
        if (copy >= 0) close(copy);
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(entries))) {
        const char *end = strstr(entry->d_name, ".xpc.lock");
        if (end && !strcmp(end, ".xpc.lock") && strlen(entry->d_name) < 112 && strcmp(entry->d_name, except) != 0) {
            sweep_one(directory, entry->d_name);
        }
    }
    closedir(entries);
}
