/*
 * linux_wire_test.c - the wire format: messages survive encoding, and invalid bytes are refused.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "carrier.h"
#include "linux_support.h"
#include "packet.h"
#include "wire.h"

enum { DESCRIPTORS = XPC_LINUX_DESCRIPTORS_MAX };

/* A body and duplicates of its descriptors, owned, as after a receive. */
struct encoded {
    uint8_t *bytes;
    size_t length;
    int descriptors[DESCRIPTORS];
    size_t count;
};

static struct encoded encode(xpc_object_t message) {
    struct encoded encoded = {0};
    struct xl_measure measure;
    struct xl_carrier *carriers[DESCRIPTORS];
    CHECK(xl_body_measure(message, &measure) == NULL);
    encoded.length = measure.length;
    encoded.bytes = malloc(measure.length);
    xl_body_encode(message, &measure, encoded.bytes, carriers);
    for (; encoded.count < measure.descriptors; encoded.count++) {
        encoded.descriptors[encoded.count] = fcntl(carriers[encoded.count]->fd, F_DUPFD_CLOEXEC, 0);
    }
    return encoded;
}

static void encoded_free(struct encoded *encoded) {
    for (size_t i = 0; i < encoded->count; i++) close(encoded->descriptors[i]);
    free(encoded->bytes);
}

/* Decodes from a buffer of exactly that length, so that a sanitizer reports any read beyond it. */
static xpc_object_t decode(const uint8_t *bytes, size_t length, const struct encoded *with, const char **why) {
    int descriptors[DESCRIPTORS];
    uint8_t *exact = malloc(length ? length : 1);
    uint64_t cost = 0;
    memcpy(exact, bytes, length);
    for (size_t i = 0; i < with->count; i++) descriptors[i] = fcntl(with->descriptors[i], F_DUPFD_CLOEXEC, 0);
    xpc_object_t body = xl_body_decode(exact, length, descriptors, with->count, &cost, why);
    for (size_t i = 0; i < with->count; i++) {
        if (descriptors[i] >= 0) close(descriptors[i]);
    }
    free(exact);
    CHECK((body == NULL) == (*why != NULL));
    return body;
}

static xpc_object_t plain_sample(void) {
    uuid_t uuid = {1, 2, 3};
    xpc_object_t d = xpc_dictionary_create_empty(), a = xpc_array_create_empty(), inner = xpc_dictionary_create_empty();
    xpc_dictionary_set_bool(d, "bool", true);
    xpc_dictionary_set_int64(d, "int64", INT64_MIN);
    xpc_dictionary_set_uint64(d, "uint64", UINT64_MAX);
    xpc_dictionary_set_double(d, "double", 1.5);
    xpc_dictionary_set_date(d, "date", -1);
    xpc_dictionary_set_data(d, "data", "\0\1\2", 3);
    xpc_dictionary_set_data(d, "empty", "", 0);
    xpc_dictionary_set_string(d, "string", "h\xc3\xa9llo \xff");
    xpc_dictionary_set_uuid(d, "uuid", uuid);
    xpc_dictionary_set_value(d, "null", xpc_null_create());
    xpc_dictionary_set_string(inner, "", "the empty key");
    xpc_array_append_value(a, inner);
    xpc_array_set_int64(a, XPC_ARRAY_APPEND, 4);
    xpc_dictionary_set_value(d, "array", a);
    xpc_release(inner);
    xpc_release(a);
    return d;
}

