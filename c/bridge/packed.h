/*
 * packed.h: XPC values as bytes, the form in which messages cross the C ABI.
 *
 * Little-endian, no alignment. A value is one tag byte and its payload:
 *
 *   tag  value       payload
 *   0    null        -
 *   1    bool        u8, 0 or 1
 *   2    int64       i64
 *   3    uint64      u64
 *   4    double      IEEE 754, 8 bytes
 *   5    string      u32 bytes, UTF-8 without NUL
 *   6    data        u32 bytes, the bytes
 *   7    array       u32 count, values
 *   8    dictionary  u32 count, then per entry: u16 bytes of the key, key, value
 *   9    endpoint    u32 handle
 *   10   shmem       u32 handle
 *   11   fd          u32 handle
 *   12   surface     u32 handle
 *   13   date        i64, nanoseconds since 1970
 *   14   uuid        16 bytes
 *
 * A message is a dictionary. proto/wire/packed.ts implements the same.
 */
#ifndef SLB_PACKED_H
#define SLB_PACKED_H

#include "object.h"

enum packed_tag {
    PACKED_NULL = 0,
    PACKED_BOOL = 1,
    PACKED_INT64 = 2,
    PACKED_UINT64 = 3,
    PACKED_DOUBLE = 4,
    PACKED_STRING = 5,
    PACKED_DATA = 6,
    PACKED_ARRAY = 7,
    PACKED_DICTIONARY = 8,
    PACKED_ENDPOINT = 9,
    PACKED_SHMEM = 10,
    PACKED_FD = 11,
    PACKED_SURFACE = 12,
    PACKED_DATE = 13,
    PACKED_UUID = 14,
};

/* The size of a message, in bytes. */
struct packed_size {
    uint32_t bytes; /* packed */
    uint32_t cost;  /* in a queue: see cost.h */
};

/* Measures a message. Returns NULL, or which limit it exceeds or what in it cannot be packed: a static text. */
const char *packed_measure(xpc_object_t message, struct packed_size *size);

/*
 * Packs a message that was measured. Its capabilities become handles of
 * `queue`, which the reader of the bytes owns. False: out of memory; all handles
 * are released.
 */
bool packed_write(struct queue *queue, xpc_object_t message, uint8_t *out, uint32_t bytes);

/*
 * Unpacks a dictionary; the caller owns it, and still owns the handles in it. Writes what it takes in
 * the outbox, where it is encoded: its bytes, and those of cost.h for a message and its capabilities.
 * NULL: malformed; the error is set.
 */
xpc_object_t packed_read(const uint8_t *bytes, uint32_t length, uint32_t *sent);

#endif
