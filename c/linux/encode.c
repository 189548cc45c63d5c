/*
 * encode.c - objects to bytes. The same walk runs twice: to measure, then to write.
 */
#include <endian.h>
#include <string.h>

#include "carrier.h"
#include "room.h"
#include "wire.h"

struct writer {
    uint8_t *out; /* NULL: measure only */
    struct xl_carrier **carriers;
    struct xl_measure so_far;
    struct xl_measure limit;
    const char *why; /* the first reason against sending */
};

static void put(struct writer *writer, const void *bytes, size_t length) {
    if (writer->limit.length - writer->so_far.length < length) {
        if (!writer->why) writer->why = "the message is longer than 1048576 bytes";
        return;
    }
    if (writer->out && length) memcpy(writer->out + writer->so_far.length, bytes, length);
    writer->so_far.length += length;
}

static void put8(struct writer *writer, enum xl_tag tag) {
    uint8_t byte = (uint8_t)tag;
    put(writer, &byte, 1);
}

static void put32(struct writer *writer, uint64_t value) {
    uint32_t bytes = htole32((uint32_t)value); /* larger values were refused before */
    put(writer, &bytes, 4);
}

static void put64(struct writer *writer, uint64_t value) {
    uint64_t bytes = htole64(value);
    put(writer, &bytes, 8);
}

/* Adds a cost: a receiver would refuse a message that costs too much. */
static void spend(struct writer *writer, uint64_t cost) {
    writer->so_far.cost += cost;
    if (writer->so_far.cost > XPC_LINUX_COST_MAX && !writer->why) {
        writer->why = XL_TOO_COSTLY;
    }
}

static void put_counted(struct writer *writer, const void *bytes, size_t length) {
    put32(writer, length);
    put(writer, bytes, length);
}

static void put_carrier(struct writer *writer, struct xl_carrier *carrier) {
    if (writer->so_far.descriptors >= writer->limit.descriptors) {
        if (!writer->why) writer->why = "the message has more than 16 descriptors";
        return;
    }
    if (writer->carriers) writer->carriers[writer->so_far.descriptors] = carrier;
    writer->so_far.descriptors++;
}

static void put_value(struct writer *writer, xpc_object_t object, int depth);

static void put_array(struct writer *writer, const struct xl_array *array, int depth) {
    if (array->incomplete) writer->why = "an array is incomplete: memory ran out when it was filled";
    put32(writer, array->count);
    for (size_t i = 0; i < array->count && !writer->why; i++) put_value(writer, array->values[i], depth + 1);
}

static void put_dictionary(struct writer *writer, const struct _xpc_dictionary_s *dictionary, int depth) {
    if (dictionary->incomplete) writer->why = "a dictionary is incomplete: a value could not be made";
    put32(writer, dictionary->count);
    for (size_t i = 0; i < dictionary->count && !writer->why; i++) {
        size_t length = strlen(dictionary->entries[i].key);
        spend(writer, XL_COST_VALUE + length);
        put_counted(writer, dictionary->entries[i].key, length);
        put_value(writer, dictionary->entries[i].value, depth + 1);
    }
}

static void put_surface(struct writer *writer, const struct xpc_linux_surface_layout *layout) {
    put32(writer, layout->width);
    put32(writer, layout->height);
    put32(writer, layout->bytes_per_row);
    put32(writer, layout->pixel_format);
    put64(writer, layout->length);
}

static void put_planar(struct writer *writer, const struct xl_carrier *surface) {
    const struct xpc_linux_surface_layout *layout = &surface->layout;
    put32(writer, layout->width);
    put32(writer, layout->height);
    put32(writer, layout->pixel_format);
    put64(writer, layout->length);
    put64(writer, surface->planes.modifier);
    put32(writer, surface->planes.count);
    for (uint32_t i = 0; i < surface->planes.count; i++) {
        const struct xpc_linux_plane *plane = &surface->planes.planes[i];
        put64(writer, plane->offset);
        put32(writer, plane->width);
        put32(writer, plane->height);
        put32(writer, plane->bytes_per_row);
    }
}

