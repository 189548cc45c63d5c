/*
 * service.c - serves a name, and connects to one.
 */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bootstrap/held.h"
#include "exhaustion.h"
#include "packet.h"
#include "service_directory.h"

static int explain_locate(const char *service, const struct xl_service_path *path, char reason[XL_REASON_BYTES]) {
    switch (errno) {
    case EINVAL:
        if (path->variable) {
            snprintf(reason, XL_REASON_BYTES, "%s is '%.100s', which is not absolute: set it to a path that begins with '/'",
                     path->variable, getenv(path->variable));
            break;
        }
        snprintf(reason, XL_REASON_BYTES, "no service can have the name '%.100s': no '/', no leading '.', not empty",
                 service ? service : "");
        break;
    case ENOENT:
        snprintf(reason, XL_REASON_BYTES, "no directory for services: set STREAMLIB_HOME, XDG_RUNTIME_DIR or HOME");
        break;
    default:
        snprintf(reason, XL_REASON_BYTES, "socket path too long: over 103 bytes even with a shortened name; "
                 "set STREAMLIB_HOME to a shorter path");
    }
    return -1;
}

static struct sockaddr_un address_of(const struct xl_service_path *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path->text, sizeof path->text);
    return address;
}

/* Returns a new socket that is connected to the path, or -1 with errno. */
static int connect_to(const struct xl_service_path *path, struct ucred *server) {
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    socklen_t length = sizeof *server;
    if (xl_socket_identify(fd) == 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, server, &length) == 0) {
        return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int explain_busy(pid_t holder, bool *in_use, char reason[XL_REASON_BYTES]) {
    *in_use = true;
    int length = snprintf(reason, XL_REASON_BYTES, "another process already serves this name");
    if (holder) snprintf(reason + length, XL_REASON_BYTES - (size_t)length, " (pid %d)", (int)holder);
    return -1;
}

/* With the lock held: removes a stale socket file. Fails if a process without our lock answers there. */
static int remove_stale(int directory, const struct xl_service_path *path, bool *in_use,
                        char reason[XL_REASON_BYTES]) {
    const char *file = path->text + path->directory + 1;
    struct stat status;
    struct ucred server;
    if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(reason, XL_REASON_BYTES, "%s is in the way and is no socket", path->text);
        return -1;
    }
    int fd = connect_to(path, &server);
    if (fd >= 0) close(fd);
    if (fd >= 0) return explain_busy(server.pid, in_use, reason);
    if (errno == EAGAIN) return explain_busy(0, in_use, reason); /* the queue is full, so a process listens */
    unlinkat(directory, file, 0);
    return 0;
}

