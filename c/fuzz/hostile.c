/*
 * hostile.c - see hostile.h. The script's bytes choose the packet; most scripts give a valid one.
 */
#include "hostile.h"

#include <endian.h>
#include <sys/mman.h>

#include "../bootstrap/attach_linux.h"

static void put(struct hostile_packet *packet, const void *bytes, size_t length) {
    if (length > sizeof packet->bytes - packet->length) return;
    memcpy(packet->bytes + packet->length, bytes, length);
    packet->length += length;
}

static void put8(struct hostile_packet *packet, uint8_t value) { put(packet, &value, 1); }

static void put32(struct hostile_packet *packet, uint32_t value) {
    uint32_t bytes = htole32(value);
    put(packet, &bytes, 4);
}

static void put64(struct hostile_packet *packet, uint64_t value) {
    uint64_t bytes = htole64(value);
    put(packet, &bytes, 8);
}

static void put_dictionary(struct hostile_packet *packet, uint32_t count) {
    put8(packet, XL_TAG_DICTIONARY);
    put32(packet, count);
}

static void put_key(struct hostile_packet *packet, char key) {
    put32(packet, 1);
    put(packet, &key, 1);
}

static void put_number(struct hostile_packet *packet, uint8_t number) {
    put_dictionary(packet, 1);
    put_key(packet, 'n');
    put8(packet, XL_TAG_UINT64);
    put64(packet, number);
}

/* A surface of two planes. */
static void put_planar(struct hostile_packet *packet) {
    put32(packet, 16);
    put32(packet, 16);
    put32(packet, 0);
    put64(packet, 1536);
    put64(packet, 0);
    put32(packet, 2);
    for (uint32_t plane = 0; plane < 2; plane++) {
        put64(packet, 1024 * (uint64_t)plane);
        put32(packet, 16 >> plane);
        put32(packet, 16 >> plane);
        put32(packet, 64);
    }
}

/* A value for each descriptor: fd, endpoint, shmem or a surface, which may not match the descriptor. */
static void put_carriers(struct hostile_packet *packet, uint8_t tags) {
    put_dictionary(packet, (uint32_t)packet->count);
    for (size_t i = 0; i < packet->count; i++) {
        uint8_t tag = (uint8_t)(XL_TAG_FD + ((unsigned)tags >> (2 * (i % 4))) % 4);
        put_key(packet, (char)('a' + i));
        bool is_planar = tag == XL_TAG_SURFACE && i % 2 == 1;
        put8(packet, is_planar ? XL_TAG_PLANAR : tag);
        if (is_planar) {
            put_planar(packet);
            continue;
        }
        if (tag == XL_TAG_SHMEM) put64(packet, MEMORY_BYTES);
        if (tag != XL_TAG_SURFACE) continue;
        put32(packet, 16);
        put32(packet, 16);
        put32(packet, 64);
        put32(packet, 0);
        put64(packet, 1024);
    }
}

static void put_raw(struct hostile_packet *packet, struct script *script) {
    size_t length = next_byte(script);
    if (length > script_left(script)) length = script_left(script);
    put(packet, script->at, length);
    script->at += length;
}

static void put_long(struct hostile_packet *packet) {
    static const uint8_t zeros[LONG_BYTES];
    put_dictionary(packet, 1);
    put_key(packet, 'd');
    put8(packet, XL_TAG_DATA);
    put32(packet, LONG_BYTES);
    put(packet, zeros, LONG_BYTES);
}

/* Returns a memfd with the long body: correctly sealed, not sealed, or one byte too short. */
static int long_body(unsigned kind) {
    static int made[3];
    static const int seals[3] = {F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_SHRINK,
                                 F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW};
    for (size_t i = 0; !made[2] && i < 3; i++) {
        static struct hostile_packet body;
        body.length = 0;
        put_long(&body);
        made[i] = memory_of(0, 0);
        size_t length = body.length - (i == 2);
        if (write(made[i], body.bytes, length) != (ssize_t)length) abort();
        if (fcntl(made[i], F_ADD_SEALS, seals[i]) != 0) abort();
    }
    return made[kind % 3];
}

void hostile_prepare(void) {
    renew_socket();
    long_body(0);
}

enum body { NOTHING, EMPTY, NUMBER, CARRIERS, RAW, LONG, SPILLED, LISTED_BODIES };

