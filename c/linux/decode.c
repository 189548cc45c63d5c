/*
 * decode.c - bytes to objects. The bytes are not trusted.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "carrier.h"
#include "memory.h"
#include "room.h"
#include "wire.h"

struct reader {
    const uint8_t *at, *end;
    int *descriptors;
    size_t count, taken;
    uint64_t cost;
    const char *why;
};

const char XL_TOO_COSTLY[] = "the message takes more than 16777216 bytes when it is decoded: it holds too many values";
const char XL_NO_MEMORY[] = "out of memory";

/* Every failure calls this, so the first reason is kept. */
static void *fail(struct reader *reader, const char *why) {
    if (!reader->why) reader->why = why;
    return NULL;
}

/* Adds a cost. False: it is too much. */
static bool spend(struct reader *reader, uint64_t cost) {
    reader->cost += cost;
    return reader->cost <= XPC_LINUX_COST_MAX || fail(reader, XL_TOO_COSTLY);
}

static size_t left(const struct reader *reader) { return (size_t)(reader->end - reader->at); }

/* Takes the next `length` bytes. Returns NULL if there are fewer. */
static const uint8_t *take(struct reader *reader, size_t length) {
    if (left(reader) < length) return fail(reader, "a value is cut short");
    const uint8_t *bytes = reader->at;
    reader->at += length;
    return bytes;
}

static uint8_t take8(struct reader *reader) {
    const uint8_t *bytes = take(reader, 1);
    return bytes ? *bytes : 0;
}

static uint32_t take32(struct reader *reader) {
    uint32_t value = 0;
    const uint8_t *bytes = take(reader, 4);
    if (bytes) memcpy(&value, bytes, 4);
    return le32toh(value);
}

static uint64_t take64(struct reader *reader) {
    uint64_t value = 0;
    const uint8_t *bytes = take(reader, 8);
    if (bytes) memcpy(&value, bytes, 8);
    return le64toh(value);
}

/* Returns the object, or NULL if there was an error before or there is no memory. */
static xpc_object_t made(struct reader *reader, xpc_object_t object) {
    if (!object) return fail(reader, XL_NO_MEMORY);
    if (!reader->why) return object;
    xpc_release(object);
    return NULL;
}

static xpc_object_t take_bytes(struct reader *reader, xpc_type_t type, size_t length) {
    const uint8_t *bytes = take(reader, length);
    if (!bytes || !spend(reader, length)) return NULL;
    if (type == XPC_TYPE_STRING && memchr(bytes, 0, length)) return fail(reader, "a string has a NUL in it");
    return made(reader, xl_bytes_create(type, bytes, length));
}

static xpc_object_t take_bool(struct reader *reader) {
    uint8_t value = take8(reader);
    return value > 1 ? fail(reader, "a bool is neither 0 nor 1") : made(reader, xpc_bool_create(value));
}

static xpc_object_t take_double(struct reader *reader) {
    uint64_t bits = take64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    return made(reader, xpc_double_create(value));
}

static struct xl_carrier *take_carrier(struct reader *reader, xpc_type_t type) {
    if (reader->taken >= reader->count) return fail(reader, "a descriptor is missing");
    int fd = reader->descriptors[reader->taken];
    reader->descriptors[reader->taken++] = -1;
    return made(reader, xl_carrier_consume(type, fd));
}

static xpc_object_t refuse(struct reader *reader, xpc_object_t object, const char *why) {
    xpc_release(object);
    return fail(reader, why);
}

static xpc_object_t take_endpoint(struct reader *reader) {
    struct xl_carrier *endpoint = take_carrier(reader, XPC_TYPE_ENDPOINT);
    if (endpoint && !xl_is_seqpacket(endpoint->fd)) return refuse(reader, endpoint, "an endpoint is no such socket");
    return endpoint;
}

static xpc_object_t take_shmem(struct reader *reader) {
    uint64_t length = take64(reader);
    struct xl_carrier *shmem = take_carrier(reader, XPC_TYPE_SHMEM);
    if (!shmem) return NULL;
    shmem->length = length;
    int why = xl_memory_round(length) ? xl_memory_check(shmem->fd, length, 0) : ERANGE;
    if (!why) return shmem;
    return refuse(reader, shmem,
                  why == EPERM ? "shared memory is not a memfd sealed against shrinking"
                               : "shared memory is smaller than it claims");
}