/* With one descriptor of each kind. */
static xpc_object_t full_sample(void) {
    xpc_object_t d = plain_sample();
    struct xpc_linux_surface_layout layout = {16, 8, 64, 0x42475241, 512};
    void *region = xpc_linux_region_create(4096);
    xpc_object_t shmem = xpc_shmem_create(region, 1000);
    xpc_linux_region_destroy(region, 4096);
    int fd = memfd_create("surface", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(ftruncate(fd, 512) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    xpc_object_t surface = xpc_linux_surface_create(fd, &layout);
    struct xpc_linux_planes planes = {.modifier = 1, .count = 2, .planes = {{0, 16, 4, 64}, {256, 8, 2, 128}}};
    xpc_object_t planar = xpc_linux_surface_create_planar(fd, &layout, &planes);
    close(fd);
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_dictionary_set_connection(d, "endpoint", listener);
    xpc_dictionary_set_value(d, "shmem", shmem);
    xpc_dictionary_set_value(d, "surface", surface);
    xpc_dictionary_set_value(d, "planar", planar);
    xpc_dictionary_set_fd(d, "fd", 0);
    discard(listener);
    xpc_release(shmem);
    xpc_release(surface);
    xpc_release(planar);
    return d;
}

static void round_trips(void) {
    const char *why;
    xpc_object_t message = plain_sample();
    struct encoded encoded = encode(message);
    xpc_object_t decoded = decode(encoded.bytes, encoded.length, &encoded, &why);
    CHECK(xpc_equal(message, decoded) && xpc_hash(message) == xpc_hash(decoded));
    struct encoded again = encode(decoded);
    CHECK(again.length == encoded.length && memcmp(again.bytes, encoded.bytes, again.length) == 0);
    encoded_free(&again);
    encoded_free(&encoded);
    xpc_release(decoded);
    xpc_release(message);
}

static void round_trips_descriptors(void) {
    const char *why;
    struct xpc_linux_surface_layout layout;
    xpc_object_t message = full_sample();
    struct encoded encoded = encode(message);
    CHECK(encoded.count == 5);
    xpc_object_t decoded = decode(encoded.bytes, encoded.length, &encoded, &why);
    CHECK(xpc_get_type(xpc_dictionary_get_value(decoded, "endpoint")) == XPC_TYPE_ENDPOINT);
    CHECK(xpc_linux_surface_get_layout(xpc_dictionary_get_value(decoded, "surface"), &layout));
    CHECK(layout.width == 16 && layout.height == 8 && layout.bytes_per_row == 64);
    CHECK(layout.pixel_format == 0x42475241 && layout.length == 512);
    struct xpc_linux_planes planes;
    CHECK(xpc_linux_surface_get_planes(xpc_dictionary_get_value(decoded, "surface"), &planes) && planes.count == 1);
    CHECK(xpc_linux_surface_get_layout(xpc_dictionary_get_value(decoded, "planar"), &layout));
    CHECK(layout.width == 16 && layout.height == 8 && layout.bytes_per_row == 64 && layout.length == 512);
    CHECK(xpc_linux_surface_get_planes(xpc_dictionary_get_value(decoded, "planar"), &planes));
    CHECK(planes.modifier == 1 && planes.count == 2 && planes.planes[0].height == 4 && planes.planes[1].offset == 256);
    CHECK(planes.planes[1].width == 8 && planes.planes[1].height == 2 && planes.planes[1].bytes_per_row == 128);
    void *start = NULL;
    CHECK(xpc_shmem_map(xpc_dictionary_get_value(decoded, "shmem"), &start) == 4096);
    munmap(start, 4096);
    encoded_free(&encoded);
    xpc_release(decoded);
    xpc_release(message);
}

/* The bytes of a message with one surface. */
static struct encoded surface_message(xpc_object_t surface) {
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_value(message, "a", surface);
    struct encoded encoded = encode(message);
    xpc_release(message);
    xpc_release(surface);
    return encoded;
}

/* An earlier build knows only tag 15: what that can describe is sent so. */
static void has_the_documented_bytes_of_surfaces(void) {
    static const uint8_t one[] = {11, 1, 0, 0, 0, 1, 0, 0, 0, 'a', 15, 2, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0,
                                  'D', 'C', 'B', 'A', 0, 16, 0, 0, 0, 0, 0, 0};
    static const uint8_t two[] = {11, 1, 0, 0, 0, 1, 0, 0, 0, 'a', 16, 2, 0, 0, 0, 1, 0, 0, 0, 'D', 'C', 'B', 'A',
                                  0, 16, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0,
                                  3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0,
                                  0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0};
    struct xpc_linux_surface_layout layout = {2, 1, 8, 0x41424344, 4096};
    struct xpc_linux_planes planes = {.count = 1, .planes = {{0, 2, 1, 8}}};
    int fd = memfd_create("surface", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(ftruncate(fd, 4096) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    struct encoded encoded = surface_message(xpc_linux_surface_create_planar(fd, &layout, &planes));
    CHECK(encoded.length == sizeof one && memcmp(encoded.bytes, one, sizeof one) == 0);
    encoded_free(&encoded);
    planes = (struct xpc_linux_planes){.modifier = 9, .count = 2, .planes = {{3, 2, 1, 8}, {256, 1, 1, 7}}};
    encoded = surface_message(xpc_linux_surface_create_planar(fd, &layout, &planes));
    CHECK(encoded.length == sizeof two && memcmp(encoded.bytes, two, sizeof two) == 0);
    const char *why;
    uint8_t bytes[sizeof two];
    memcpy(bytes, two, sizeof two);
    bytes[39] = 5; /* planes */
    CHECK(decode(bytes, sizeof two, &encoded, &why) == NULL);
    CHECK_TEXT(why, "a surface has too many planes");
    memcpy(bytes, two, sizeof two);
    bytes[69] = 0x10; /* the second plane begins at the end of the memory */
    bytes[68] = 0xff;
    CHECK(decode(bytes, sizeof two, &encoded, &why) == NULL);
    CHECK_TEXT(why, "a surface's layout contradicts itself");
    memcpy(bytes, two, sizeof two);
    bytes[39] = 0;
    CHECK(decode(bytes, 43, &encoded, &why) == NULL);
    CHECK_TEXT(why, "a surface's layout contradicts itself");
    memcpy(bytes, two, sizeof two);
    bytes[31] = 0; /* the modifier */
    bytes[39] = 1;
    bytes[43] = 0; /* the offset of the only plane: tag 15 can say all of this */
    CHECK(decode(bytes, 63, &encoded, &why) == NULL);
    CHECK_TEXT(why, "a surface of one plane is described as planar");
    bytes[43] = 1;
    xpc_object_t decoded = decode(bytes, 63, &encoded, &why);
    CHECK(decoded != NULL);
    xpc_release(decoded);
    encoded_free(&encoded);
    close(fd);
}

/* The bytes must be those that wire.h describes, because other versions depend on them. */
static void has_the_documented_bytes(void) {
    static const uint8_t body[] = {11, 2, 0, 0, 0,                        /* dictionary of 2 */
                                   1,  0, 0, 0, 'a', 3, 254, 255, 255, 255, 255, 255, 255, 255,
                                   2,  0, 0, 0, 'b', 'c', 8, 1, 0, 0, 0, 'x'};
    static const uint8_t header[] = {'X', 'P', 'C', 'L', 1, 2, 0, 0, 31, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0};
    const char *why;
    bool refused;
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_string(message, "bc", "x");
    xpc_dictionary_set_int64(message, "a", -2);
    struct xl_parcel *parcel = xl_parcel_create(XL_KIND_REQUEST, 5, message, &why, &refused);
    CHECK(parcel->length == sizeof header + sizeof body);
    CHECK(memcmp(parcel->bytes, header, sizeof header) == 0);
    CHECK(memcmp(parcel->bytes + sizeof header, body, sizeof body) == 0);
    xl_parcel_free(parcel);
    xpc_release(message);
}

/* Packets to an endpoint: one descriptor, and nothing else. */
static void has_the_documented_bytes_to_an_endpoint(void) {
    for (uint8_t kind = 5; kind <= 7; kind += 2) {
        const uint8_t expected[] = {'X', 'P', 'C', 'L', 1, kind, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        const char *why;
        bool refused;
        struct xl_header decoded;
        struct xl_parcel *parcel = xl_parcel_create(kind == 5 ? XL_KIND_CONNECT : XL_KIND_DERIVE, 0, NULL, &why, &refused);
        CHECK(parcel->length == sizeof expected && memcmp(parcel->bytes, expected, sizeof expected) == 0);
        CHECK(!xl_header_decode(expected, sizeof expected, &decoded) && decoded.kind == kind);
        xl_parcel_free(parcel);
    }
}

static void refuses_every_truncation(void) {
    const char *why;
    xpc_object_t message = full_sample();
    struct encoded encoded = encode(message);
    for (size_t length = 0; length < encoded.length; length++) {
        CHECK(decode(encoded.bytes, length, &encoded, &why) == NULL);
    }
    uint8_t *longer = calloc(1, encoded.length + 1);
    memcpy(longer, encoded.bytes, encoded.length);
    CHECK(decode(longer, encoded.length + 1, &encoded, &why) == NULL);
    CHECK_TEXT(why, "bytes follow the body");
    for (size_t count = 0; count < encoded.count; count++) {
        struct encoded fewer = encoded;
        fewer.count = count;
        CHECK(decode(encoded.bytes, encoded.length, &fewer, &why) == NULL);
        CHECK_TEXT(why, "a descriptor is missing");
    }
    free(longer);
    encoded_free(&encoded);
    xpc_release(message);
}

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* Every body that decodes must encode to the same bytes. */
static void survives_random_flips(void) {
    const char *why;
    xpc_object_t messages[] = {plain_sample(), full_sample()};
    int accepted = 0;
    for (int which = 0; which < 2; which++) {
        struct encoded encoded = encode(messages[which]);
        uint8_t *bytes = malloc(encoded.length);
        for (int i = 0; i < (which ? 20000 : 200000); i++) {
            memcpy(bytes, encoded.bytes, encoded.length);
            for (uint64_t flips = 1 + next_random() % 3; flips; flips--) {
                uint64_t byte = next_random() % 4 ? next_random() : next_random() % 20; /* often a tag */
                bytes[next_random() % encoded.length] = (uint8_t)byte;
            }
            xpc_object_t decoded = decode(bytes, encoded.length, &encoded, &why);
            if (!decoded) continue;
            accepted++;
            struct encoded again = encode(decoded);
            CHECK(again.length == encoded.length && memcmp(again.bytes, bytes, again.length) == 0);
            encoded_free(&again);
            xpc_release(decoded);
        }
        free(bytes);
        encoded_free(&encoded);
        xpc_release(messages[which]);
    }
    CHECK(accepted > 1000); /* otherwise the changes reached only the first check */
}

static bool refused_with(const void *bytes, size_t length, const char *expected) {
    const char *why = NULL;
    struct encoded none = {0};
    xpc_object_t body = decode(bytes, length, &none, &why);
    bool as_expected = !body && strcmp(why, expected) == 0;
    if (!as_expected) fprintf(stderr, "refused with \"%s\", not \"%s\"\n", why ? why : "(nothing)", expected);
    xpc_release(body);
    return as_expected;
}

static void refuses_broken_rules(void) {
    CHECK(refused_with("\1", 1, "the body is no dictionary"));
    CHECK(refused_with("\13\1\0\0\0\1\0\0\0a\0", 11, "a value has an unknown type"));
    CHECK(refused_with("\13\1\0\0\0\1\0\0\0a\21", 11, "a value has an unknown type"));
    CHECK(refused_with("\13\1\0\0\0\1\0\0\0a\2\2", 12, "a bool is neither 0 nor 1"));
    CHECK(refused_with("\13\1\0\0\0\1\0\0\0\0\1", 11, "a key has a NUL in it"));
    CHECK(refused_with("\13\1\0\0\0\1\0\0\0a\10\1\0\0\0\0", 16, "a string has a NUL in it"));
    CHECK(refused_with("\13\377\377\377\377\1\0\0\0a\1", 11, "a container claims more than there is"));
    CHECK(refused_with("\13\1\0\0\0\1\0\0\0a\12\1\0\0\0", 15, "a container claims more than there is"));
    CHECK(refused_with("\13\1\0\0\0\1\0\0\0a\7\377\377\377\377x", 16, "a value is cut short"));
    CHECK(refused_with("\13\2\0\0\0\1\0\0\0a\1\1\0\0\0a\1", 17, "the keys do not ascend"));
    CHECK(refused_with("\13\2\0\0\0\1\0\0\0b\1\1\0\0\0a\1", 17, "the keys do not ascend"));
    CHECK(refused_with("\13\2\0\0\0\2\0\0\0ab\1\1\0\0\0a\1", 18, "the keys do not ascend"));
    CHECK(refused_with("\13\1\0\0\0\1\0\0\0a\14", 11, "a descriptor is missing"));
}

static void refuses_descriptors_of_another_kind(void) {
    const char *why;
    static const char endpoint[] = "\13\1\0\0\0\1\0\0\0a\15";
    static const char shmem[] = "\13\1\0\0\0\1\0\0\0a\16\0\20\0\0\0\0\0\0"; /* of 4096 bytes */
    int unsealed = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int small = memfd_create("small", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int stream[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) == 0);
    CHECK(ftruncate(unsealed, 4096) == 0 && ftruncate(small, 4095) == 0);
    CHECK(fcntl(small, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    struct encoded with = {.count = 1, .descriptors = {stream[0]}};
    CHECK(decode((const uint8_t *)endpoint, sizeof endpoint - 1, &with, &why) == NULL);
    CHECK_TEXT(why, "an endpoint is no such socket");
    CHECK(decode((const uint8_t *)shmem, sizeof shmem - 1, &with, &why) == NULL);
    CHECK_TEXT(why, "shared memory is not a memfd sealed against shrinking");
    with.descriptors[0] = unsealed;
    CHECK(decode((const uint8_t *)shmem, sizeof shmem - 1, &with, &why) == NULL);
    CHECK_TEXT(why, "shared memory is not a memfd sealed against shrinking");
    with.descriptors[0] = small;
    CHECK(decode((const uint8_t *)shmem, sizeof shmem - 1, &with, &why) == NULL);
    CHECK_TEXT(why, "shared memory is smaller than it claims");
    CHECK(decode((const uint8_t *)"\13\0\0\0\0", 5, &with, &why) == NULL);
    CHECK_TEXT(why, "a descriptor is not used");
    close(unsealed);
    close(small);
    close(stream[0]);
    close(stream[1]);
}

/* ---- Limits, each at its bound and one beyond ----------------------------------------- */

static xpc_object_t nested(int depth) {
    xpc_object_t message = xpc_dictionary_create_empty(), inside = xpc_retain(message);
    for (int i = 2; i <= depth; i++) {
        xpc_object_t next = i == depth ? xpc_int64_create(0) : xpc_dictionary_create_empty();
        xpc_dictionary_set_value(inside, "a", next);
        xpc_release(inside);
        inside = next;
    }
    xpc_release(inside);
    return message;
}

static bool may_be_sent(xpc_object_t message, const char *expected) {
    char reason[100] = "";
    bool may = xpc_linux_message_check(message, reason, sizeof reason) == 0;
    if (!may) CHECK_TEXT(reason, expected);
    CHECK(xpc_linux_message_check(message, NULL, 0) == (may ? 0 : -1));
    xpc_release(message);
    return may;
}

static xpc_object_t with_data(size_t length) {
    xpc_object_t message = xpc_dictionary_create_empty();
    void *bytes = calloc(1, length);
    xpc_dictionary_set_data(message, "data", bytes, length);
    free(bytes);
    return message;
}

static xpc_object_t with_descriptors(int count) {
    xpc_object_t message = xpc_dictionary_create_empty(), array = xpc_array_create_empty();
    for (int i = 0; i < count; i++) xpc_array_set_fd(array, XPC_ARRAY_APPEND, 0);
    xpc_dictionary_set_value(message, "array", array);
    xpc_release(array);
    return message;
}

static void limits_what_is_sent(void) {
    size_t overhead = 5 + 4 + 4 + 5; /* of the dictionary, the key and its length, and the data */
    CHECK(may_be_sent(with_data(XPC_LINUX_MESSAGE_MAX - overhead), ""));
    CHECK(!may_be_sent(with_data(XPC_LINUX_MESSAGE_MAX - overhead + 1), "the message is longer than 1048576 bytes"));
    CHECK(may_be_sent(nested(32), ""));
    CHECK(!may_be_sent(nested(33), "the message is nested deeper than 32"));
    CHECK(may_be_sent(with_descriptors(16), ""));
    CHECK(!may_be_sent(with_descriptors(17), "the message has more than 16 descriptors"));
    CHECK(!may_be_sent(xpc_array_create_empty(), "a message must be a dictionary"));
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_value(message, "error", INVALID);
    CHECK(!may_be_sent(message, "a connection or an error cannot be sent"));
    message = xpc_dictionary_create_empty();
    xpc_dictionary_set_fd(message, "fd", -1);
    CHECK(!may_be_sent(message, "a dictionary is incomplete: a value could not be made"));
}

/* As nested(), but as bytes, because the encoder refuses it. */
static void limits_the_depth_that_is_received(void) {
    uint8_t bytes[64 * 10], *at = bytes;
    const char *why;
    struct encoded none = {0};
    for (int depth = 1; depth <= 33; depth++) {
        memcpy(at, "\13\1\0\0\0\1\0\0\0a", 10);
        at += 10;
        *at = XL_TAG_NULL;
        xpc_object_t decoded = decode(bytes, (size_t)(at - bytes) + 1, &none, &why);
        CHECK((decoded != NULL) == (depth < 32)); /* the null inside is one level deeper */
        xpc_release(decoded);
    }
    CHECK_TEXT(why, "it is nested too deep");
}

static const char *header_with(size_t at, uint8_t byte, size_t length) {
    struct xl_header header = {.kind = XL_KIND_REQUEST, .length = 10, .descriptors = 1, .id = 3}, decoded;
    uint8_t bytes[XL_HEADER_BYTES + 10] = {0};
    xl_header_encode(&header, bytes);
    if (at < XL_HEADER_BYTES) bytes[at] = byte;
    const char *why = xl_header_decode(bytes, length, &decoded);
    if (!why) CHECK(decoded.kind == header.kind && decoded.id == 3 && decoded.descriptors == 1 && decoded.length == 10);
    return why ? why : "";
}

/* A DERIVE with one byte changed. */
static const char *to_endpoint_with(size_t at, uint8_t byte, size_t length) {
    struct xl_header header = {.kind = XL_KIND_DERIVE, .descriptors = 1}, decoded;
    uint8_t bytes[XL_HEADER_BYTES + 10] = {0};
    xl_header_encode(&header, bytes);
    bytes[at] = byte;
    return xl_header_decode(bytes, length, &decoded);
}

static void checks_headers(void) {
    enum { NOWHERE = 99 };
    CHECK_TEXT(header_with(NOWHERE, 0, 34), "");
    for (size_t length = 0; length < XL_HEADER_BYTES; length++) {
        CHECK_TEXT(header_with(NOWHERE, 0, length), "the header is cut short");
    }
    CHECK_TEXT(header_with(NOWHERE, 0, 33), "the length is not that of the packet");
    CHECK_TEXT(header_with(0, 'x', 34), "the header does not start with XPCL");
    CHECK_TEXT(header_with(4, 2, 34), "the version of the wire format is not 1");
    CHECK_TEXT(header_with(5, 0, 34), "the kind of the packet is unknown");
    CHECK_TEXT(header_with(5, XL_KIND_DERIVE + 1, 34), "the kind of the packet is unknown");
    CHECK_TEXT(header_with(5, XL_KIND_GOODBYE, 34), "a goodbye is more than a short text");
    CHECK_TEXT(header_with(5, XL_KIND_MESSAGE, 34), "the id does not fit the kind");
    CHECK_TEXT(header_with(5, XL_KIND_DECLINE, 34), "a body where none belongs");
    CHECK_TEXT(header_with(5, XL_KIND_DERIVE, 34), "the id does not fit the kind");
    CHECK_TEXT(to_endpoint_with(8, 10, 34), "a body where none belongs");
    CHECK_TEXT(to_endpoint_with(12, 0, 24), "the descriptors do not fit the kind");
    CHECK_TEXT(to_endpoint_with(12, 2, 24), "the descriptors do not fit the kind");
    CHECK_TEXT(to_endpoint_with(6, 1, 24), "a body where none belongs");
    CHECK_TEXT(header_with(6, 2, 34), "unknown flags are set");
    CHECK_TEXT(header_with(7, 1, 34), "unknown flags are set");
    CHECK_TEXT(header_with(6, 1, 34), "a spilled body is there twice");
    CHECK_TEXT(header_with(6, 1, 24), "a short body is spilled");
    CHECK_TEXT(header_with(11, 1, 34), "the body is too long");
    CHECK_TEXT(header_with(12, 17, 34), "there are too many descriptors");
    CHECK_TEXT(header_with(16, 0, 34), "the id does not fit the kind");
}

static const struct test tests[] = {
    {"round trips", round_trips},
    {"round trips descriptors", round_trips_descriptors},
    {"has the documented bytes", has_the_documented_bytes},
    {"has the documented bytes of surfaces", has_the_documented_bytes_of_surfaces},
    {"has the documented bytes to an endpoint", has_the_documented_bytes_to_an_endpoint},
    {"refuses every truncation", refuses_every_truncation},
    {"survives random flips", survives_random_flips},
    {"refuses broken rules", refuses_broken_rules},
    {"refuses descriptors of another kind", refuses_descriptors_of_another_kind},
    {"limits what is sent", limits_what_is_sent},
    {"limits the depth that is received", limits_the_depth_that_is_received},
    {"checks headers", checks_headers},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