static int bind_socket(int directory, const struct xl_service_path *path, bool *in_use,
                       char reason[XL_REASON_BYTES]) {
    const char *file = path->text + path->directory + 1;
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The file gets its mode from the socket, less the umask, so at no time can another user connect. */
    bool bound = fd >= 0 && fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (bound && fchmodat(directory, file, 0600, 0) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
    *in_use = errno == EADDRINUSE;
    snprintf(reason, XL_REASON_BYTES, "cannot listen at %s: %s", path->text, xl_cause(errno));
    if (bound) unlinkat(directory, file, 0);
    if (fd >= 0) close(fd);
    return -1;
}

static int bind_locked(const char *service, const struct xl_service_path *path, struct xl_claim *claim,
                       bool *in_use, char reason[XL_REASON_BYTES]) {
    if (!xl_lock_write(claim->lock, service)) {
        snprintf(reason, XL_REASON_BYTES, "cannot write the lock of %s: %s", path->text, xl_cause(errno));
        return -1;
    }
    if (remove_stale(claim->directory, path, in_use, reason) != 0) return -1;
    return bind_socket(claim->directory, path, in_use, reason);
}

/* ---- The claims of this process, whose files it removes when it exits without closing them --- */

static struct {
    pthread_mutex_t lock;
    struct xl_claim *first;
    atomic_int owner; /* a child after fork has a copy of the list, and must leave the files alone */
} claims = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void remove_files(const struct xl_claim *claim) {
    /* The socket first: the next holder of the lock must find no socket of ours. */
    unlinkat(claim->directory, claim->file, 0);
    unlinkat(claim->directory, xl_lock_name(claim->file).text, 0);
}

static void add_claim(struct xl_claim *claim) {
    pthread_mutex_lock(&claims.lock);
    atomic_store(&claims.owner, getpid());
    claim->next = claims.first;
    claims.first = claim;
    pthread_mutex_unlock(&claims.lock);
}

static void remove_claim(struct xl_claim *claim) {
    pthread_mutex_lock(&claims.lock);
    for (struct xl_claim **link = &claims.first; *link; link = &(*link)->next) {
        if (*link != claim) continue;
        *link = claim->next;
        break;
    }
    pthread_mutex_unlock(&claims.lock);
}

/*
 * Runs at exit(), so also at an uncaught error of the program, but not at a signal that ends it. It
 * leaves the sockets open: other threads may still use them. The lock is not waited for, as a thread
 * that holds it may be gone by now.
 */
__attribute__((destructor)) static void remove_files_at_exit(void) {
    if (atomic_load(&claims.owner) != getpid() || pthread_mutex_trylock(&claims.lock) != 0) return;
    for (const struct xl_claim *claim = claims.first; claim; claim = claim->next) remove_files(claim);
    claims.first = NULL;
    pthread_mutex_unlock(&claims.lock);
}

int xl_service_listen(const char *service, struct xl_claim *claim, bool *in_use, char reason[XL_REASON_BYTES]) {
    struct xl_service_path path;
    pid_t holder;
    *claim = (struct xl_claim){.directory = -1};
    *in_use = false;
    if (xl_service_locate(service, &path) != 0) return explain_locate(service, &path, reason);
    int directory = xl_directory_open(&path, true, reason);
    if (directory < 0) return -1;
    const char *file = path.text + path.directory + 1;
    int lock = xl_lock_take(directory, xl_lock_name(file).text, true, &holder);
    if (lock < 0) {
        if (errno == EWOULDBLOCK) explain_busy(holder, in_use, reason);
        else snprintf(reason, XL_REASON_BYTES, "cannot lock %s: %s", path.text, xl_cause(errno));
        close(directory);
        return -1;
    }
    *claim = (struct xl_claim){.directory = held(directory), .lock = held(lock)};
    strcpy(claim->file, file);
    int fd = bind_locked(service, &path, claim, in_use, reason);
    if (fd >= 0) {
        add_claim(claim);
        return fd;
    }
    unlinkat(directory, xl_lock_name(file).text, 0); /* but not the socket: it may belong to another process */
    held_close(lock);
    held_close(directory);
    claim->directory = -1;
    return -1;
}

void xl_claim_drop(struct xl_claim *claim) {
    if (claim->directory < 0) return;
    remove_claim(claim);
    remove_files(claim);
    held_close(claim->lock);
    held_close(claim->directory);
    claim->directory = -1;
}

int xl_service_connect(const char *service, struct ucred *server, bool *busy, char reason[XL_REASON_BYTES]) {
    struct xl_service_path path;
    *busy = false;
    if (xl_service_locate(service, &path) != 0) return explain_locate(service, &path, reason);
    int directory = xl_directory_open(&path, false, reason);
    if (directory < 0 && errno != ENOENT) return -1;
    if (directory >= 0) close(directory);
    int fd = connect_to(&path, server);
    if (fd >= 0 && server->uid == geteuid()) return fd;
    if (fd >= 0) {
        snprintf(reason, XL_REASON_BYTES, "%s is served by another user (uid %u)", path.text, server->uid);
        close(fd);
    } else if (errno == ENOENT || errno == ECONNREFUSED) {
        snprintf(reason, XL_REASON_BYTES, "no such service: nothing listens at %s", path.text);
    } else {
        *busy = errno == EAGAIN; /* its queue of new connections is full */
        snprintf(reason, XL_REASON_BYTES, "cannot connect to %s: %s", path.text, xl_cause(errno));
    }
    return -1;
}
