/* private_socket.c: see private_socket.h. It uses POSIX only, and is the same on both systems. */
#include "private_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bootstrap/close_if_open.h"
#include "bootstrap/held.h"
#include "object.h"
#include "platform.h"

#define LOCK_ATTEMPTS 10
#define LOCK_NAME_BYTES (PRIVATE_SOCKET_PATH_BYTES + sizeof ".lock")

int private_socket_set_flags(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 ? fcntl(descriptor, F_SETFD, FD_CLOEXEC) : -1;
}

/* ---- the directory ---- */

/* Makes a directory for this user only, whatever the umask, unless one is there. 0, or -1 with errno. */
static int make_directory(const char *path) {
    struct stat found;
    if (mkdir(path, 0700) != 0) {
        int why = errno;
        if (why == EEXIST || stat(path, &found) == 0) return 0; /* a file in its place is told when it is opened */
        errno = why;
        return -1;
    }
    if (lstat(path, &found) == 0 && (found.st_mode & 0777) == 0700) return 0;
    return fchmodat(AT_FDCWD, path, 0700, AT_SYMLINK_NOFOLLOW);
}

/*
 * Makes the missing directories of the path below its first `base` bytes. On failure -1 with errno,
 * and `path` is cut after the directory that could not be made.
 */
static int make_directories(char *path, size_t base) {
    for (char *slash = strchr(path + base + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (make_directory(path) != 0) return -1;
        *slash = '/';
    }
    return make_directory(path);
}

/* The variable whose directory the path is in; NULL if there is none. `base` is the length of its value. */
static const char *variable_of(const char *path, size_t *base) {
    static const char *const names[] = {"STREAMLIB_HOME", "XDG_RUNTIME_DIR", "HOME"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        *base = value ? strlen(value) : 0;
        if (*base > 1 && strncmp(path, value, *base) == 0 && path[*base] == '/') return names[i];
    }
    *base = 0;
    return NULL;
}

static int32_t cannot_make(const char *path, const char *failed, int why) {
    size_t base;
    const char *variable = variable_of(path, &base);
    char origin[PRIVATE_SOCKET_PATH_BYTES + 64] = "";
    if (variable) snprintf(origin, sizeof origin, "%s is %.*s; ", variable, (int)base, path);
    return fail(why == EACCES || why == ENOENT || why == EROFS ? SLB_E_PERMISSION : SLB_E_SYSTEM,
                "Cannot listen in %s: %s cannot be made or opened: %s; %slet this user write there, or choose a directory of "
                "your own",
                path, failed, platform_cause(why), origin);
}

/*
 * Whether closing the directory harms nobody else: it is not one of the system's. Those of other
 * users were refused before, so the question is only one for root, and for /tmp.
 */
static bool is_own_place(const char *path, const struct stat *found) {
    const char *home = getenv("HOME");
    size_t length = home ? strlen(home) : 0;
    if ((found->st_mode & S_ISVTX) || !strchr(path + 1, '/')) return false;
    return geteuid() != 0 || (length > 1 && strncmp(path, home, length) == 0 && path[length] == '/');
}

static int32_t check_directory(const char *path, const struct stat *found) {
    unsigned mode = (unsigned)found->st_mode & 0777;
    if (found->st_uid != geteuid()) {
        return fail(SLB_E_PERMISSION,
                    "Cannot listen in %s: it belongs to user %u, this process runs as %u; choose a directory of your own",
                    path, (unsigned)found->st_uid, (unsigned)geteuid());
    }
    if (!(mode & 077)) return 0;
    if (!is_own_place(path, found)) {
        return fail(SLB_E_PERMISSION,
                    "Cannot listen in %s: its mode is %o, so other users can reach it; choose a directory of your own, "
                    "with mode 700",
                    path, mode);
    }
    return fail(SLB_E_PERMISSION,
                "Cannot listen in %s: its mode is %o, so other users can reach it; expected 700: chmod 700 '%s'", path, mode,
                path);
}

static int32_t open_directory(const char *path, int *directory) {
    struct stat found;
    size_t base;
    char made[PRIVATE_SOCKET_PATH_BYTES + 1];
    const char *variable = variable_of(path, &base);
    /* What a variable of the system names is not made: as root, it would get a wrong owner. */
    if (!variable || !strcmp(variable, "STREAMLIB_HOME")) base = 0;
    strcpy(made, path);
    if (make_directories(made, base) != 0) return cannot_make(path, made, errno);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR)) {
        return fail(SLB_E_PERMISSION, "Cannot listen in %s: it is a link or a file, expected a directory", path);
    }
    if (fd < 0 || fstat(fd, &found) != 0) {
        int why = errno;
        if (fd >= 0) close(fd);
        return cannot_make(path, path, why);
    }
    int32_t result = check_directory(path, &found);
    if (result < 0) close(fd);
    else *directory = fd;
    return result;
}

