/*
 * boot_codec_test.c - the messages of a bootstrap, byte for byte.
 */
#include <stdint.h>

#include "bootstrap/codec.h"
#include "check.h"

enum { ID_AT = 20, NDR_BACK = 140, LENGTH_BACK = 132, NAME_BACK = 128, LOOK_UP2_NAME_AT = 32, LONGEST = 2049 };

static const uint32_t with_right[] = {BOOT_REGISTER, BOOT_RELAY_REGISTER};
static const uint32_t without_right[] = {BOOT_CHECK_IN, BOOT_LOOK_UP, BOOT_RELAY_LOOK_UP, BOOT_RELAY_SPAWN};

#define EACH(id, list)                                                                                         \
    for (const uint32_t *id = (list); id < (list) + sizeof(list) / sizeof *(list); id++)

/* A message under construction, or as it should be. */
struct message {
    uint8_t bytes[LONGEST + 1];
    size_t length;
};

static void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* Appends bytes that are written in hex, with spaces between them. */
static void hex(struct message *message, const char *text) {
    unsigned byte;
    for (int used; sscanf(text, "%2x%n", &byte, &used) == 1; text += used) {
        message->bytes[message->length++] = (uint8_t)byte;
        while (text[used] == ' ') text++;
    }
}

static void zeros(struct message *message, size_t count) {
    memset(message->bytes + message->length, 0, count);
    message->length += count;
}

static void check_same(const uint8_t *bytes, size_t length, const struct message *golden) {
    CHECK(length == golden->length);
    for (size_t i = 0; i < length && i < golden->length; i++) {
        if (bytes[i] == golden->bytes[i]) continue;
        fprintf(stderr, "byte %zu is %02x, not %02x\n", i, bytes[i], golden->bytes[i]);
        CHECK(bytes[i] == golden->bytes[i]);
        return;
    }
}

static struct message request(uint32_t id, const char *name) {
    struct boot_request from = {.id = id, .has_right = id == BOOT_REGISTER || id == BOOT_RELAY_REGISTER};
    struct message message;
    snprintf(from.name, sizeof from.name, "%s", name);
    memset(message.bytes, 0xee, sizeof message.bytes); /* what the encoder leaves out would show */
    message.length = boot_request_encode(&from, message.bytes);
    return message;
}

static int32_t decode(const struct message *message, struct boot_request *out) {
    uint8_t *exact = malloc(message->length ? message->length : 1); /* the checker sees a read beyond its end */
    memcpy(exact, message->bytes, message->length);
    int32_t code = boot_request_decode(exact, message->length, out);
    free(exact);
    return code;
}

static int32_t code_of(const struct message *message) {
    struct boot_request out;
    return decode(message, &out);
}

static struct message look_up2(const char *name) {
    struct message message = {.length = BOOT_LOOK_UP2_BYTES};
    put32(message.bytes, 0x1513);
    put32(message.bytes + 4, BOOT_LOOK_UP2_BYTES);
    put32(message.bytes + ID_AT, BOOT_LOOK_UP2);
    message.bytes[28] = 1; /* the NDR */
    memcpy(message.bytes + LOOK_UP2_NAME_AT, name, strlen(name));
    return message;
}

/* ---- golden messages ---- */

static void golden_look_up(void) {
    struct message golden = {.length = 0}, made = request(BOOT_LOOK_UP, "com.example.a");
    hex(&golden, "13150000 a4000000");
    zeros(&golden, 12);
    hex(&golden, "92010000 00000000 01000000 0d000000 636f6d2e6578616d706c652e61");
    zeros(&golden, 128 - 13);
    check_same(made.bytes, made.length, &golden);
}

static void golden_register(void) {
    struct message golden = {.length = 0}, made = request(BOOT_REGISTER, "com.example.a");
    hex(&golden, "13150080 b4000000");
    zeros(&golden, 12);
    hex(&golden, "91010000 01000000 01000000 00000000 00001300 00000000 01000000 0d000000 636f6d2e6578616d706c652e61");
    zeros(&golden, 128 - 13);
    check_same(made.bytes, made.length, &golden);
}

