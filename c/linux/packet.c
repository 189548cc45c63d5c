/*
 * packet.c - the receiving half of packet.h.
 */
#include "packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "carrier.h"
#include "memory.h"
#include "stats.h"

#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

/* One more than a packet may have, so that an excess is noticed. */
enum { ROOM = XPC_LINUX_DESCRIPTORS_MAX + 2 };

/* A packet as received, not checked yet. */
struct raw {
    uint8_t bytes[XL_HEADER_BYTES + XL_INLINE_MAX];
    size_t length;
    int descriptors[ROOM];
    size_t count;
    struct ucred sender;
    bool identified;
};

static void close_all(struct raw *raw) {
    for (size_t i = 0; i < raw->count; i++) {
        if (raw->descriptors[i] >= 0) close(raw->descriptors[i]);
    }
}

/* Without credentials there is room for more descriptors: those in excess are closed. */
static void read_descriptors(const struct cmsghdr *control, struct raw *raw) {
    size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
        if (raw->count < ROOM) raw->descriptors[raw->count++] = fd;
        else close(fd);
    }
}

static void read_control(struct msghdr *header, struct raw *raw) {
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level != SOL_SOCKET) continue;
        if (control->cmsg_type == SCM_RIGHTS) {
            read_descriptors(control, raw);
        } else if (control->cmsg_type == SCM_CREDENTIALS) {
            memcpy(&raw->sender, CMSG_DATA(control), sizeof raw->sender);
            raw->identified = true;
        } else if (control->cmsg_type == SCM_PIDFD) {
            /* A peer that kept a copy of our end can switch these on. Their descriptors must not leak. */
            int pidfd;
            memcpy(&pidfd, CMSG_DATA(control), sizeof pidfd);
            if (pidfd >= 0) close(pidfd);
        }
    }
}

/* Reads the body of a long message as a copy, which the sender cannot change. */
static xpc_object_t decode_spilled(const struct xl_header *header, struct raw *raw, const char **why) {
    int fd = raw->descriptors[header->descriptors];
    if (xl_memory_check(fd, header->length, F_SEAL_WRITE) != 0) {
        *why = "the memfd of a long body is not sealed, or too small";
        return NULL;
    }
    uint8_t *bytes = xl_alloc(header->length);
    size_t done = 0;
    while (bytes && done < header->length) {
        ssize_t count = pread(fd, bytes + done, header->length - done, (off_t)done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        done += (size_t)count;
    }
    xpc_object_t body = NULL;
    if (bytes && done == header->length) {
        body = xl_body_decode(bytes, done, raw->descriptors, header->descriptors, why);
    } else {
        *why = "the memfd of a long body cannot be read";
    }
    free(bytes);
    return body;
}

static const char *decode(struct raw *raw, struct xl_packet *packet) {
    if (!raw->identified) return "the packet does not tell who sent it";
    const char *why = xl_header_decode(raw->bytes, raw->length, &packet->header);
    if (why) return why;
    const struct xl_header *header = &packet->header;
    if (raw->count != header->descriptors + (header->spilled ? 1u : 0u)) return "the descriptors are not as many";
    packet->sender = raw->sender;
    if (header->kind == XL_KIND_CONNECT) {
        packet->descriptor = raw->descriptors[0];
        raw->descriptors[0] = -1;
    } else if (header->spilled) {
        packet->body = decode_spilled(header, raw, &why);
    } else if (header->kind != XL_KIND_DECLINE) {
        packet->body = xl_body_decode(raw->bytes + XL_HEADER_BYTES, header->length, raw->descriptors,
                                      header->descriptors, &why);
    }
    return why;
}

enum xl_received xl_packet_receive(int socket, struct xl_packet *packet, const char **why) {
    struct raw raw; /* 64 KiB: only the fields that need it are zeroed below */
    raw.count = 0;
    raw.identified = false;
    _Alignas(struct cmsghdr) uint8_t
        control[CMSG_SPACE(sizeof raw.sender) + CMSG_SPACE(sizeof raw.descriptors) + CMSG_SPACE(sizeof(int))];
    struct iovec vector = {.iov_base = raw.bytes, .iov_len = sizeof raw.bytes};
    struct msghdr header = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    ssize_t length;
    /* ECONNRESET comes once, before packets that are still queued: continues until the end. */
    do length = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (length < 0 && (errno == EINTR || errno == ECONNRESET));
    if (length < 0 && errno == EAGAIN) return XL_NOTHING;
    if (length < 0) {
        *why = errno == ENOMEM ? "out of memory" : "the socket cannot be read";
        return XL_BAD;
    }
    raw.length = (size_t)length;
    read_control(&header, &raw);
    if (length == 0) {
        close_all(&raw); /* an empty packet looks like the end, but may have descriptors */
        return XL_END;
    }
    *packet = (struct xl_packet){.descriptor = -1};
    if (header.msg_flags & MSG_CTRUNC) *why = "descriptors were lost: too many, or no room for them here";
    else if (header.msg_flags & MSG_TRUNC) *why = "the packet is too long";
    else *why = decode(&raw, packet);
    close_all(&raw);
    if (*why) return XL_BAD;
    xl_stats_add(XL_BYTES_RECEIVED, raw.length);
    if (packet->body) xl_stats_add(XL_MESSAGES_RECEIVED, 1);
    return XL_RECEIVED;
}
