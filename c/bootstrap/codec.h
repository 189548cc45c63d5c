/*
 * codec.h: from and to the bytes of wire.h. Pure functions: rights travel beside the bytes.
 */
#ifndef BOOT_CODEC_H
#define BOOT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

struct boot_request {
    uint32_t id;
    bool has_right; /* a right comes with it */
    char name[BOOT_NAME_BYTES];
};

struct boot_answer {
    uint32_t id;
    bool has_right;
    uint8_t disposition; /* of the right: BOOT_MOVE_RECEIVE or BOOT_MOVE_SEND */
    int32_t code;        /* without a right */
};

/* Copies a name. False: it has not 1 to 127 bytes, or a NUL among them. */
bool boot_name_copy(const void *bytes, size_t length, char out[BOOT_NAME_BYTES]);

/* Both return the number of bytes. */
size_t boot_request_encode(const struct boot_request *request, uint8_t out[BOOT_RIGHT_REQUEST_BYTES]);
size_t boot_answer_encode(const struct boot_answer *answer, uint8_t out[BOOT_RIGHT_ANSWER_BYTES]);

/*
 * Returns BOOT_DONE, or the code to answer with. `out->id` is set in both cases. -1: the bytes are no
 * message, and are dropped without an answer.
 */
enum { BOOT_DROPPED = -1 };
int32_t boot_request_decode(const uint8_t *bytes, size_t length, struct boot_request *out);

/* What a code of an answer says, as a part of a sentence about the bootstrap. */
const char *boot_code_text(int32_t code);

/* False: the bytes are no answer. */
bool boot_answer_decode(const uint8_t *bytes, size_t length, struct boot_answer *out);

#endif