static void golden_answers(void) {
    struct boot_answer right = {.id = 502, .has_right = true, .disposition = BOOT_MOVE_SEND};
    struct boot_answer unknown = {.id = 502, .code = BOOT_UNKNOWN_SERVICE};
    struct message golden = {.length = 0};
    uint8_t bytes[BOOT_RIGHT_ANSWER_BYTES];
    hex(&golden, "12000080 28000000");
    zeros(&golden, 12);
    hex(&golden, "f6010000 01000000 00000000 00000000 00001100");
    check_same(bytes, boot_answer_encode(&right, bytes), &golden);
    right.disposition = BOOT_MOVE_RECEIVE;
    golden.bytes[38] = 0x10;
    check_same(bytes, boot_answer_encode(&right, bytes), &golden);
    golden.length = 0;
    hex(&golden, "12000000 24000000");
    zeros(&golden, 12);
    hex(&golden, "f6010000 00000000 01000000 4e040000");
    check_same(bytes, boot_answer_encode(&unknown, bytes), &golden);
    put32(golden.bytes + 32, (uint32_t)-303);
    unknown.code = BOOT_BAD_ID;
    check_same(bytes, boot_answer_encode(&unknown, bytes), &golden);
}

/* ---- requests ---- */

static void requests_come_back(void) {
    struct boot_request out;
    EACH(id, with_right) {
        struct message message = request(*id, "com.example.a");
        CHECK(decode(&message, &out) == BOOT_DONE && out.id == *id && out.has_right);
        CHECK_TEXT(out.name, "com.example.a");
    }
    EACH(id, without_right) {
        struct message message = request(*id, "com.example.a");
        CHECK(decode(&message, &out) == BOOT_DONE && out.id == *id && !out.has_right);
        CHECK_TEXT(out.name, "com.example.a");
    }
}

/* What the size in the header says is what has arrived, and is that of the id. */
static void every_length(uint32_t id, size_t right_one, int32_t other_size) {
    struct message message = id == BOOT_LOOK_UP2 ? look_up2("a") : request(id, "a");
    for (size_t length = 0; length <= LONGEST; length++) {
        message.length = length;
        put32(message.bytes + 4, (uint32_t)length);
        int32_t expected = length < BOOT_HEADER_BYTES ? BOOT_DROPPED : length == right_one ? BOOT_DONE : other_size;
        CHECK(code_of(&message) == expected);
        put32(message.bytes + 4, (uint32_t)length + 1);
        CHECK(code_of(&message) == (length < BOOT_HEADER_BYTES ? BOOT_DROPPED : BOOT_BAD_ARGUMENTS));
        put32(message.bytes + 4, (uint32_t)right_one);
        expected = length < BOOT_HEADER_BYTES ? BOOT_DROPPED : length == right_one ? BOOT_DONE : BOOT_BAD_ARGUMENTS;
        CHECK(code_of(&message) == expected);
    }
}

static void lengths(void) {
    EACH(id, with_right) every_length(*id, BOOT_RIGHT_REQUEST_BYTES, BOOT_BAD_ARGUMENTS);
    EACH(id, without_right) every_length(*id, BOOT_REQUEST_BYTES, BOOT_BAD_ARGUMENTS);
    every_length(BOOT_LOOK_UP2, BOOT_LOOK_UP2_BYTES, BOOT_NOT_PRIVILEGED);
}

static void complex_bit(void) {
    EACH(id, with_right) {
        struct message message = request(*id, "a");
        message.bytes[3] = 0;
        CHECK(code_of(&message) == BOOT_BAD_ARGUMENTS);
    }
    EACH(id, without_right) {
        struct message message = request(*id, "a");
        message.bytes[3] = 0x80;
        CHECK(code_of(&message) == BOOT_BAD_ARGUMENTS);
    }
    struct message second = look_up2("a");
    second.bytes[3] = 0x80;
    CHECK(code_of(&second) == BOOT_BAD_ARGUMENTS);
}

/* A kernel rewrites dispositions and the names of ports. */
static void rest_of_the_header(void) {
    EACH(id, without_right) {
        struct message message = request(*id, "a");
        memset(message.bytes, 0x7f, 4);
        memset(message.bytes + 8, 0xff, 12);
        CHECK(code_of(&message) == BOOT_DONE);
    }
    struct message message = request(BOOT_REGISTER, "a");
    memset(message.bytes, 0xff, 4);
    memset(message.bytes + 8, 0xff, 12);
    message.bytes[38] = BOOT_MOVE_SEND;
    CHECK(code_of(&message) == BOOT_DONE);
}

static void rights(void) {
    for (uint32_t count = 0; count < 4; count++) {
        struct message message = request(BOOT_REGISTER, "a");
        put32(message.bytes + 24, count);
        CHECK(code_of(&message) == (count == 1 ? BOOT_DONE : BOOT_BAD_ARGUMENTS));
    }
    struct message memory = request(BOOT_REGISTER, "a");
    memory.bytes[39] = 1; /* out-of-line memory */
    CHECK(code_of(&memory) == BOOT_BAD_ARGUMENTS);
}