static enum body put_body(struct hostile_packet *packet, uint8_t selector, struct script *script) {
    enum body body = selector % LISTED_BODIES;
    switch (body) {
    case EMPTY: put_dictionary(packet, 0); break;
    case NUMBER: put_number(packet, next_byte(script)); break;
    case CARRIERS: put_carriers(packet, next_byte(script)); break;
    case RAW: put_raw(packet, script); break;
    case LONG:
    case SPILLED: put_long(packet); break;
    case NOTHING:
    case LISTED_BODIES: break;
    }
    return body;
}

static void set_header(struct hostile_packet *packet, uint8_t kind, uint8_t id, enum body body) {
    struct xl_header header = {
        .kind = kind,
        .id = id,
        .length = (uint32_t)(packet->length - XL_HEADER_BYTES),
        .descriptors = (uint32_t)packet->count,
        .spilled = body == SPILLED,
    };
    xl_header_encode(&header, packet->bytes);
}

/* Makes one thing in the packet wrong, or nothing. */
static void spoil(struct hostile_packet *packet, struct script *script) {
    size_t at = next_byte(script);
    switch (at & 15) {
    case 1: packet->length -= packet->length < (at >> 4) ? packet->length : at >> 4; break;
    case 2: put(packet, "garbage garbage", at >> 4); break;
    case 3:
        at = next_byte(script);
        if (at < packet->length) packet->bytes[at] = next_byte(script);
        break;
    case 4: packet->count = 0; break;
    case 5:
        for (size_t more = at >> 4; more && packet->count < PACKET_DESCRIPTORS; more--) {
            packet->descriptors[packet->count++] = descriptor_of((unsigned)more);
        }
        break;
    case 6: packet->length = 0; break;
    default: break;
    }
}

static struct hostile_packet packets[2];
static unsigned turn;

struct hostile_packet *hostile_packet(struct script *script) {
    struct hostile_packet *packet = &packets[turn++ % 2];
    uint8_t kind = next_byte(script), id = next_byte(script), selector = next_byte(script), kinds = next_byte(script);
    packet->length = XL_HEADER_BYTES;
    packet->count = selector / 8 % 4;
    if (selector >= 240) packet->count = XPC_LINUX_DESCRIPTORS_MAX;
    for (size_t i = 0; i < packet->count; i++) {
        packet->descriptors[i] = descriptor_of((unsigned)kinds >> (2 * (i % 4)));
    }
    enum body body = put_body(packet, selector % 8, script);
    set_header(packet, kind % 8, id, body);
    if (body == SPILLED) {
        packet->descriptors[packet->count++] = long_body(kinds);
        packet->length = XL_HEADER_BYTES;
    }
    spoil(packet, script);
    return packet;
}

void hostile_merge(struct hostile_packet *packet, const struct hostile_packet *second) {
    put(packet, second->bytes, second->length);
}

struct hostile_packet *hostile_end(enum xl_kind kind, int socket) {
    struct hostile_packet *packet = &packets[turn++ % 2];
    packet->length = XL_HEADER_BYTES;
    packet->count = 1;
    packet->descriptors[0] = socket;
    set_header(packet, (uint8_t)kind, 0, NOTHING);
    return packet;
}

void hostile_send(int socket, const struct hostile_packet *packet, size_t from, size_t to) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof packet->descriptors)] = {0};
    if (to > packet->length) to = packet->length;
    if (from > to) from = to;
    struct iovec vector = {.iov_base = (void *)(packet->bytes + from), .iov_len = to - from};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};
    if (packet->count && from == 0) attach_control(&header, SCM_RIGHTS, packet->descriptors, packet->count * sizeof(int));
    sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool hostile_receive(int socket, int *descriptor) {
    static uint8_t bytes[PACKET_BYTES];
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(PACKET_DESCRIPTORS * 4)];
    struct iovec vector = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr header = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    *descriptor = -1;
    ssize_t length = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length <= 0) return false;
    for (struct cmsghdr *control_at = CMSG_FIRSTHDR(&header); control_at;
         control_at = CMSG_NXTHDR(&header, control_at)) {
        if (control_at->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (control_at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(control_at) + i * sizeof fd, sizeof fd);
            if (*descriptor < 0) *descriptor = fd;
            else close(fd);
        }
    }
    return true;
}