/* ---- the lock ---- */

static void lock_name(const char *file, char name[LOCK_NAME_BYTES]) {
    snprintf(name, LOCK_NAME_BYTES, "%s.lock", file);
}

static bool is_file_at(int fd, int directory, const char *name) {
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

static int32_t foreign(const char *path, const char *suffix) {
    return fail(SLB_E_PERMISSION, "Cannot listen: something that no broker made is at %s%s; look at it, then remove it",
                path, suffix);
}

/* Fails because another process holds the lock; its pid is in the file. */
static int32_t in_use(const char *path, int lock) {
    char text[16] = "";
    ssize_t length = pread(lock, text, sizeof text - 1, 0);
    long holder = length > 0 ? strtol(text, NULL, 10) : 0;
    char who[64] = "another broker";
    if (holder > 0) snprintf(who, sizeof who, "another broker, process %ld,", holder);
    return fail(SLB_E_IN_USE,
                "Cannot listen on unix:%s: %s does, and holds %s.lock; use that one, stop it, or choose another address",
                path, who, path);
}

static void write_holder(int lock) {
    char text[16];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* The pid is for people only: if the disk is full, the lock still works. */
    if (ftruncate(lock, 0) != 0 || !platform_file_allowed((uint64_t)length)) return;
    if (pwrite(lock, text, (size_t)length, 0) < 0) return;
}

/* Opens or makes the lock file, with mode 0600 whatever the umask. EEXIST: another process has made it meanwhile. */
static int open_lock(int directory, const char *name) {
    int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(directory, name, flags);
    if (fd >= 0 || errno != ENOENT) return fd;
    fd = openat(directory, name, flags | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) fchmod(fd, 0600);
    return fd;
}

/*
 * Removes a lock file that its own user may not open: a process with a strange umask was killed right
 * after it had made the file, and nobody has locked it.
 */
static bool discard_unusable(int directory, const char *name) {
    struct stat found;
    return fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(found.st_mode) &&
           found.st_uid == geteuid() && (found.st_mode & 0600) != 0600 && unlinkat(directory, name, 0) == 0;
}

/*
 * Its holder removes the file before it drops the lock. So a lock on a file that
 * is no longer at the path does not count: try again.
 */
static int32_t take_lock(const char *path, struct private_socket *socket) {
    char name[LOCK_NAME_BYTES];
    struct stat found;
    lock_name(socket->file, name);
    for (int attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
        int fd = open_lock(socket->directory, name);
        if (fd < 0 && (errno == EEXIST || (errno == EACCES && discard_unusable(socket->directory, name)))) continue;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOSPC || errno == EROFS || errno == EDQUOT)) {
            return fail(SLB_E_SYSTEM, "Cannot listen on unix:%s: %s.lock cannot be made: %s", path, path, platform_cause(errno));
        }
        if (fd < 0) return foreign(path, ".lock");
        if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
            close(fd);
            return foreign(path, ".lock");
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int32_t result = in_use(path, fd);
            close(fd);
            return result;
        }
        if (is_file_at(fd, socket->directory, name)) {
            write_holder(fd);
            socket->lock = fd;
            return 0;
        }
        close(fd);
    }
    return fail(SLB_E_IN_USE,
                "Cannot listen on unix:%s: %s.lock was replaced %d times while it was being locked; is something "
                "starting and stopping brokers?",
                path, path, LOCK_ATTEMPTS);
}

