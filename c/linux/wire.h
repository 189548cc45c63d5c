/*
 * wire.h - the wire format, version 1: what is in a packet.
 *
 * One packet of a SOCK_SEQPACKET socket is one message. All integers are little-endian and
 * packed without padding. A packet is a header of 24 bytes and a body:
 *
 *   offset  size  field
 *        0     4  magic         "XPCL"
 *        4     1  version       1
 *        5     1  kind          see enum xl_kind
 *        6     2  flags         bit 0: the body is not here but in a memfd (spilled)
 *        8     4  length        of the body in bytes, at most 1 MiB
 *       12     4  descriptors   of the body, at most 16
 *       16     8  id            of the request, for REQUEST, REPLY and DECLINE, not 0; of GOODBYE
 *                               why, see enum xl_goodbye_why; of CONNECT the process that a bootstrap
 *                               connects for, or 0; else 0
 *
 *   kind     id   body         meaning
 *   MESSAGE  0    dictionary   no reply wanted
 *   REQUEST  n    dictionary   wants a REPLY or a DECLINE with the same id
 *   REPLY    n    dictionary   the answer; an unknown id is ignored
 *   DECLINE  n    none         no answer will come
 *   CONNECT  pid  none         to an endpoint: its one descriptor is the socket of a new peer
 *   GOODBYE  why  text         the last packet: its sender ends the connection, for this reason
 *   DERIVE   0    none         to an endpoint: its one descriptor is the listener's end of another
 *                              endpoint, which the sender passes on
 *
 * The descriptors come as SCM_RIGHTS of the packet, in the order in which the body names them.
 * A body over 64 KiB is spilled: an additional last descriptor is a memfd of exactly `length`
 * bytes, sealed against writing and shrinking. Each packet carries SCM_CREDENTIALS.
 *
 * A process that passes an endpoint on sends another one that it derives from it: a new pair of sockets,
 * of which the listener gets one in a DERIVE. So no two processes share a socket to the listener. A
 * listener of an earlier build does not know DERIVE: its endpoints are passed on as they are. The others
 * are known by SO_KEEPALIVE, which whoever makes the pair sets on both sockets.
 *
 * The text of GOODBYE is for people: at most 255 bytes, none of them NUL. It is sent if the socket has
 * room for it, when a connection ends for what the other side does, or for want of a resource.
 *
 * Any other body is one value, a dictionary. A value is a tag of one byte and its content:
 *
 *   tag  type        content
 *     1  null        -
 *     2  bool        1 byte, 0 or 1
 *     3  int64       8 bytes
 *     4  uint64      8 bytes
 *     5  double      8 bytes, IEEE 754
 *     6  date        8 bytes, signed nanoseconds since 1970
 *     7  data        length (4), that many bytes
 *     8  string      length (4), that many bytes, none of them NUL; any encoding
 *     9  uuid        16 bytes
 *    10  array       count (4), that many values
 *    11  dictionary  count (4), that many times: key length (4), key (no NUL), value; the keys
 *                    strictly ascending as bytes, which makes them unique
 *    12  fd          - and a descriptor
 *    13  endpoint    - and a descriptor: a connected Unix SEQPACKET socket of its receiver alone
 *    14  shmem       length (8, not 0) and a descriptor: a memfd sealed against shrinking
 *    15  surface     width, height, bytes per row, FourCC (4 each), length (8), and a memfd
 *    16  planar      a surface that tag 15 cannot describe: width, height, FourCC (4 each), length (8),
 *                    format modifier (8), count of planes (4), for each plane offset (8), width, height,
 *                    bytes per row (4 each); and a memfd
 *
 * Nesting is at most 32 deep, the body itself being depth 1. Nothing may follow the value and
 * every descriptor must be used. A packet that breaks a rule is refused, and the connection to its
 * sender is closed. Only a message that would cost too much memory is delivered, without content.
 * Encoding is unique: equal messages give equal bytes.
 *
 * Encoding and decoding are pure functions over buffers. packet.c and parcel.c use sockets.
 */
#ifndef XL_WIRE_H
#define XL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xpc/linux.h>

enum { XL_HEADER_BYTES = 24, XL_INLINE_MAX = 64 * 1024 };

enum xl_kind {
    XL_KIND_MESSAGE = 1,
    XL_KIND_REQUEST,
    XL_KIND_REPLY,
    XL_KIND_DECLINE,
    XL_KIND_CONNECT,
    XL_KIND_GOODBYE,
    XL_KIND_DERIVE
};

/* Why the sender of a GOODBYE ends the connection. */
enum xl_goodbye_why {
    XL_GOODBYE_REFUSED = 1, /* it refuses what it got */
    XL_GOODBYE_FULL,        /* the other side does not read, or sends too much: a queue is full */
    XL_GOODBYE_LACKING      /* the system refuses it a resource */
};

enum { XL_GOODBYE_MAX = 255 };

enum xl_tag {
    XL_TAG_NULL = 1,
    XL_TAG_BOOL,
    XL_TAG_INT64,
    XL_TAG_UINT64,
    XL_TAG_DOUBLE,
    XL_TAG_DATE,
    XL_TAG_DATA,
    XL_TAG_STRING,
    XL_TAG_UUID,
    XL_TAG_ARRAY,
    XL_TAG_DICTIONARY,
    XL_TAG_FD,
    XL_TAG_ENDPOINT,
    XL_TAG_SHMEM,
    XL_TAG_SURFACE,
    XL_TAG_PLANAR
};

struct xl_header {
    enum xl_kind kind;
    bool spilled;
    uint32_t length;
    uint32_t descriptors; /* of the body; the memfd of a spilled body is not counted */
    uint64_t id;
};

struct xl_carrier;

/* The size of an encoded message. */
struct xl_measure {
    size_t length;
    size_t descriptors;
    uint64_t data_bytes; /* bytes in data values */
    uint64_t cost;       /* see room.h */
};

/* What a value of this type costs, without its bytes: see room.h. */
uint64_t xl_tag_cost(enum xl_tag tag);

void xl_header_encode(const struct xl_header *header, uint8_t out[XL_HEADER_BYTES]);
/* Returns NULL, or why these bytes are not a header: a static text. */
const char *xl_header_decode(const uint8_t *bytes, size_t length, struct xl_header *out);

/* Returns NULL, or why the object cannot be sent: a static text. */
const char *xl_body_measure(xpc_object_t message, struct xl_measure *out);
/* Writes exactly what was measured; carriers[i] is borrowed from the message. */
void xl_body_encode(xpc_object_t message, const struct xl_measure *measure, uint8_t *out,
                    struct xl_carrier **carriers);
/*
 * Returns a new dictionary, or NULL with `why` a static text: XL_TOO_COSTLY, XL_NO_MEMORY, or what is
 * malformed. Takes the descriptors that it uses from `descriptors` and writes -1 in their place; the
 * caller keeps the others. Adds up what the values cost in `cost`.
 */
xpc_object_t xl_body_decode(const uint8_t *bytes, size_t length, int *descriptors, size_t count, uint64_t *cost,
                            const char **why);
/* The most that a body of so many bytes costs. */
uint64_t xl_body_cost_most(size_t length);

extern const char XL_TOO_COSTLY[], XL_NO_MEMORY[];

#endif