/* The code for a name field of these bytes, with this length. `*name`: what was read. */
static int32_t named(uint32_t id, const uint8_t field[BOOT_NAME_BYTES], uint32_t length, struct boot_request *out) {
    struct message message = request(id, "a");
    memcpy(message.bytes + message.length - NAME_BACK, field, BOOT_NAME_BYTES);
    put32(message.bytes + message.length - LENGTH_BACK, length);
    return decode(&message, out);
}

static void names_of(uint32_t id) {
    struct boot_request out;
    uint8_t field[BOOT_NAME_BYTES];
    memset(field, 'n', sizeof field);
    CHECK(named(id, field, 0, &out) == BOOT_BAD_ARGUMENTS);
    for (uint32_t length = 1; length <= 127; length++) { /* what stands behind the name is ignored */
        CHECK(named(id, field, length, &out) == BOOT_DONE && strlen(out.name) == length);
    }
    CHECK(named(id, field, 128, &out) == BOOT_BAD_ARGUMENTS); /* no NUL at its end */
    CHECK(named(id, field, 129, &out) == BOOT_BAD_ARGUMENTS);
    CHECK(named(id, field, UINT32_MAX, &out) == BOOT_BAD_ARGUMENTS);
    CHECK(named(id, field, 1u << 31, &out) == BOOT_BAD_ARGUMENTS);
    for (uint32_t end = 0; end < BOOT_NAME_BYTES; end++) {
        memset(field, 'n', sizeof field);
        field[end] = 0;
        int32_t expected = end == 0 ? BOOT_BAD_ARGUMENTS : BOOT_DONE;
        CHECK(named(id, field, end + 1, &out) == expected); /* the NUL is counted */
        if (end > 0) CHECK(strlen(out.name) == end);
        if (end < 126) CHECK(named(id, field, end + 2, &out) == BOOT_BAD_ARGUMENTS); /* a NUL inside */
    }
    memset(field, 0, sizeof field);
    CHECK(named(id, field, 1, &out) == BOOT_BAD_ARGUMENTS);
    CHECK(named(id, field, 2, &out) == BOOT_BAD_ARGUMENTS); /* two NULs */
    for (int byte = 1; byte < 256; byte++) { /* a name has any bytes but NUL */
        field[0] = (uint8_t)byte;
        CHECK(named(id, field, 1, &out) == BOOT_DONE && (uint8_t)out.name[0] == byte && out.name[1] == 0);
    }
}

static void names(void) {
    EACH(id, with_right) names_of(*id);
    EACH(id, without_right) names_of(*id);
}

static void names_of_look_up2(void) {
    struct boot_request out;
    struct message message = look_up2("");
    CHECK(decode(&message, &out) == BOOT_BAD_ARGUMENTS);
    for (int length = 1; length <= 128; length++) {
        message.bytes[LOOK_UP2_NAME_AT + length - 1] = 'n';
        CHECK(decode(&message, &out) == (length < 128 ? BOOT_DONE : BOOT_BAD_ARGUMENTS));
        if (length < 128) CHECK(strlen(out.name) == (size_t)length);
    }
    message.bytes[LOOK_UP2_NAME_AT + 3] = 0; /* what stands behind the name is ignored */
    memset(message.bytes + 160, 0xff, 28);
    CHECK(decode(&message, &out) == BOOT_DONE);
    CHECK_TEXT(out.name, "nnn");
}

static void wrong_ndr(void) {
    for (int byte = 0; byte < 8; byte++) {
        EACH(id, with_right) {
            struct message message = request(*id, "a");
            message.bytes[message.length - NDR_BACK + (size_t)byte] ^= 1;
            CHECK(code_of(&message) == BOOT_BAD_ARGUMENTS);
        }
        EACH(id, without_right) {
            struct message message = request(*id, "a");
            message.bytes[message.length - NDR_BACK + (size_t)byte] ^= 1;
            CHECK(code_of(&message) == BOOT_BAD_ARGUMENTS);
        }
        struct message message = look_up2("a");
        message.bytes[24 + byte] ^= 1;
        CHECK(code_of(&message) == BOOT_BAD_ARGUMENTS);
    }
}

static bool is_known(uint32_t id) {
    EACH(known, with_right) if (id == *known) return true;
    EACH(known, without_right) if (id == *known) return true;
    return id == BOOT_LOOK_UP2 || id == BOOT_SUBSET;
}