/* The surface that was described, and the descriptor of its memory, which comes next. */
static xpc_object_t take_surface_memory(struct reader *reader, const struct xpc_linux_surface_layout *layout,
                                        const struct xpc_linux_planes *planes) {
    struct xl_carrier *surface = take_carrier(reader, XPC_TYPE_LINUX_SURFACE);
    if (!surface) return NULL;
    surface->layout = *layout;
    surface->planes = *planes;
    int why = xl_surface_check(surface->fd, layout, planes);
    if (!why) return surface;
    return refuse(reader, surface,
                  why == EPERM    ? "a surface is not a memfd sealed against shrinking"
                  : why == ERANGE ? "a surface is larger than its memory"
                                  : "a surface's layout contradicts itself");
}

static xpc_object_t take_surface(struct reader *reader) {
    struct xpc_linux_surface_layout layout = {.width = take32(reader)};
    layout.height = take32(reader);
    layout.bytes_per_row = take32(reader);
    layout.pixel_format = take32(reader);
    layout.length = take64(reader);
    struct xpc_linux_planes planes = xl_surface_one_plane(&layout);
    return take_surface_memory(reader, &layout, &planes);
}

static xpc_object_t take_planar(struct reader *reader) {
    struct xpc_linux_surface_layout layout = {.width = take32(reader)};
    layout.height = take32(reader);
    layout.pixel_format = take32(reader);
    layout.length = take64(reader);
    struct xpc_linux_planes planes = {.modifier = take64(reader)};
    planes.count = take32(reader);
    if (planes.count > XPC_LINUX_PLANES_MAX) return fail(reader, "a surface has too many planes");
    for (uint32_t i = 0; i < planes.count; i++) {
        struct xpc_linux_plane *plane = &planes.planes[i];
        plane->offset = take64(reader);
        plane->width = take32(reader);
        plane->height = take32(reader);
        plane->bytes_per_row = take32(reader);
    }
    layout.bytes_per_row = planes.planes[0].bytes_per_row;
    /* Encoding is unique. */
    if (!xl_surface_is_planar(&layout, &planes)) return fail(reader, "a surface of one plane is described as planar");
    return take_surface_memory(reader, &layout, &planes);
}

static xpc_object_t take_value(struct reader *reader, int depth);

/* The number of elements. Each needs at least `least` bytes, so a count that is too high fails at once. */
static uint32_t take_count(struct reader *reader, size_t least) {
    uint32_t count = take32(reader);
    if (count <= left(reader) / least) return count;
    fail(reader, "a container claims more than there is");
    return 0;
}

static xpc_object_t take_array(struct reader *reader, int depth) {
    uint32_t count = take_count(reader, 1);
    struct xl_array *array = made(reader, xpc_array_create_empty());
    for (uint32_t i = 0; array && i < count; i++) {
        if (xl_array_append_consume(array, take_value(reader, depth + 1))) continue;
        return refuse(reader, array, XL_NO_MEMORY);
    }
    return array;
}

/* Takes the next key, which must follow the one before. The result points into the input. */
static const char *take_key(struct reader *reader, const struct _xpc_dictionary_s *dictionary, size_t *length) {
    *length = take32(reader);
    const char *key = (const char *)take(reader, *length);
    if (!key || !spend(reader, XL_COST_VALUE + *length)) return NULL;
    if (memchr(key, 0, *length)) return fail(reader, "a key has a NUL in it");
    if (!dictionary->count) return key;
    const char *before = dictionary->entries[dictionary->count - 1].key;
    int order = strncmp(before, key, *length);
    bool ascends = order < 0 || (order == 0 && strlen(before) < *length);
    return ascends ? key : fail(reader, "the keys do not ascend");
}