static const struct {
    xpc_type_t type;
    enum xl_tag tag;
} tags[] = {
    {XPC_TYPE_STRING, XL_TAG_STRING},
    {XPC_TYPE_INT64, XL_TAG_INT64},
    {XPC_TYPE_UINT64, XL_TAG_UINT64},
    {XPC_TYPE_DICTIONARY, XL_TAG_DICTIONARY},
    {XPC_TYPE_DOUBLE, XL_TAG_DOUBLE},
    {XPC_TYPE_BOOL, XL_TAG_BOOL},
    {XPC_TYPE_DATA, XL_TAG_DATA},
    {XPC_TYPE_ARRAY, XL_TAG_ARRAY},
    {XPC_TYPE_NULL, XL_TAG_NULL},
    {XPC_TYPE_DATE, XL_TAG_DATE},
    {XPC_TYPE_UUID, XL_TAG_UUID},
    {XPC_TYPE_FD, XL_TAG_FD},
    {XPC_TYPE_ENDPOINT, XL_TAG_ENDPOINT},
    {XPC_TYPE_SHMEM, XL_TAG_SHMEM},
    {XPC_TYPE_LINUX_SURFACE, XL_TAG_SURFACE},
};

static enum xl_tag tag_of(xpc_object_t object) {
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (tags[i].type != xpc_get_type(object)) continue;
        const struct xl_carrier *carrier = object;
        bool planar = tags[i].tag == XL_TAG_SURFACE && xl_surface_is_planar(&carrier->layout, &carrier->planes);
        return planar ? XL_TAG_PLANAR : tags[i].tag;
    }
    return 0;
}

static void put_value(struct writer *writer, xpc_object_t object, int depth) {
    if (depth > XPC_LINUX_DEPTH_MAX) {
        writer->why = "the message is nested deeper than 32";
        return;
    }
    enum xl_tag tag = tag_of(object);
    struct xl_bytes *bytes = object;
    struct xl_carrier *carrier = object;
    put8(writer, tag);
    spend(writer, xl_tag_cost(tag));
    switch (tag) {
    case XL_TAG_NULL: break;
    case XL_TAG_BOOL: put(writer, xpc_bool_get_value(object) ? "\1" : "\0", 1); break;
    case XL_TAG_INT64:
    case XL_TAG_UINT64:
    case XL_TAG_DATE:
    case XL_TAG_DOUBLE: put64(writer, ((struct xl_number *)object)->value.u); break; /* by its bits */
    case XL_TAG_DATA: writer->so_far.data_bytes += bytes->length; /* fall through */
    case XL_TAG_STRING:
        spend(writer, bytes->length);
        put_counted(writer, bytes->bytes, bytes->length);
        break;
    case XL_TAG_UUID:
        spend(writer, bytes->length);
        put(writer, bytes->bytes, bytes->length);
        break;
    case XL_TAG_ARRAY: put_array(writer, object, depth); break;
    case XL_TAG_DICTIONARY: put_dictionary(writer, object, depth); break;
    case XL_TAG_FD:
    case XL_TAG_ENDPOINT: put_carrier(writer, carrier); break;
    case XL_TAG_SHMEM:
        put64(writer, carrier->length);
        put_carrier(writer, carrier);
        break;
    case XL_TAG_SURFACE:
        put_surface(writer, &carrier->layout);
        put_carrier(writer, carrier);
        break;
    case XL_TAG_PLANAR:
        put_planar(writer, carrier);
        put_carrier(writer, carrier);
        break;
    default: writer->why = "a connection or an error cannot be sent"; break;
    }
}

const char *xl_body_measure(xpc_object_t message, struct xl_measure *out) {
    struct writer writer = {.limit = {.length = XPC_LINUX_MESSAGE_MAX, .descriptors = XPC_LINUX_DESCRIPTORS_MAX}};
    if (xpc_get_type(message) != XPC_TYPE_DICTIONARY) return "a message must be a dictionary";
    put_value(&writer, message, 1);
    *out = writer.so_far;
    return writer.why;
}

void xl_body_encode(xpc_object_t message, const struct xl_measure *measure, uint8_t *out,
                    struct xl_carrier **carriers) {
    struct writer writer = {.out = out, .carriers = carriers, .limit = *measure};
    put_value(&writer, message, 1);
}

void xl_header_encode(const struct xl_header *header, uint8_t out[XL_HEADER_BYTES]) {
    struct writer writer = {.out = out, .limit = {.length = XL_HEADER_BYTES}};
    uint16_t flags = htole16(header->spilled ? 1 : 0);
    put(&writer, "XPCL\1", 5);
    put(&writer, &(uint8_t){(uint8_t)header->kind}, 1);
    put(&writer, &flags, 2);
    put32(&writer, header->length);
    put32(&writer, header->descriptors);
    put64(&writer, header->id);
}

int xpc_linux_message_check(xpc_object_t message, char *reason, size_t cap) {
    struct xl_measure measure;
    const char *why = xl_body_measure(message, &measure);
    if (why && cap) snprintf(reason, cap, "%s", why);
    return why ? -1 : 0;
}