/* ---- the socket, with the lock held ---- */

/* Removes the socket of a broker that was killed. */
static int32_t remove_stale(const char *path, const struct private_socket *socket) {
    struct stat found;
    if (fstatat(socket->directory, socket->file, &found, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    if (!S_ISSOCK(found.st_mode)) return foreign(path, "");
    unlinkat(socket->directory, socket->file, 0);
    return 0;
}

static bool bind_and_listen(const char *path, struct private_socket *to) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    to->descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    return to->descriptor >= 0 && private_socket_set_flags(to->descriptor) == 0 &&
           bind(to->descriptor, (const struct sockaddr *)&address, sizeof address) == 0 &&
           /* No other user can have reached it before: the directory is private. */
           fchmodat(to->directory, to->file, 0600, 0) == 0 && listen(to->descriptor, SOMAXCONN) == 0;
}

static int32_t make_socket(const char *path, struct private_socket *to) {
    int32_t result = remove_stale(path, to);
    if (result == 0 && !bind_and_listen(path, to)) {
        result = fail(SLB_E_SYSTEM, "Cannot listen on unix:%s: %s", path, platform_cause(errno));
    }
    return result;
}

/* Splits the path into directory and file. */
static int32_t split(const char *path, char directory[PRIVATE_SOCKET_PATH_BYTES + 1], struct private_socket *socket) {
    size_t bytes = strlen(path);
    const char *slash = strrchr(path, '/');
    if (path[0] != '/' || !slash[1]) {
        return fail(SLB_E_ARGUMENT, "Cannot listen on \"%.200s\": expected the absolute path of a socket", path);
    }
    if (bytes > PRIVATE_SOCKET_PATH_BYTES) {
        return fail(SLB_E_ARGUMENT,
                    "Cannot listen on %.200s: the path has %zu bytes, the system takes %d; choose a shorter one", path,
                    bytes, PRIVATE_SOCKET_PATH_BYTES);
    }
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    memcpy(directory, path, length);
    directory[length] = '\0';
    memcpy(socket->file, slash + 1, strlen(slash + 1) + 1);
    return 0;
}

int32_t private_socket_bind(const char *path, struct private_socket *socket) {
    char directory[PRIVATE_SOCKET_PATH_BYTES + 1];
    *socket = (struct private_socket){.descriptor = -1, .directory = -1, .lock = -1};
    int32_t result = split(path, directory, socket);
    if (result == 0) result = open_directory(directory, &socket->directory);
    if (result == 0) result = take_lock(path, socket);
    if (result == 0) result = make_socket(path, socket);
    if (result < 0) private_socket_close(socket);
    return result;
}

void private_socket_close(struct private_socket *socket) {
    close_if_open(&socket->descriptor);
    if (socket->directory < 0) return;
    if (socket->lock >= 0) {
        struct stat found;
        char name[LOCK_NAME_BYTES];
        lock_name(socket->file, name);
        /* If the lock file was removed by others, the files at the path belong to another broker. */
        if (is_file_at(socket->lock, socket->directory, name)) {
            bool is_socket = fstatat(socket->directory, socket->file, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(found.st_mode);
            if (is_socket) unlinkat(socket->directory, socket->file, 0);
            unlinkat(socket->directory, name, 0);
        }
        held_close(socket->lock);
    }
    held_close(socket->directory);
    socket->directory = socket->lock = -1;
}
