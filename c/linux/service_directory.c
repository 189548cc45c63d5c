/*
 * service_directory.c - see service_directory.h.
 */
#include "service_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exhaustion.h"

/* A holder that was stopped before it wrote its name is waited for that long: a second in all. */
enum { LOCK_ATTEMPTS = 100, LOCK_PAUSE_MS = 10 };

/* Makes a directory for this user only, whatever the umask, unless one is there. 0, or -1 with errno. */
static int make_directory(const char *path) {
    struct stat status;
    if (mkdir(path, 0700) != 0) {
        int why = errno;
        if (why == EEXIST || stat(path, &status) == 0) return 0; /* a file in its place is told when it is opened */
        errno = why;
        return -1;
    }
    if (lstat(path, &status) == 0 && (status.st_mode & 0777) == 0700) return 0;
    return fchmodat(AT_FDCWD, path, 0700, AT_SYMLINK_NOFOLLOW);
}

/*
 * Makes the directory and its missing parents below `base` bytes of it. What a variable of the
 * system names is not made: /run/user/<uid> is the login's, and as root it would get a wrong owner.
 * On failure -1 with errno, and `path` is cut after the directory that could not be made.
 */
static int make_directories(char *path, size_t base) {
    for (char *slash = strchr(path + base + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (make_directory(path) != 0) return -1;
        *slash = '/';
    }
    return make_directory(path);
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
static bool explain_foreign(const struct xl_service_path *path, char reason[XL_REASON_BYTES]) {
    char base[sizeof path->text];
    struct stat status;
    if (!path->variable || strcmp(path->variable, "XDG_RUNTIME_DIR") != 0) return false;
    snprintf(base, sizeof base, "%.*s", (int)path->base, path->text);
    if (stat(base, &status) != 0 || status.st_uid == geteuid()) return false;
    snprintf(reason, XL_REASON_BYTES,
             "cannot use the directory %.*s: XDG_RUNTIME_DIR is of another login: it belongs to user %u, this is user %u; "
             "unset it, or log in as this user",
             (int)path->directory, path->text, (unsigned)status.st_uid, (unsigned)geteuid());
    return true;
}

/* Says which variable has named the directory, and what to do. */
static void add_mend(const struct xl_service_path *path, int why, char reason[XL_REASON_BYTES]) {
    size_t length = strlen(reason);
    char *end = reason + length;
    size_t room = XL_REASON_BYTES - length;
    const char *name = path->variable;
    int base = (int)path->base;
    bool missing = why == ENOENT && name && base;
    if (!name) {
        snprintf(end, room, "; set STREAMLIB_HOME to a directory of your own");
    } else if (missing && !strcmp(name, "XDG_RUNTIME_DIR")) {
        snprintf(end, room,
                 "; XDG_RUNTIME_DIR is %.*s, which is not there, as after su or sudo, in cron or a container: "
                 "unset it, or set STREAMLIB_HOME to a directory of your own",
                 base, path->text);
    } else if (missing) {
        snprintf(end, room, "; %s is %.*s, which is not there: correct it, or set STREAMLIB_HOME to a directory of your own",
                 name, base, path->text);
    } else if (base) {
        snprintf(end, room, "; %s is %.*s: let this user write there, or set STREAMLIB_HOME to a directory of your own", name,
                 base, path->text);
    } else {
        snprintf(end, room, "; let this user write there, or set STREAMLIB_HOME to another directory");
    }
}

static void explain_unmade(const struct xl_service_path *path, const char *failed, int why, char reason[XL_REASON_BYTES]) {
    snprintf(reason, XL_REASON_BYTES, "cannot make the directory %s: %s", failed, xl_cause(why));
    add_mend(path, why, reason);
}

static void explain_unopened(const struct xl_service_path *path, const char *text, int why, char reason[XL_REASON_BYTES]) {
    struct stat status;
    if (why == ELOOP || why == ENOTDIR) {
        snprintf(reason, XL_REASON_BYTES, "cannot use the directory %s: it is a link or no directory", text);
    } else if (why == EACCES && lstat(text, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 0500) != 0500) {
        snprintf(reason, XL_REASON_BYTES, "cannot use the directory %s: its mode is %o, so this user cannot use it: chmod 700 it",
                 text, (unsigned)status.st_mode & 0777);
    } else {
        snprintf(reason, XL_REASON_BYTES, "cannot use the directory %s: %s", text, xl_cause(why));
        if (!xl_is_exhausted(why)) add_mend(path, why, reason);
    }
}

int xl_directory_open(const struct xl_service_path *path, bool create, char reason[XL_REASON_BYTES]) {
    char text[sizeof path->text];
    struct stat status;
    memcpy(text, path->text, path->directory);
    text[path->directory] = '\0';
    /* Root could make a directory there, which would lock the other user out. */
    if (create && lstat(text, &status) != 0 && explain_foreign(path, reason)) {
        errno = EPERM;
        return -1;
    }
    if (create && make_directories(text, path->base) != 0) {
        int why = errno;
        explain_unmade(path, text, why, reason);
        errno = why;
        return -1;
    }
    int fd = open(text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        int why = errno;
        if (!explain_foreign(path, reason)) explain_unopened(path, text, why, reason);
        errno = why;
        return -1;
    }
    const char *why = fstat(fd, &status) == 0 ? unfit(text, &status) : strerror(errno);
    if (!why) return fd;
    if (!explain_foreign(path, reason)) snprintf(reason, XL_REASON_BYTES, "cannot use the directory %s: %s", text, why);
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

/*
 * Opens a lock file, which is made with mode 0600 whatever the umask. EEXIST: another process has
 * made it meanwhile.
 */
static int open_lock(int directory, const char *name, bool create) {
    int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(directory, name, flags);
    if (fd >= 0 || errno != ENOENT || !create) return fd;
    fd = openat(directory, name, flags | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || fchmod(fd, 0600) == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/*
 * Removes a lock file that its own user may not open: a process with a strange umask was killed
 * right after it had made the file. Nobody has locked it, as the mode is set before. If its maker is
 * still about to, it finds the file gone, and makes another one.
 */
static bool discard_unusable(int directory, const char *name) {
    struct stat status;
    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           status.st_uid == geteuid() && (status.st_mode & 0600) != 0600 && unlinkat(directory, name, 0) == 0;
}

/* Who holds a lock that could not be taken; 0 if the file does not say so yet. */
static pid_t holder_of(int fd) {
    char text[512];
    read_lock(fd, text);
    return (pid_t)strtol(text, NULL, 10);
}

int xl_lock_take(int directory, const char *name, bool create, pid_t *holder) {
    struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    *holder = 0;
    for (int attempts = 0; attempts < LOCK_ATTEMPTS; attempts++) {
        int fd = open_lock(directory, name, create);
        if (fd < 0 && (errno == EEXIST || (errno == EACCES && discard_unusable(directory, name)))) continue;
        if (fd < 0) return -1;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            /* The last holder may have removed the file between our open and our flock. */
            if (is_file_at(fd, directory, name)) return fd;
        } else if (errno != EINTR) {
            int why = errno;
            *holder = holder_of(fd);
            /* An empty one is being filled by its holder. */
            if (*holder || !create || why != EWOULDBLOCK) {
                close(fd);
                errno = why;
                return -1;
            }
            nanosleep(&pause, NULL);
        }
        close(fd);
    }
    errno = EWOULDBLOCK;
    return -1;
}

bool xl_lock_write(int lock, const char *service) {
    char text[512];
    int length = snprintf(text, sizeof text, "%d\n%.400s\n", (int)getpid(), service);
    /* The new text before the cut: a kill in between must not leave an empty file beside a stale socket. */
    return xl_file_allowed((uint64_t)length) && pwrite(lock, text, (size_t)length, 0) == length &&
           ftruncate(lock, length) == 0;
}
