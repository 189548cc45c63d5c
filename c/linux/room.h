/*
 * room.h - what a received message costs, and the room for those that were not delivered yet.
 *
 * The cost of a message is an estimate of the memory that it takes when it is decoded, in C and in
 * languages above: a message of 1 MiB can hold 200,000 dictionaries, which take far more. The same
 * numbers are in c/bridge/cost.h.
 *
 * All undelivered messages of the process share one room. Room is taken before a packet is read, for
 * the most that it can cost, so the sum never exceeds the limit: packets without room stay in the
 * kernel. The last quarter is kept for small messages, which therefore never wait for large ones.
 */
#ifndef XL_ROOM_H
#define XL_ROOM_H

#include <stdbool.h>
#include <stdint.h>
#include <xpc/linux.h>

/* The cost of a value, in bytes. A string and data also cost their bytes, an entry those of its key. */
enum {
    XL_COST_CONSTANT = 16, /* null, bool */
    XL_COST_VALUE = 64,    /* a number, a date, a string; and an entry of a dictionary */
    XL_COST_ARRAY = 128,
    XL_COST_OBJECT = 256, /* a dictionary, data, a uuid, or an object with a descriptor */
    XL_COST_LEAST_BYTES = 5 /* the fewest bytes of a value that costs XL_COST_OBJECT */
};

/* What a queued message costs besides its values: the message itself, and each of its descriptors. */
enum { XL_COST_MESSAGE = 512, XL_COST_DESCRIPTOR = 16 * 1024 };

/* The most that a message costs in a queue. */
#define XL_ROOM_MESSAGE_MAX \
    ((uint64_t)XPC_LINUX_COST_MAX + XL_COST_MESSAGE + (uint64_t)XPC_LINUX_DESCRIPTORS_MAX * XL_COST_DESCRIPTOR)

/*
 * Takes room for a message that costs at most `bytes`. False: there is none now, or others wait for it
 * and the caller does not (`waits`).
 */
bool xl_room_take(uint64_t bytes, bool waits);
/* The caller begins to wait, or ends its wait. */
void xl_room_wait(void);
void xl_room_end_wait(void);
void xl_room_give(uint64_t bytes);
uint64_t xl_room_taken(void);

#endif
