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
#include "exhaustion.h"
#include "memory.h"
#include "room.h"
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
    int lacks; /* this process lacks a resource: an errno value, or 0 */
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

/* A packet cannot be received for lack of a resource of this process, not for what the packet is. */
static const char *starve(struct raw *raw, int why) {
    raw->lacks = why;
    return xl_cause(why);
}

static xpc_object_t decode_body(struct raw *raw, const uint8_t *bytes, size_t length, uint32_t descriptors,
                                uint64_t *cost, const char **why) {
    struct _xpc_dictionary_s *body = xl_body_decode(bytes, length, raw->descriptors, descriptors, cost, why);
    if (*why == XL_TOO_COSTLY) { /* without content, so that the program can tell the sender why */
        body = xpc_dictionary_create_empty();
        if (body) body->problem = *why;
        *cost = XL_COST_OBJECT;
        *why = body ? NULL : XL_NO_MEMORY;
    }
    if (*why == XL_NO_MEMORY) *why = starve(raw, ENOMEM);
    return body;
}

/* Reads the body of a long message as a copy, which the sender cannot change. */
static xpc_object_t decode_spilled(const struct xl_header *header, struct raw *raw, uint64_t *cost, const char **why) {
    int fd = raw->descriptors[header->descriptors];
    if (xl_memory_check(fd, header->length, F_SEAL_WRITE) != 0) {
        *why = "the memfd of a long body is not sealed, or too small";
        return NULL;
    }
    uint8_t *bytes = xl_alloc(header->length);
    if (!bytes) {
        *why = starve(raw, ENOMEM);
        return NULL;
    }
    size_t done = 0;
    errno = 0;
    while (done < header->length) {
        ssize_t count = pread(fd, bytes + done, header->length - done, (off_t)done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        done += (size_t)count;
    }
    xpc_object_t body = NULL;
    if (done == header->length) body = decode_body(raw, bytes, done, header->descriptors, cost, why);
    else if (xl_is_exhausted(errno)) *why = starve(raw, errno);
    else *why = "the memfd of a long body cannot be read";
    free(bytes);
    return body;
}

/* The text is of another process, and gets to terminals and logs. */
static void copy_goodbye(const struct raw *raw, struct xl_packet *packet) {
    for (uint32_t i = 0; i < packet->header.length; i++) {
        uint8_t byte = raw->bytes[XL_HEADER_BYTES + i];
        packet->text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
    }
    packet->text[packet->header.length] = 0;
}

static const char *decode(struct raw *raw, struct xl_packet *packet) {
    if (!raw->identified) return "the packet does not tell who sent it";
    const char *why = xl_header_decode(raw->bytes, raw->length, &packet->header);
    if (why) return why;
    const struct xl_header *header = &packet->header;
    if (raw->count != header->descriptors + (header->spilled ? 1u : 0u)) return "the descriptors are not as many";
    packet->sender = raw->sender;
    uint64_t cost = 0;
    if (header->kind == XL_KIND_CONNECT || header->kind == XL_KIND_DERIVE) {
        packet->descriptor = raw->descriptors[0];
        raw->descriptors[0] = -1;
    } else if (header->kind == XL_KIND_GOODBYE) {
        copy_goodbye(raw, packet);
    } else if (header->spilled) {
        packet->body = decode_spilled(header, raw, &cost, &why);
    } else if (header->kind != XL_KIND_DECLINE) {
        packet->body = decode_body(raw, raw->bytes + XL_HEADER_BYTES, header->length, header->descriptors, &cost, &why);
    }
    packet->cost = XL_COST_MESSAGE + cost + (uint64_t)header->descriptors * XL_COST_DESCRIPTOR;
    return why;
}

/* The kernel has dropped descriptors: those beyond our room, or beyond this process's limit. */
static const char *explain_lost(struct raw *raw) {
    int limit = raw->count < ROOM ? xl_out_of_descriptors() : 0;
    return limit ? starve(raw, limit) : "it has more descriptors than allowed";
}

uint64_t xl_packet_cost_most(int socket) {
    uint8_t bytes[XL_HEADER_BYTES];
    struct xl_header header;
    ssize_t length;
    do length = recv(socket, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
    while (length < 0 && errno == EINTR);
    if (length <= 0) return 0;
    size_t body = 0;
    /* Of a malformed packet nothing is decoded. */
    if (!xl_header_decode(bytes, (size_t)length, &header)) body = header.length;
    return XL_COST_MESSAGE + xl_body_cost_most(body) + (uint64_t)XPC_LINUX_DESCRIPTORS_MAX * XL_COST_DESCRIPTOR;
}

enum xl_received xl_packet_receive(int socket, struct xl_packet *packet, const char **why) {
    struct raw raw; /* 64 KiB: only the fields that need it are zeroed below */
    raw.count = 0;
    raw.identified = false;
    raw.lacks = 0;
    *packet = (struct xl_packet){.descriptor = -1, .error = EBADMSG};
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
        packet->error = errno;
        *why = xl_cause(errno);
        return XL_STARVED;
    }
    raw.length = (size_t)length;
    read_control(&header, &raw);
    if (length == 0) {
        close_all(&raw); /* an empty packet looks like the end, but may have descriptors */
        return XL_END;
    }
    if (header.msg_flags & MSG_CTRUNC) *why = explain_lost(&raw);
    else if (header.msg_flags & MSG_TRUNC) *why = "the packet is too long";
    else *why = decode(&raw, packet);
    close_all(&raw);
    if (*why && raw.lacks) packet->error = raw.lacks;
    if (*why) return raw.lacks ? XL_STARVED : XL_BAD;
    xl_stats_add(XL_BYTES_RECEIVED, raw.length);
    if (packet->body) xl_stats_add(XL_MESSAGES_RECEIVED, 1);
    return XL_RECEIVED;
}
