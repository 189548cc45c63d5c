/* attach_linux.h: what a message to a Unix socket has besides its bytes: descriptors, or who sends it. */
#ifndef ATTACH_LINUX_H
#define ATTACH_LINUX_H

#include <string.h>
#include <sys/socket.h>

/* Appends control data to the message, whose `msg_control` is aligned, zeroed, and has room for it. */
static inline void attach_control(struct msghdr *message, int type, const void *data, size_t size) {
    struct cmsghdr *control = (struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(control), data, size);
    message->msg_controllen += CMSG_SPACE(size);
}

#endif
