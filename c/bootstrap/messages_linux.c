/* messages_linux.c: see messages_linux.h. */
#include "messages_linux.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach_linux.h"

static void read_control(struct msghdr *message, struct boot_received *received, bool *identified) {
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level != SOL_SOCKET) continue;
        if (control->cmsg_type == SCM_CREDENTIALS) {
            memcpy(&received->sender, CMSG_DATA(control), sizeof received->sender);
            *identified = true;
        } else if (control->cmsg_type == SCM_RIGHTS) {
            /* There is room for no more than these: the kernel has closed the others. */
            received->count = (int)((control->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(received->descriptors, CMSG_DATA(control), (size_t)received->count * sizeof(int));
        }
    }
}

int boot_request_receive(int channel, struct boot_received *received) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(BOOT_DESCRIPTORS_MOST * sizeof(int))];
    struct iovec content = {received->bytes, sizeof received->bytes};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    bool identified = false;
    received->count = 0;
    ssize_t length = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    read_control(&message, received, &identified);
    received->length = (size_t)length;
    received->cut = message.msg_flags & MSG_CTRUNC;
    return identified ? 1 : -1; /* an empty packet has a sender too, the end has none */
}

void boot_received_release(struct boot_received *received) {
    for (int i = 0; i < received->count; i++) {
        if (received->descriptors[i] >= 0) close(received->descriptors[i]);
    }
}

void boot_answer_send(int reply, struct boot_answer answer, int right) {
    uint8_t bytes[BOOT_RIGHT_ANSWER_BYTES];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    answer.has_right = right >= 0;
    struct iovec content = {bytes, boot_answer_encode(&answer, bytes)};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control};
    if (right >= 0) attach_control(&message, SCM_RIGHTS, &right, sizeof right);
    sendmsg(reply, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int option(int fd, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

bool boot_is_seqpacket(int fd) {
    return option(fd, SO_DOMAIN) == AF_UNIX && option(fd, SO_TYPE) == SOCK_SEQPACKET && option(fd, SO_ACCEPTCONN) == 0;
}

int boot_make_pair(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return -1;
    int on = 1;
    for (int i = 0; i < 2; i++) setsockopt(ends[i], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    return 0;
}
