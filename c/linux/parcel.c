/*
 * parcel.c - the sending half of packet.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bootstrap/attach_linux.h"
#include "bootstrap/held.h"
#include "carrier.h"
#include "endpoint.h"
#include "exhaustion.h"
#include "packet.h"
#include "stats.h"

static bool write_all(int fd, const uint8_t *bytes, size_t length) {
    while (length) {
        ssize_t count = write(fd, bytes, length);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

/* Writes a body that is too long for a packet into a memfd. */
static int spill(const uint8_t *bytes, size_t length) {
    if (!xl_file_allowed(length)) return -1;
    int fd = memfd_create("xpc-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -1;
    int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (write_all(fd, bytes, length) && fcntl(fd, F_ADD_SEALS, seals) == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

struct xl_parcel *xl_parcel_create(enum xl_kind kind, uint64_t id, xpc_object_t body, const char **why, bool *refused) {
    struct xl_measure measure = {0};
    *why = body ? xl_body_measure(body, &measure) : NULL;
    *refused = *why != NULL;
    if (*why) return NULL;
    struct xl_parcel *parcel = xl_alloc(sizeof *parcel + XL_HEADER_BYTES + measure.length);
    if (!parcel) {
        *why = xl_cause(ENOMEM);
        errno = ENOMEM;
        return NULL;
    }
    struct xl_header header = {
        .kind = kind,
        .spilled = measure.length > XL_INLINE_MAX,
        .length = (uint32_t)measure.length,
        .descriptors = (uint32_t)measure.descriptors,
        .id = id,
    };
    parcel->length = XL_HEADER_BYTES + measure.length;
    parcel->data_bytes = measure.data_bytes;
    parcel->spill = -1;
    parcel->carriers_count = measure.descriptors;
    parcel->memory = sizeof *parcel + parcel->length + measure.descriptors * XL_COST_DESCRIPTOR;
    if (body) xl_body_encode(body, &measure, parcel->bytes + XL_HEADER_BYTES, parcel->carriers);
    for (size_t i = 0; i < measure.descriptors; i++) {
        xpc_retain(parcel->carriers[i]);
        parcel->derived[i] = -1;
    }
    if (kind == XL_KIND_CONNECT || kind == XL_KIND_DERIVE) header.descriptors = 1;
    xl_header_encode(&header, parcel->bytes);
    if (!header.spilled) return parcel;
    parcel->spill = held(spill(parcel->bytes + XL_HEADER_BYTES, measure.length));
    if (parcel->spill < 0) {
        int lacks = errno;
        *why = xl_cause(lacks);
        xl_parcel_free(parcel);
        errno = lacks;
        return NULL;
    }
    parcel->spill_bytes = header.length;
    parcel->length = XL_HEADER_BYTES;
    struct xl_parcel *shrunk = realloc(parcel, sizeof *parcel + XL_HEADER_BYTES); /* the body is in the file now */
    return shrunk ? shrunk : parcel;
}

uint64_t xl_parcel_weight(const struct xl_parcel *parcel) {
    return parcel->spill_bytes + (uint64_t)parcel->carriers_count * XL_COST_DESCRIPTOR;
}

void xl_parcel_free(struct xl_parcel *parcel) {
    for (size_t i = 0; i < parcel->carriers_count; i++) {
        xpc_release(parcel->carriers[i]);
        if (parcel->derived[i] >= 0) held_close(parcel->derived[i]);
    }
    if (parcel->spill >= 0) held_close(parcel->spill);
    free(parcel);
}

static enum xl_sent failure(void) {
    switch (errno) {
    case EAGAIN: return XL_FULL;
    case ENOBUFS:
    case ENOMEM:
    case ETOOMANYREFS: return XL_BUSY; /* too many descriptors of this user are in flight */
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN: return XL_GONE;
    default: return XL_FAILED;
    }
}

static void count_sent(const struct xl_parcel *parcel, size_t descriptors) {
    if (parcel->length > XL_HEADER_BYTES || parcel->spill >= 0) xl_stats_add(XL_MESSAGES_SENT, 1);
    xl_stats_add(XL_BYTES_SENT, parcel->length);
    xl_stats_add(XL_SPILL_BYTES_SENT, parcel->spill_bytes);
    xl_stats_add(XL_DATA_BYTES_SENT, parcel->data_bytes);
    xl_stats_add(XL_DESCRIPTORS_SENT, descriptors);
}

enum { DESCRIPTORS_MAX = XPC_LINUX_DESCRIPTORS_MAX + 1 };

static enum xl_sent send_packet(int socket, const uint8_t *bytes, size_t length, const int *descriptors, size_t count) {
    /* Set explicitly: by default the kernel sends the real ids, not the effective ones. */
    struct ucred self = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};
    _Alignas(struct cmsghdr)
        uint8_t control[CMSG_SPACE(sizeof self) + CMSG_SPACE(DESCRIPTORS_MAX * sizeof *descriptors)] = {0};
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};
    attach_control(&header, SCM_CREDENTIALS, &self, sizeof self);
    if (count) attach_control(&header, SCM_RIGHTS, descriptors, count * sizeof *descriptors);

    ssize_t sent;
    do sent = sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? failure() : XL_SENT;
}

enum xl_sent xl_parcel_send(int socket, struct xl_parcel *parcel, int descriptor) {
    int descriptors[DESCRIPTORS_MAX];
    size_t count = 0;
    for (; count < parcel->carriers_count; count++) {
        const struct xl_carrier *carrier = parcel->carriers[count];
        bool passes_on = carrier->head.type == XPC_TYPE_ENDPOINT && xl_socket_can_derive(carrier->fd);
        if (passes_on && parcel->derived[count] < 0) {
            bool waits = parcel->waited < XL_ENDPOINT_WAITS;
            enum xl_sent made = xl_endpoint_derive(carrier->fd, waits, &parcel->derived[count]);
            held(parcel->derived[count]);
            if (made == XL_FULL) parcel->waited++;
            if (made != XL_SENT) return made == XL_FULL ? XL_BUSY : made;
        }
        descriptors[count] = passes_on ? parcel->derived[count] : carrier->fd;
    }
    if (parcel->spill >= 0) descriptors[count++] = parcel->spill;
    if (descriptor >= 0) descriptors[count++] = descriptor;
    enum xl_sent sent = send_packet(socket, parcel->bytes, parcel->length, descriptors, count);
    if (sent == XL_SENT) count_sent(parcel, count);
    return sent;
}

void xl_goodbye_send(int socket, enum xl_goodbye_why why, const char *text) {
    uint8_t bytes[XL_HEADER_BYTES + XL_GOODBYE_MAX];
    size_t length = strnlen(text, XL_GOODBYE_MAX);
    struct xl_header header = {.kind = XL_KIND_GOODBYE, .length = (uint32_t)length, .id = why};
    xl_header_encode(&header, bytes);
    memcpy(bytes + XL_HEADER_BYTES, text, length);
    if (send_packet(socket, bytes, XL_HEADER_BYTES + length, NULL, 0) != XL_FULL) return;
    /* The other side does not read. The buffer can be made larger than by default, so that it finds this when it does. */
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &(int){1 << 20}, sizeof(int));
    send_packet(socket, bytes, XL_HEADER_BYTES + length, NULL, 0);
}

int xl_socket_identify(int socket) {
    return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int));
}

/*
 * Marks a socket for whoever gets it: the listener at its other end knows DERIVE. The option has no other
 * effect on a Unix socket, and stays with the socket when its descriptor is sent, also by an earlier build.
 */
static int mark(int socket) { return setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int)); }

bool xl_socket_can_derive(int socket) {
    int marked = 0;
    socklen_t length = sizeof marked;
    return getsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &marked, &length) == 0 && marked;
}

int xl_socket_pair(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return -1;
    /* On both ends now: packets that arrive before the other end is used must have credentials too. */
    if (xl_socket_identify(ends[0]) == 0 && xl_socket_identify(ends[1]) == 0 && mark(ends[0]) == 0 &&
        mark(ends[1]) == 0) {
        return 0;
    }
    int why = errno;
    close(ends[0]);
    close(ends[1]);
    errno = why;
    return -1;
}
