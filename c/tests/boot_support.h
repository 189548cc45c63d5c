/*
 * boot_support.h - shared by the tests of a bootstrap: its events, requests that a test writes itself, and
 * the other processes of its tree.
 *
 * The server's way to connect is a double: it sends one end of a pair through the right, with the pid.
 */
#ifndef BOOT_SUPPORT_H
#define BOOT_SUPPORT_H

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "bootstrap/attach_linux.h"
#include "bootstrap/channel.h"
#include "bootstrap/messages_linux.h"
#include "bootstrap/server.h"
#include "linux_support.h"

enum { NO_ANSWER = -1000, MANY = 253, TOLD_MAX = 4096 };

/* ---- a server, and what it tells ---- */

struct told {
    enum boot_event event;
    int32_t pid;
    char name[BOOT_NAME_BYTES];
};

struct tree {
    struct boot_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
    struct told told[TOLD_MAX];
};

static inline bool record_told(void *context, enum boot_event event, int32_t pid, const char *name) {
    struct tree *tree = context;
    pthread_mutex_lock(&tree->lock);
    if (tree->count < TOLD_MAX) {
        struct told *told = &tree->told[tree->count++];
        *told = (struct told){.event = event, .pid = pid};
        strcpy(told->name, name);
    }
    pthread_cond_broadcast(&tree->changed);
    pthread_mutex_unlock(&tree->lock);
    return true;
}

static inline int count_told(struct tree *tree, enum boot_event event, const char *name) {
    int count = 0;
    for (int i = 0; i < tree->count; i++) {
        if (tree->told[i].event == event && strcmp(tree->told[i].name, name) == 0) count++;
    }
    return count;
}

/* Waits until the server has told this so often. Returns whether it did. */
static inline bool await_told(struct tree *tree, enum boot_event event, const char *name, int times) {
    struct timespec until;
    int why = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&tree->lock);
    while (count_told(tree, event, name) < times && !why) why = pthread_cond_timedwait(&tree->changed, &tree->lock, &until);
    bool told = count_told(tree, event, name) >= times;
    pthread_mutex_unlock(&tree->lock);
    return told;
}

static inline bool told_more(struct tree *tree, enum boot_event event, const char *name, int than) {
    pthread_mutex_lock(&tree->lock);
    bool more = count_told(tree, event, name) > than;
    pthread_mutex_unlock(&tree->lock);
    return more;
}

/* Of which process it has told this last; 0 if it has not. */
static inline int32_t pid_told(struct tree *tree, enum boot_event event, const char *name) {
    int32_t pid = 0;
    pthread_mutex_lock(&tree->lock);
    for (int i = 0; i < tree->count; i++) {
        if (tree->told[i].event == event && strcmp(tree->told[i].name, name) == 0) pid = tree->told[i].pid;
    }
    pthread_mutex_unlock(&tree->lock);
    return pid;
}

/* Sends bytes with descriptors. Returns 0, or -1 with errno. */
static inline int send_with(int socket, const void *bytes, size_t length, const int *descriptors, int count) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(MANY * sizeof(int))] = {0};
    struct iovec content = {(void *)bytes, length};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control};
    if (count > 0) attach_control(&message, SCM_RIGHTS, descriptors, (size_t)count * sizeof(int));
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EAGAIN && poll(&(struct pollfd){.fd = socket, .events = POLLOUT}, 1, PATIENCE_SECONDS * 1000) == 1);
    return sent == (ssize_t)length ? 0 : -1;
}

static inline int32_t connect_double(boot_right service, int32_t pid, boot_right *connection) {
    int ends[2];
    if (boot_make_pair(ends) != 0) return BOOT_NO_MEMORY;
    struct iovec content = {&pid, sizeof pid};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control};
    attach_control(&message, SCM_RIGHTS, &ends[1], sizeof(int));
    bool sent = sendmsg((int)service, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof pid;
    int why = errno;
    close(ends[1]);
    *connection = ends[0];
    if (sent) return BOOT_DONE;
    close(ends[0]);
    return why == EAGAIN ? BOOT_BUSY : why == EPIPE ? BOOT_UNKNOWN_SERVICE : BOOT_NO_MEMORY;
}

static inline struct tree *tree_start(bool isolated) {
    struct tree *tree = calloc(1, sizeof *tree);
    pthread_mutex_init(&tree->lock, NULL);
    pthread_cond_init(&tree->changed, NULL);
    struct boot_server_options options = {
        .tell = record_told, .context = tree, .connect = connect_double, .isolated = isolated};
    tree->server = boot_server_start(&options);
    CHECK(tree->server != NULL);
    return tree;
}

static inline void tree_stop(struct tree *tree) {
    boot_server_stop(tree->server);
    pthread_cond_destroy(&tree->changed);
    pthread_mutex_destroy(&tree->lock);
    free(tree);
}

