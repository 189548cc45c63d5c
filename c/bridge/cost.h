/*
 * cost.h: what a message takes in a queue, in bytes.
 *
 * A message of 1 MiB can hold 200,000 dictionaries, which take far more when they are decoded, in C and
 * in JavaScript. So queues are bounded by an estimate of that: the sum of these numbers over all values,
 * and the bytes of strings, data and keys. c/linux/room.h has the same numbers.
 */
#ifndef SLB_COST_H
#define SLB_COST_H

enum {
    COST_CONSTANT = 16, /* null, bool */
    COST_VALUE = 64,    /* a number, a date, a string; and an entry of a dictionary */
    COST_ARRAY = 128,
    COST_OBJECT = 256, /* a dictionary, data, a uuid, or a capability */
};

/* What a queued message costs besides its values: the message itself, and each of its capabilities. */
enum { COST_MESSAGE = 512, COST_CAPABILITY = 16 * 1024 };

#endif
