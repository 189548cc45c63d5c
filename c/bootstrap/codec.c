/* codec.c: see codec.h. */
#include "codec.h"

#include <string.h>

#define COMPLEX 0x80000000u

/* How the rights in the header are sent: copy send and make send-once; move send-once. */
enum { REQUEST_BITS = 0x1513, ANSWER_BITS = 0x12 };

/* Offsets. */
enum { SIZE_AT = 4, ID_AT = 20, BODY_AT = 24, RIGHT_AT = 28, NDR_BYTES = 8, LOOK_UP2_NAME_AT = 32, DISPOSITION_AT = 38, TYPE_AT = 39 };

/* How integers, characters and floating-point numbers are represented: as on every machine of today. */
static const uint8_t ndr[NDR_BYTES] = {0, 0, 0, 0, 1, 0, 0, 0};

static void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get32(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_header(uint8_t *out, uint32_t bits, uint32_t size, uint32_t id) {
    memset(out, 0, size);
    put32(out, bits);
    put32(out + SIZE_AT, size);
    put32(out + ID_AT, id);
}

/* Writes the count of rights and the descriptor of one. `number` names it in a request. */
static void put_right(uint8_t *out, uint32_t number, uint8_t disposition) {
    put32(out + BODY_AT, 1);
    put32(out + RIGHT_AT, number);
    out[DISPOSITION_AT] = disposition;
}

bool boot_name_copy(const void *bytes, size_t length, char out[BOOT_NAME_BYTES]) {
    if (length < 1 || length >= BOOT_NAME_BYTES || memchr(bytes, 0, length)) return false;
    memcpy(out, bytes, length);
    out[length] = 0;
    return true;
}

size_t boot_request_encode(const struct boot_request *request, uint8_t out[BOOT_RIGHT_REQUEST_BYTES]) {
    uint32_t size = request->has_right ? BOOT_RIGHT_REQUEST_BYTES : BOOT_REQUEST_BYTES;
    put_header(out, request->has_right ? REQUEST_BITS | COMPLEX : REQUEST_BITS, size, request->id);
    if (request->has_right) put_right(out, 1, BOOT_COPY_SEND);
    uint8_t *name = out + size - BOOT_NAME_BYTES;
    size_t length = strlen(request->name);
    memcpy(name - 4 - NDR_BYTES, ndr, NDR_BYTES);
    put32(name - 4, (uint32_t)length);
    memcpy(name, request->name, length);
    return size;
}

size_t boot_answer_encode(const struct boot_answer *answer, uint8_t out[BOOT_RIGHT_ANSWER_BYTES]) {
    if (answer->has_right) {
        put_header(out, ANSWER_BITS | COMPLEX, BOOT_RIGHT_ANSWER_BYTES, answer->id);
        put_right(out, 0, answer->disposition);
        return BOOT_RIGHT_ANSWER_BYTES;
    }
    put_header(out, ANSWER_BITS, BOOT_CODE_ANSWER_BYTES, answer->id);
    memcpy(out + BODY_AT, ndr, NDR_BYTES);
    put32(out + BODY_AT + NDR_BYTES, (uint32_t)answer->code);
    return BOOT_CODE_ANSWER_BYTES;
}

/* Reads the NDR, the length and the name that end at `size`. */
static int32_t read_name(const uint8_t *bytes, size_t size, char out[BOOT_NAME_BYTES]) {
    const uint8_t *name = bytes + size - BOOT_NAME_BYTES;
    if (memcmp(name - 4 - NDR_BYTES, ndr, NDR_BYTES) != 0) return BOOT_BAD_ARGUMENTS;
    uint32_t length = get32(name - 4);
    if (length > BOOT_NAME_BYTES) return BOOT_BAD_ARGUMENTS;
    if (length > 0 && name[length - 1] == 0) length--;
    return boot_name_copy(name, length, out) ? BOOT_DONE : BOOT_BAD_ARGUMENTS;
}

static int32_t read_look_up2(const uint8_t *bytes, size_t length, bool complex, char out[BOOT_NAME_BYTES]) {
    if (length != BOOT_LOOK_UP2_BYTES) return BOOT_NOT_PRIVILEGED;
    if (complex || memcmp(bytes + BODY_AT, ndr, NDR_BYTES) != 0) return BOOT_BAD_ARGUMENTS;
    const char *name = (const char *)bytes + LOOK_UP2_NAME_AT;
    return boot_name_copy(name, strnlen(name, BOOT_NAME_BYTES), out) ? BOOT_DONE : BOOT_BAD_ARGUMENTS;
}

static bool is_one_right(const uint8_t *bytes) { return get32(bytes + BODY_AT) == 1 && bytes[TYPE_AT] == 0; }

int32_t boot_request_decode(const uint8_t *bytes, size_t length, struct boot_request *out) {
    memset(out, 0, sizeof *out);
    if (length < BOOT_HEADER_BYTES) return BOOT_DROPPED;
    out->id = get32(bytes + ID_AT);
    bool complex = get32(bytes) & COMPLEX, whole = get32(bytes + SIZE_AT) == length;
    switch (out->id) {
    case BOOT_REGISTER:
    case BOOT_RELAY_REGISTER:
        if (!whole || length != BOOT_RIGHT_REQUEST_BYTES || !complex || !is_one_right(bytes)) return BOOT_BAD_ARGUMENTS;
        out->has_right = true;
        return read_name(bytes, length, out->name);
    case BOOT_CHECK_IN:
    case BOOT_LOOK_UP:
    case BOOT_RELAY_LOOK_UP:
    case BOOT_RELAY_SPAWN:
        if (!whole || length != BOOT_REQUEST_BYTES || complex) return BOOT_BAD_ARGUMENTS;
        return read_name(bytes, length, out->name);
    case BOOT_LOOK_UP2: return whole ? read_look_up2(bytes, length, complex, out->name) : BOOT_BAD_ARGUMENTS;
    case BOOT_SUBSET: return whole ? BOOT_INVALID_RIGHT : BOOT_BAD_ARGUMENTS;
    default: return BOOT_BAD_ID;
    }
}

bool boot_answer_decode(const uint8_t *bytes, size_t length, struct boot_answer *out) {
    memset(out, 0, sizeof *out);
    if (length < BOOT_HEADER_BYTES || get32(bytes + SIZE_AT) != length) return false;
    bool complex = get32(bytes) & COMPLEX;
    out->id = get32(bytes + ID_AT);
    if (length == BOOT_RIGHT_ANSWER_BYTES && complex && is_one_right(bytes)) {
        out->has_right = true;
        out->disposition = bytes[DISPOSITION_AT];
        return true;
    }
    if (length != BOOT_CODE_ANSWER_BYTES || complex || memcmp(bytes + BODY_AT, ndr, NDR_BYTES) != 0) return false;
    out->code = (int32_t)get32(bytes + BODY_AT + NDR_BYTES);
    return true;
}

const char *boot_code_text(int32_t code) {
    switch (code) {
    case BOOT_NOT_PRIVILEGED: return "it belongs to another user";
    case BOOT_NAME_IN_USE: return "another process already serves this name in its tree";
    case BOOT_NO_MEMORY: return "it has too many names, or its process lacks a resource";
    case BOOT_BAD_ARGUMENTS: return "it does not understand the request";
    case BOOT_SERVER_DIED: return "the bootstrap above it, which may know the name, has ended or was lost";
    default: return "it gives a code that this library does not know";
    }
}