static xpc_object_t take_dictionary(struct reader *reader, int depth) {
    uint32_t count = take_count(reader, 5);
    struct _xpc_dictionary_s *dictionary = made(reader, xpc_dictionary_create_empty());
    for (uint32_t i = 0; dictionary && i < count; i++) {
        size_t length;
        const char *key = take_key(reader, dictionary, &length);
        xpc_object_t value = key ? take_value(reader, depth + 1) : NULL;
        if (value && xl_dictionary_append_consume(dictionary, key, length, value)) continue;
        return refuse(reader, dictionary, XL_NO_MEMORY);
    }
    return dictionary;
}

uint64_t xl_tag_cost(enum xl_tag tag) {
    switch (tag) {
    case XL_TAG_NULL:
    case XL_TAG_BOOL: return XL_COST_CONSTANT;
    case XL_TAG_INT64:
    case XL_TAG_UINT64:
    case XL_TAG_DOUBLE:
    case XL_TAG_DATE:
    case XL_TAG_STRING: return XL_COST_VALUE;
    case XL_TAG_ARRAY: return XL_COST_ARRAY;
    default: return XL_COST_OBJECT;
    }
}

uint64_t xl_body_cost_most(size_t length) {
    uint64_t most = (length / XL_COST_LEAST_BYTES + 1 + XPC_LINUX_DESCRIPTORS_MAX) * XL_COST_OBJECT;
    return most < XPC_LINUX_COST_MAX ? most : XPC_LINUX_COST_MAX;
}

static xpc_object_t take_value(struct reader *reader, int depth) {
    if (depth > XPC_LINUX_DEPTH_MAX) return fail(reader, "it is nested too deep");
    enum xl_tag tag = take8(reader);
    if (!spend(reader, xl_tag_cost(tag))) return NULL;
    switch (tag) {
    case XL_TAG_NULL: return xpc_null_create();
    case XL_TAG_BOOL: return take_bool(reader);
    case XL_TAG_INT64: return made(reader, xpc_int64_create((int64_t)take64(reader)));
    case XL_TAG_UINT64: return made(reader, xpc_uint64_create(take64(reader)));
    case XL_TAG_DOUBLE: return take_double(reader);
    case XL_TAG_DATE: return made(reader, xpc_date_create((int64_t)take64(reader)));
    case XL_TAG_DATA: return take_bytes(reader, XPC_TYPE_DATA, take32(reader));
    case XL_TAG_STRING: return take_bytes(reader, XPC_TYPE_STRING, take32(reader));
    case XL_TAG_UUID: return take_bytes(reader, XPC_TYPE_UUID, sizeof(uuid_t));
    case XL_TAG_ARRAY: return take_array(reader, depth);
    case XL_TAG_DICTIONARY: return take_dictionary(reader, depth);
    case XL_TAG_FD: return take_carrier(reader, XPC_TYPE_FD);
    case XL_TAG_ENDPOINT: return take_endpoint(reader);
    case XL_TAG_SHMEM: return take_shmem(reader);
    case XL_TAG_SURFACE: return take_surface(reader);
    case XL_TAG_PLANAR: return take_planar(reader);
    }
    return fail(reader, "a value has an unknown type");
}

/*
 * Passes over a value, and adds up what it costs. It stops where the bytes are malformed: then the
 * decoder finds that as well.
 */
static void skim_value(struct reader *reader, int depth) {
    if (depth > XPC_LINUX_DEPTH_MAX || reader->why) return;
    enum xl_tag tag = take8(reader);
    spend(reader, xl_tag_cost(tag));
    switch (tag) {
    case XL_TAG_BOOL: take(reader, 1); break;
    case XL_TAG_INT64:
    case XL_TAG_UINT64:
    case XL_TAG_DOUBLE:
    case XL_TAG_DATE:
    case XL_TAG_SHMEM: take(reader, 8); break;
    case XL_TAG_UUID: take(reader, sizeof(uuid_t)); break;
    case XL_TAG_SURFACE: take(reader, 24); break;
    case XL_TAG_PLANAR:
        take(reader, 28);
        for (uint32_t count = take_count(reader, 20); count && !reader->why; count--) take(reader, 20);
        break;
    case XL_TAG_DATA:
    case XL_TAG_STRING: {
        size_t length = take32(reader);
        if (take(reader, length)) spend(reader, length);
        break;
    }
    case XL_TAG_ARRAY:
    case XL_TAG_DICTIONARY:
        for (uint32_t count = take_count(reader, 1); count && !reader->why; count--) {
            size_t length = tag == XL_TAG_DICTIONARY ? take32(reader) : 0;
            if (tag == XL_TAG_DICTIONARY && take(reader, length)) spend(reader, XL_COST_VALUE + length);
            skim_value(reader, depth + 1);
        }
        break;
    default: break;
    }
}