/* A channel for requests of this process, owned. */
static inline int open_channel(struct tree *tree) {
    char value[BOOT_VALUE_BYTES];
    CHECK(boot_server_offer(tree->server, value));
    int channel = fcntl(atoi(value), F_DUPFD_CLOEXEC, 3);
    CHECK(channel >= 0);
    boot_server_withdraw(tree->server);
    return channel;
}

/* Starts this program again in the tree, as "--child role argument". */
static inline pid_t spawn_in(struct tree *tree, const char *role, const char *argument) {
    char value[BOOT_VALUE_BYTES];
    const char *own = getenv(BOOT_VARIABLE);
    char *before = own ? strdup(own) : NULL;
    CHECK(boot_server_offer(tree->server, value));
    setenv(BOOT_VARIABLE, value, 1);
    pid_t child = spawn_child(role, argument);
    if (before) setenv(BOOT_VARIABLE, before, 1);
    else unsetenv(BOOT_VARIABLE);
    free(before);
    boot_server_withdraw(tree->server);
    return child;
}

static inline bool ended_well(pid_t child) {
    int status = wait_for_child(child);
    if (status != 0) fprintf(stderr, "the other process ended with status %x\n", status);
    return status == 0;
}

/* ---- requests ---- */

/* Receives an answer. Returns its code, or NO_ANSWER if the socket has hung up; a right in `*right`, else -1. */
static inline int32_t receive_answer(int reply, uint32_t id, int *right) {
    uint8_t bytes[BOOT_BYTES_MAX];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec content = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct boot_answer answer;
    *right = -1;
    CHECK(is_readable(reply));
    ssize_t length = recvmsg(reply, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length <= 0) return NO_ANSWER;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights && rights->cmsg_type == SCM_RIGHTS) memcpy(right, CMSG_DATA(rights), sizeof *right);
    CHECK(boot_answer_decode(bytes, (size_t)length, &answer));
    CHECK(answer.id == id + BOOT_REPLY && answer.has_right == (*right >= 0));
    return answer.code;
}

/* Sends these bytes with a reply socket and then these descriptors, and returns the code of the answer. */
static inline int32_t ask_bytes(int channel, const void *bytes, size_t length, uint32_t id, const int *more, int count, int *right) {
    int reply[2], descriptors[MANY], got;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, reply) == 0);
    descriptors[0] = reply[1];
    for (int i = 0; i < count; i++) descriptors[1 + i] = more[i];
    CHECK(send_with(channel, bytes, length, descriptors, 1 + count) == 0);
    close(reply[1]);
    int32_t code = receive_answer(reply[0], id, &got);
    close(reply[0]);
    if (right) *right = got;
    else if (got >= 0) close(got);
    return code;
}

static inline size_t encode(uint32_t id, const char *name, uint8_t bytes[BOOT_RIGHT_REQUEST_BYTES]) {
    struct boot_request request = {.id = id, .has_right = id == BOOT_REGISTER || id == BOOT_RELAY_REGISTER};
    snprintf(request.name, sizeof request.name, "%s", name);
    return boot_request_encode(&request, bytes);
}

/* Asks, with a right or -1. A right of the answer goes to `*right`, or is closed. */
static inline int32_t ask_for(int channel, uint32_t id, const char *name, int with, int *right) {
    uint8_t bytes[BOOT_RIGHT_REQUEST_BYTES];
    size_t length = encode(id, name, bytes);
    return ask_bytes(channel, bytes, length, id, &with, with >= 0 ? 1 : 0, right);
}

static inline int32_t ask(int channel, uint32_t id, const char *name) { return ask_for(channel, id, name, -1, NULL); }

/* ---- a service, by hand ---- */

/* Registers the name, and returns the end at which its connections arrive. */
static inline int serve_name(int channel, const char *name) {
    int ends[2];
    CHECK(boot_make_pair(ends) == 0);
    CHECK(ask_for(channel, BOOT_REGISTER, name, ends[1], NULL) == BOOT_DONE);
    close(ends[1]);
    return ends[0];
}

/* Takes the next connection of a service: its end, owned; -1 if none waits. `*pid`: for whom. */
static inline int accept_one(int service, int32_t *pid) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct iovec content = {pid, sizeof *pid};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int end = -1;
    if (recvmsg(service, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof *pid) return -1;
    for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_type == SCM_RIGHTS) memcpy(&end, CMSG_DATA(each), sizeof end);
    }
    return end;
}

/* Whether a look-up connects to this service: a byte goes through. */
static inline bool connects(int channel, const char *name, int service) {
    int connection, end;
    int32_t pid;
    char byte = 0;
    if (ask_for(channel, BOOT_LOOK_UP, name, -1, &connection) != BOOT_DONE) return false;
    end = accept_one(service, &pid);
    bool through = end >= 0 && pid == getpid() && write(connection, "x", 1) == 1 && is_readable(end) && read(end, &byte, 1) == 1;
    close(connection);
    if (end >= 0) close(end);
    return through && byte == 'x';
}

#endif