static void check_id(uint32_t id) {
    struct message message = request(BOOT_LOOK_UP, "a");
    struct boot_request out;
    put32(message.bytes + ID_AT, id);
    int32_t code = decode(&message, &out);
    CHECK(out.id == id); /* for the answer */
    if (!is_known(id)) CHECK(code == BOOT_BAD_ID);
    else if (id == BOOT_SUBSET) CHECK(code == BOOT_INVALID_RIGHT);
    else if (id == BOOT_LOOK_UP2) CHECK(code == BOOT_NOT_PRIVILEGED);
    else CHECK(code == (id == BOOT_REGISTER || id == BOOT_RELAY_REGISTER ? BOOT_BAD_ARGUMENTS : BOOT_DONE));
}

static void ids(void) {
    unsigned seed = 1;
    for (uint32_t id = 0; id <= 1000; id++) check_id(id);
    for (int i = 0; i < 10000; i++) check_id((uint32_t)rand_r(&seed) << 16 ^ (uint32_t)rand_r(&seed));
    check_id(UINT32_MAX);
    struct message subset = request(BOOT_LOOK_UP, "a");
    put32(subset.bytes + ID_AT, BOOT_SUBSET);
    put32(subset.bytes + 4, 12);
    CHECK(code_of(&subset) == BOOT_BAD_ARGUMENTS);
}

/* ---- answers ---- */

static bool decode_answer(const struct message *message, struct boot_answer *out) {
    uint8_t *exact = malloc(message->length ? message->length : 1);
    memcpy(exact, message->bytes, message->length);
    bool is_one = boot_answer_decode(exact, message->length, out);
    free(exact);
    return is_one;
}

static struct message answer(bool has_right, int32_t code) {
    struct boot_answer from = {.id = 502, .has_right = has_right, .disposition = BOOT_MOVE_SEND, .code = code};
    struct message message = {.length = 0};
    message.length = boot_answer_encode(&from, message.bytes);
    return message;
}

static void answers_come_back(void) {
    static const int32_t codes[] = {BOOT_DONE, BOOT_BUSY, BOOT_UNKNOWN_SERVICE, BOOT_BAD_ID, BOOT_BAD_ARGUMENTS, INT32_MIN, INT32_MAX};
    struct boot_answer out;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct message message = answer(false, codes[i]);
        CHECK(decode_answer(&message, &out) && out.id == 502 && !out.has_right && out.code == codes[i]);
    }
    struct message right = answer(true, 0);
    CHECK(decode_answer(&right, &out) && out.id == 502 && out.has_right && out.disposition == BOOT_MOVE_SEND && out.code == BOOT_DONE);
}

static void lengths_of_answers(void) {
    struct boot_answer out;
    for (int has_right = 0; has_right < 2; has_right++) {
        struct message message = answer(has_right, 0);
        size_t right_one = message.length;
        for (message.length = 0; message.length <= LONGEST; message.length++) {
            put32(message.bytes + 4, (uint32_t)message.length);
            CHECK(decode_answer(&message, &out) == (message.length == right_one));
            put32(message.bytes + 4, (uint32_t)message.length + 1);
            CHECK(!decode_answer(&message, &out));
        }
    }
}

static void malformed_answers(void) {
    struct boot_answer out;
    struct message right = answer(true, 0), code = answer(false, 0);
    right.bytes[3] = 0;
    CHECK(!decode_answer(&right, &out));
    code.bytes[3] = 0x80;
    CHECK(!decode_answer(&code, &out));
    for (int byte = 0; byte < 8; byte++) {
        code = answer(false, 0);
        code.bytes[BOOT_HEADER_BYTES + byte] ^= 1; /* the NDR */
        CHECK(!decode_answer(&code, &out));
    }
    right = answer(true, 0);
    put32(right.bytes + 24, 2);
    CHECK(!decode_answer(&right, &out));
    right = answer(true, 0);
    right.bytes[39] = 1;
    CHECK(!decode_answer(&right, &out));
}

static const struct test tests[] = {
    {"golden look-up", golden_look_up},
    {"golden registration", golden_register},
    {"golden answers", golden_answers},
    {"requests come back", requests_come_back},
    {"every length of a request", lengths},
    {"the COMPLEX bit", complex_bit},
    {"the rest of the header is ignored", rest_of_the_header},
    {"one right, and no memory", rights},
    {"names", names},
    {"names of look_up2", names_of_look_up2},
    {"a wrong NDR", wrong_ndr},
    {"every id", ids},
    {"answers come back", answers_come_back},
    {"every length of an answer", lengths_of_answers},
    {"malformed answers", malformed_answers},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, NULL, argc, argv); }