/* Finds out before anything is allocated, so that a peer cannot make this process work for nothing. */
static bool is_too_costly(const struct reader *whole) {
    if (xl_body_cost_most(left(whole)) < XPC_LINUX_COST_MAX) return false;
    struct reader reader = *whole;
    skim_value(&reader, 1);
    return reader.why == XL_TOO_COSTLY;
}

xpc_object_t xl_body_decode(const uint8_t *bytes, size_t length, int *descriptors, size_t count, uint64_t *cost,
                            const char **why) {
    struct reader reader = {.at = bytes, .end = bytes + length, .descriptors = descriptors, .count = count};
    xpc_object_t body = NULL;
    if (length > XPC_LINUX_MESSAGE_MAX) fail(&reader, "the body is too long");
    else if (length == 0 || bytes[0] != XL_TAG_DICTIONARY) fail(&reader, "the body is no dictionary");
    else if (is_too_costly(&reader)) fail(&reader, XL_TOO_COSTLY);
    else body = take_value(&reader, 1);
    if (body && left(&reader)) body = refuse(&reader, body, "bytes follow the body");
    if (body && reader.taken != count) body = refuse(&reader, body, "a descriptor is not used");
    *why = reader.why;
    *cost = reader.cost;
    return body;
}

const char *xl_header_decode(const uint8_t *bytes, size_t length, struct xl_header *out) {
    struct reader reader = {.at = bytes, .end = bytes + length};
    if (length < XL_HEADER_BYTES) return "the header is cut short";
    if (memcmp(take(&reader, 4), "XPCL", 4) != 0) return "the header does not start with XPCL";
    if (take8(&reader) != 1) return "the version of the wire format is not 1";
    uint8_t kind = take8(&reader);
    uint32_t flags = take8(&reader);
    flags |= (uint32_t)take8(&reader) << 8;
    *out = (struct xl_header){.kind = kind, .spilled = flags & 1, .length = take32(&reader)};
    out->descriptors = take32(&reader);
    out->id = take64(&reader);
    if (kind < XL_KIND_MESSAGE || kind > XL_KIND_DERIVE) return "the kind of the packet is unknown";
    if (flags > 1) return "unknown flags are set";
    if (out->length > XPC_LINUX_MESSAGE_MAX) return "the body is too long";
    if (out->descriptors > XPC_LINUX_DESCRIPTORS_MAX) return "there are too many descriptors";
    bool exchange = kind == XL_KIND_REQUEST || kind == XL_KIND_REPLY || kind == XL_KIND_DECLINE;
    bool goodbye = kind == XL_KIND_GOODBYE;
    bool connect = kind == XL_KIND_CONNECT;
    if (connect ? out->id > INT32_MAX : (exchange || goodbye) != (out->id != 0)) return "the id does not fit the kind";
    if (goodbye && out->id > XL_GOODBYE_LACKING) return "the reason of a goodbye is unknown";
    if (goodbye && (out->length > XL_GOODBYE_MAX || out->descriptors)) return "a goodbye is more than a short text";
    bool to_endpoint = connect || kind == XL_KIND_DERIVE;
    bool bodiless = kind == XL_KIND_DECLINE || to_endpoint;
    if (bodiless && (out->length || out->spilled)) return "a body where none belongs";
    uint32_t bare = to_endpoint ? 1 : 0;
    if (bodiless && out->descriptors != bare) return "the descriptors do not fit the kind";
    if (!out->spilled && out->length != length - XL_HEADER_BYTES) return "the length is not that of the packet";
    if (out->spilled && length != XL_HEADER_BYTES) return "a spilled body is there twice";
    if (out->spilled && out->length <= XL_INLINE_MAX) return "a short body is spilled";
    return NULL;
}
