/* channel_linux.c: see channel.h. */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attach_linux.h"

/* How long a registration waits: its process can do nothing else before. */
enum { REGISTER_MS = 5000, RETRY_MS = 20 };

/* Reads the variable. False: it is not of this form. */
static bool parse(const char *value, int *fd, uint64_t *inode, bool *isolated) {
    char *end;
    long number = strtol(value, &end, 10);
    if (end == value || *end != ':' || number < 0 || number > INT32_MAX) return false;
    const char *second = end + 1;
    errno = 0;
    *inode = strtoull(second, &end, 10);
    *fd = (int)number;
    *isolated = strcmp(end, BOOT_ISOLATED) == 0;
    return end != second && errno == 0 && (*end == 0 || *isolated);
}

static bool is_socket(int fd, uint64_t inode) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == inode;
}

static bool has_hung_up(int fd) {
    struct pollfd state = {.fd = fd};
    return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR));
}

bool boot_channel_is_isolated(void) {
    const char *value = getenv(BOOT_VARIABLE);
    int fd;
    uint64_t inode;
    bool isolated;
    return value && parse(value, &fd, &inode, &isolated) && isolated;
}

/* The channel's descriptor, which is not the caller's; or -1 with `*presence`. */
static int find(enum boot_presence *presence, char *text) {
    const char *value = getenv(BOOT_VARIABLE);
    int fd;
    uint64_t inode;
    bool isolated;
    char none[BOOT_TEXT_BYTES];
    if (!text) text = none;
    *presence = value && *value ? BOOT_LOST : BOOT_NONE;
    if (*presence == BOOT_NONE) return -1;
    if (!parse(value, &fd, &inode, &isolated)) {
        snprintf(text, BOOT_TEXT_BYTES, BOOT_VARIABLE " is '%.60s', which is not the value that a bootstrap gives its child: unset it", value);
    } else if (!is_socket(fd, inode)) {
        if (text != none) boot_channel_explain_loss(fd, inode, text);
    } else if (has_hung_up(fd)) {
        snprintf(text, BOOT_TEXT_BYTES, "the bootstrap that has started this process, or one above it, has ended");
    } else {
        *presence = BOOT_PRESENT;
        return fd;
    }
    return -1;
}

enum boot_presence boot_channel_look(char text[BOOT_TEXT_BYTES]) {
    enum boot_presence presence;
    find(&presence, text);
    return presence;
}

/* Sends the bytes through the channel with these descriptors. -1 with errno. */
static int send_to_bootstrap(const uint8_t *bytes, size_t length, const int *descriptors, int count) {
    enum boot_presence presence;
    int channel = find(&presence, NULL);
    if (channel < 0) {
        errno = EPIPE;
        return -1;
    }
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))] = {0};
    /* Without it the kernel tells the real user, and the bootstrap serves the effective one. */
    struct ucred self = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};
    struct iovec content = {(void *)bytes, length};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control};
    attach_control(&message, SCM_RIGHTS, descriptors, (size_t)count * sizeof(int));
    size_t without = message.msg_controllen;
    attach_control(&message, SCM_CREDENTIALS, &self, sizeof self);
    ssize_t sent = sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINVAL) { /* a user namespace has no number for this user */
        message.msg_controllen = without;
        sent = sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (sent == (ssize_t)length) return 0;
    if (errno == ENOBUFS || errno == ETOOMANYREFS || errno == EINTR) errno = EAGAIN; /* the kernel holds too much now */
    if (errno == ECONNRESET || errno == ENOTCONN) errno = EPIPE;
    return -1;
}

int boot_channel_pass_on(const uint8_t *bytes, size_t length, int reply) {
    return send_to_bootstrap(bytes, length, &reply, 1);
}

int boot_channel_ask(const struct boot_request *request, boot_right right) {
    uint8_t bytes[BOOT_RIGHT_REQUEST_BYTES];
    int ends[2];
    size_t length = boot_request_encode(request, bytes);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return -1;
    int descriptors[2] = {ends[1], (int)right};
    int result = send_to_bootstrap(bytes, length, descriptors, right == BOOT_NO_RIGHT ? 1 : 2);
    int why = errno;
    close(ends[1]);
    if (result == 0) return ends[0];
    close(ends[0]);
    errno = why;
    return -1;
}

/* The reply socket has hung up: the request was dropped, or the bootstrap has ended. */
static bool dropped(int32_t *code) {
    enum boot_presence presence;
    bool lives = find(&presence, NULL) >= 0;
    *code = BOOT_BUSY;
    errno = EPIPE;
    return lives;
}

bool boot_channel_answer(int reply, uint32_t id, int32_t *code, boot_right *right) {
    uint8_t bytes[BOOT_RIGHT_ANSWER_BYTES + 1];
    _Alignas(struct cmsghdr) char control[CMSG_LEN(sizeof(int))]; /* for one: the padding of CMSG_SPACE has room for a second */
    struct iovec content = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct boot_answer answer;
    int received = -1;
    *right = BOOT_NO_RIGHT;
    ssize_t length = recvmsg(reply, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        errno = EAGAIN;
        return false;
    }
    if (length <= 0) return dropped(code);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
        memcpy(&received, CMSG_DATA(rights), sizeof received);
    }
    bool whole = boot_answer_decode(bytes, (size_t)length, &answer) && answer.id == id + BOOT_REPLY;
    if (whole && answer.has_right && received < 0) { /* it could not be received: no descriptor is free */
        *code = BOOT_BUSY;
        return true;
    }
    if (whole && answer.has_right == (received >= 0)) {
        *code = answer.code;
        *right = received >= 0 ? received : BOOT_NO_RIGHT;
        return true;
    }
    if (received >= 0) close(received);
    errno = EBADMSG;
    return false;
}

/* ---- registering, which waits ----------------------------------------------------------- */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for the answer until `deadline`. As boot_channel_answer, or ETIMEDOUT. */
static bool await_answer(int reply, uint32_t id, int64_t deadline, int32_t *code) {
    struct pollfd state = {.fd = reply, .events = POLLIN};
    boot_right right;
    for (;;) {
        int64_t left = deadline - now_ms();
        if (left <= 0) {
            errno = ETIMEDOUT;
            return false;
        }
        poll(&state, 1, (int)left);
        if (boot_channel_answer(reply, id, code, &right)) break;
        if (errno != EAGAIN) return false;
    }
    if (right != BOOT_NO_RIGHT) close((int)right);
    return true;
}

int32_t boot_channel_register(const char *name, boot_right right) {
    struct boot_request request = {.id = BOOT_REGISTER, .has_right = true};
    int64_t deadline = now_ms() + REGISTER_MS;
    strcpy(request.name, name);
    for (;;) {
        int32_t code = BOOT_BUSY;
        int reply = boot_channel_ask(&request, right);
        bool answered = reply >= 0 && await_answer(reply, request.id, deadline, &code);
        int why = errno;
        if (reply >= 0) close(reply);
        if (answered && code != BOOT_BUSY) return code;
        errno = answered ? ETIMEDOUT : why;
        if (!answered && why != EAGAIN) return -1;
        if (now_ms() >= deadline) {
            errno = ETIMEDOUT;
            return -1;
        }
        poll(NULL, 0, RETRY_MS);
    }
}
