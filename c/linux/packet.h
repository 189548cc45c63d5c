/*
 * packet.h - packets on a socket: sent (parcel.c) and received (packet.c).
 */
#ifndef XL_PACKET_H
#define XL_PACKET_H

#include <sys/socket.h>

#include "room.h"
#include "wire.h"

/* An encoded packet in the outbox. Owns its descriptors until the kernel has the packet. */
struct xl_parcel {
    struct xl_parcel *next;
    struct xl_item *barrier; /* owned; if not NULL, the parcel is not sent: the barrier runs instead */
    uint64_t data_bytes;
    size_t memory; /* what it takes in the outbox, in bytes; see room.h */
    int spill;     /* owned memfd of a long body, or -1 */
    uint32_t spill_bytes;
    size_t carriers_count;
    struct xl_carrier *carriers[XPC_LINUX_DESCRIPTORS_MAX]; /* owned */
    int derived[XPC_LINUX_DESCRIPTORS_MAX]; /* owned; sent instead of an endpoint's descriptor; -1: not made yet */
    unsigned waited; /* how often for a listener that did not read */
    size_t length;
    uint8_t bytes[]; /* header and body */
};

/*
 * Encodes a message; `body` is NULL for a kind without one. On failure NULL and `why`, valid until the
 * next call on this thread; `refused`: the message is over the limits, otherwise this process lacks a
 * resource, which errno tells.
 */
struct xl_parcel *xl_parcel_create(enum xl_kind kind, uint64_t id, xpc_object_t body, const char **why, bool *refused);
void xl_parcel_free(struct xl_parcel *parcel);
/* What the kernel holds for it besides the bytes in the socket's buffer: see room.h. */
uint64_t xl_parcel_weight(const struct xl_parcel *parcel);
/* The most that a parcel weighs. */
#define XL_WEIGHT_MAX \
    ((uint64_t)XPC_LINUX_MESSAGE_MAX + (uint64_t)XPC_LINUX_DESCRIPTORS_MAX * XL_COST_DESCRIPTOR)

enum xl_sent {
    XL_SENT,
    XL_FULL,  /* retry when the socket is writable */
    XL_BUSY,  /* the system lacks a resource: retry later */
    XL_GONE,  /* the other side has closed */
    XL_FAILED /* with errno; a retry would not help */
};
/*
 * Never blocks. `descriptor` is that of a CONNECT or DERIVE packet, else -1. Derives what is sent of the
 * endpoints in it. If the listener of one does not read, that is XL_BUSY for XL_ENDPOINT_WAITS times.
 */
enum { XL_ENDPOINT_WAITS = 20 };
enum xl_sent xl_parcel_send(int socket, struct xl_parcel *parcel, int descriptor);

/* Sends a GOODBYE if there is room for it. */
void xl_goodbye_send(int socket, enum xl_goodbye_why why, const char *text);

/* A received packet. */
struct xl_packet {
    struct xl_header header;
    struct ucred sender;
    xpc_object_t body; /* owned, or NULL for a kind without one */
    int descriptor;    /* owned; of a CONNECT or DERIVE, else -1 */
    uint64_t cost;     /* of the body in a queue: see room.h */
    int error;         /* if it was not received: EBADMSG, or what this process lacks */
    char text[XL_GOODBYE_MAX + 1]; /* of a GOODBYE: printable ASCII, with '?' for all else */
};

enum xl_received {
    XL_RECEIVED,
    XL_NOTHING, /* nothing has arrived yet */
    XL_END,     /* the other side has closed */
    XL_BAD,     /* the packet is invalid, for the reason `why`: close the socket */
    XL_STARVED  /* the packet is lost, because this process lacks a resource: `why` */
};
/* Never blocks. `why` is valid until the next call on this thread. */
enum xl_received xl_packet_receive(int socket, struct xl_packet *packet, const char **why);
/* The most that the next packet costs in a queue; 0 if there is none. */
uint64_t xl_packet_cost_most(int socket);

/* Creates a connected pair of sockets that receive credentials, and can derive. Returns 0, or -1 with errno. */
int xl_socket_pair(int ends[2]);
/* Whether the listener of this endpoint knows DERIVE. One of an earlier build, which does not, has not made such a socket. */
bool xl_socket_can_derive(int socket);
/* Makes a socket receive credentials. Returns 0, or -1 with errno. */
int xl_socket_identify(int socket);

#endif
