/*
 * wire_fuzz.c - the decoder of the wire format, on any bytes.
 *
 * An input is a byte with the number of descriptors (bits 0 to 4) and whether a header comes first
 * (bit 7), a byte for their kinds, and the packet. Checks, besides those of the sanitizers: a
 * decoded body encodes to the same bytes, equals its copy, and leaves no object or descriptor.
 */
#include <string.h>

#include "../linux/carrier.h"
#include "descriptors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t live_objects(void) {
    struct xpc_linux_stats stats;
    xpc_linux_get_stats(&stats);
    return stats.live_objects;
}

/* Encoding is unique: see wire.h. */
static void check_encoding(xpc_object_t body, const uint8_t *bytes, size_t length, size_t descriptors) {
    struct xl_measure measure;
    struct xl_carrier *carriers[XPC_LINUX_DESCRIPTORS_MAX];
    MUST(xl_body_measure(body, &measure) == NULL);
    MUST(measure.length == length && measure.descriptors == descriptors);
    uint8_t *again = malloc(length);
    if (!again) abort();
    xl_body_encode(body, &measure, again, carriers);
    MUST(memcmp(again, bytes, length) == 0);
    free(again);
}

/* Calls the functions that work on every object. */
static void use(xpc_object_t body, size_t descriptors) {
    xpc_object_t copy = xpc_copy(body);
    char *text = xpc_copy_description(body);
    MUST(copy && text && *text);
    /* A copy of a descriptor is not equal to it, and NaN equals nothing. */
    if (!descriptors && xpc_equal(body, copy)) MUST(xpc_hash(body) == xpc_hash(copy));
    MUST(xpc_dictionary_get_count(copy) == xpc_dictionary_get_count(body));
    free(text);
    xpc_release(copy);
}

static void decode_body(const uint8_t *bytes, size_t length, size_t count, uint8_t kinds) {
    int descriptors[XPC_LINUX_DESCRIPTORS_MAX];
    const char *why = NULL;
    uint64_t cost = 0;
    for (size_t i = 0; i < count; i++) {
        descriptors[i] = xl_fd_dup(descriptor_of((unsigned)kinds >> (2 * (i % 4))));
        if (descriptors[i] < 0) abort();
    }
    xpc_object_t body = xl_body_decode(bytes, length, descriptors, count, &cost, &why);
    MUST((body == NULL) == (why != NULL));
    if (body) MUST(cost <= xl_body_cost_most(length));
    if (body) {
        for (size_t i = 0; i < count; i++) MUST(descriptors[i] == -1);
        check_encoding(body, bytes, length, count);
        use(body, count);
        xpc_release(body);
    }
    for (size_t i = 0; i < count; i++) {
        if (descriptors[i] >= 0) close(descriptors[i]);
    }
    MUST(live_objects() == 0);
}

static void decode_packet(const uint8_t *bytes, size_t length, size_t count, uint8_t kinds) {
    struct xl_header header;
    uint8_t again[XL_HEADER_BYTES];
    if (xl_header_decode(bytes, length, &header)) return;
    xl_header_encode(&header, again);
    MUST(memcmp(again, bytes, sizeof again) == 0);
    MUST(header.descriptors <= XPC_LINUX_DESCRIPTORS_MAX && header.length <= XPC_LINUX_MESSAGE_MAX);
    bool has_body = !header.spilled && header.kind < XL_KIND_DECLINE;
    if (!has_body || header.descriptors != count) return;
    MUST(header.length == length - XL_HEADER_BYTES);
    decode_body(bytes + XL_HEADER_BYTES, header.length, count, kinds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    size_t count = data[0] & 31;
    if (count > XPC_LINUX_DESCRIPTORS_MAX) count = 0;
    descriptor_of(0);
    int open_before = count ? count_open() : 0;
    if (data[0] & 128) decode_packet(data + 2, size - 2, count, data[1]);
    else decode_body(data + 2, size - 2, count, data[1]);
    if (count) MUST(count_open() == open_before);
    return 0;
}
