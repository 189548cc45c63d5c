/*
 * packet.h - packets on a socket: what is to be sent, and what has arrived.
 */
#ifndef XL_PACKET_H
#define XL_PACKET_H

#include <sys/socket.h>

#include "wire.h"

/* A packet to be sent: encoded, and holding its descriptors, until the kernel takes it. */
struct xl_parcel {
    struct xl_parcel *next;
    struct xl_item *barrier; /* owned; if there is one, nothing is sent: the block is to run */
    uint64_t data_bytes;
    int spill; /* owned memfd of a long body, or -1 */
    uint32_t spill_bytes;
    size_t carriers_count;
    struct xl_carrier *carriers[XPC_LINUX_DESCRIPTORS_MAX]; /* owned */
    size_t length;
    uint8_t bytes[]; /* header and body */
};

/*
 * Packs a message, `body` NULL for a kind without one. On failure NULL, with `why` a static
 * text, and `refused`: over the limits (the message is at fault), or not (the system is).
 */
struct xl_parcel *xl_parcel_create(enum xl_kind kind, uint64_t id, xpc_object_t body, const char **why, bool *refused);
void xl_parcel_free(struct xl_parcel *parcel);

enum xl_sent {
    XL_SENT,
    XL_FULL,  /* when the socket is writable again */
    XL_BUSY,  /* the system lacks something: in a while */
    XL_GONE,  /* nobody is there to receive it */
    XL_FAILED /* errno says why; sending again would not help */
};
/* Never blocks. `descriptor` is sent with a packet of kind CONNECT; else -1. */
enum xl_sent xl_parcel_send(int socket, const struct xl_parcel *parcel, int descriptor);

/* A packet that has arrived. */
struct xl_packet {
    struct xl_header header;
    struct ucred sender;
    xpc_object_t body; /* owned, or NULL for a kind without one */
    int descriptor;    /* owned; of a CONNECT, else -1 */
};

enum xl_received {
    XL_RECEIVED,
    XL_NOTHING, /* yet */
    XL_END,     /* the other side has closed */
    XL_BAD      /* `why`, a static text, says what is wrong with it: close the socket */
};
/* Never blocks. */
enum xl_received xl_packet_receive(int socket, struct xl_packet *packet, const char **why);

/* A connected pair of sockets; both tell who sends. 0, or -1 with errno. */
int xl_socket_pair(int ends[2]);
/* Makes a socket tell who sends. 0, or -1 with errno. */
int xl_socket_identify(int socket);

#endif
