/* packed.c: see packed.h. */
#include "packed.h"

#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "cost.h"
#include "platform.h"
#include "queue.h"
#include "stats.h"
#include "surface.h"
#include "transfer.h"

/* ---- XPC to bytes, first pass: the number of bytes, and the limits ---- */

struct measure {
    uint64_t bytes, cost;
    uint32_t capabilities;
    uint32_t depth;
    const char *problem;
};

static const char too_long[] = "it is over 1 MiB";
static const char too_deep[] = "it is nested deeper than 32 levels";
static const char too_costly[] = "it holds too many values: decoded it takes over 16 MiB";
static const char too_many_capabilities[] = "it has more than 16 capabilities";
static const char not_sendable[] = "it holds what cannot be sent";
static const char long_key[] = "it has a key over 64 KiB";

static bool measured(struct measure *measure, uint64_t bytes, uint64_t cost) {
    measure->bytes += bytes;
    measure->cost += cost;
    if (measure->bytes > SLB_MAX_MESSAGE_BYTES) measure->problem = too_long;
    if (measure->cost > SLB_MAX_MESSAGE_COST) measure->problem = too_costly;
    return !measure->problem;
}

static bool measure_value(struct measure *measure, xpc_object_t value);

static bool measure_entry(void *context, const char *key, xpc_object_t value) {
    struct measure *measure = context;
    size_t length = strlen(key);
    if (length > UINT16_MAX) measure->problem = long_key;
    return measured(measure, 2 + length, COST_VALUE + length) && measure_value(measure, value);
}

static bool measure_container(struct measure *measure, xpc_object_t value, bool dictionary) {
    if (++measure->depth > SLB_MAX_MESSAGE_DEPTH) measure->problem = too_deep;
    bool fits = measured(measure, 5, dictionary ? COST_OBJECT : COST_ARRAY);
    if (fits && dictionary) {
        fits = block_each_entry(value, measure_entry, measure);
    } else if (fits) {
        size_t count = xpc_array_get_count(value);
        for (size_t i = 0; fits && i < count; i++) fits = measure_value(measure, xpc_array_get_value(value, i));
    }
    measure->depth--;
    return fits;
}

static bool measure_value(struct measure *measure, xpc_object_t value) {
    xpc_type_t type = xpc_get_type(value);
    if (type == XPC_TYPE_DICTIONARY) return measure_container(measure, value, true);
    if (type == XPC_TYPE_ARRAY) return measure_container(measure, value, false);
    if (type == XPC_TYPE_NULL) return measured(measure, 1, COST_CONSTANT);
    if (type == XPC_TYPE_BOOL) return measured(measure, 2, COST_CONSTANT);
    if (type == XPC_TYPE_INT64 || type == XPC_TYPE_UINT64 || type == XPC_TYPE_DOUBLE || type == XPC_TYPE_DATE)
        return measured(measure, 9, COST_VALUE);
    if (type == XPC_TYPE_STRING) {
        size_t length = xpc_string_get_length(value);
        return measured(measure, 5 + length, COST_VALUE + length);
    }
    if (type == XPC_TYPE_DATA) {
        size_t length = xpc_data_get_length(value);
        return measured(measure, 5 + length, COST_OBJECT + length);
    }
    if (type == XPC_TYPE_UUID) return measured(measure, 17, COST_OBJECT + 16);
    if (type == XPC_TYPE_ENDPOINT || type == XPC_TYPE_SHMEM || type == XPC_TYPE_FD || surface_is(value)) {
        if (++measure->capabilities > SLB_MAX_MESSAGE_CAPABILITIES) measure->problem = too_many_capabilities;
        return measured(measure, 5, COST_OBJECT);
    }
    measure->problem = not_sendable; /* for example a connection or an activity */
    return false;
}

static uint32_t queue_cost(uint64_t content, uint32_t capabilities) {
    return (uint32_t)(COST_MESSAGE + content + (uint64_t)capabilities * COST_CAPABILITY);
}

const char *packed_measure(xpc_object_t message, struct packed_size *size) {
    struct measure measure = {0};
    const char *problem = platform_message_problem(message);
    if (problem) return problem;
    if (!measure_value(&measure, message)) return measure.problem;
    size->bytes = (uint32_t)measure.bytes;
    size->cost = queue_cost(measure.cost, measure.capabilities);
    return NULL;
}

/* ---- XPC to bytes, second pass ---- */

struct writer {
    struct queue *queue;
    uint8_t *at;
    slb_handle handles[SLB_MAX_MESSAGE_CAPABILITIES];
    uint32_t handle_count;
};

static void write_bytes(struct writer *writer, const void *bytes, size_t length) {
    if (length) memcpy(writer->at, bytes, length);
    writer->at += length;
}

static void write_number(struct writer *writer, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) *writer->at++ = (uint8_t)(value >> (8 * i));
}

static bool write_capability(struct writer *writer, enum packed_tag tag, slb_handle handle) {
    if (!handle) return false;
    writer->handles[writer->handle_count++] = handle;
    write_number(writer, tag, 1);
    write_number(writer, handle, 4);
    return true;
}

static bool write_transfer(struct writer *writer, enum packed_tag tag, uint32_t kind, xpc_object_t value) {
    return write_capability(writer, tag, transfer_handle_consume(writer->queue, kind, xpc_retain(value)));
}

static void write_tagged(struct writer *writer, enum packed_tag tag, uint64_t value, int bytes) {
    write_number(writer, tag, 1);
    write_number(writer, value, bytes);
}

static bool write_value(struct writer *writer, xpc_object_t value);

static bool write_entry(void *context, const char *key, xpc_object_t value) {
    struct writer *writer = context;
    size_t length = strlen(key);
    write_number(writer, length, 2);
    write_bytes(writer, key, length);
    return write_value(writer, value);
}

static uint64_t double_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool write_value(struct writer *writer, xpc_object_t value) {
    xpc_type_t type = xpc_get_type(value);
    if (type == XPC_TYPE_DICTIONARY) {
        write_tagged(writer, PACKED_DICTIONARY, xpc_dictionary_get_count(value), 4);
        return block_each_entry(value, write_entry, writer);
    }
    if (type == XPC_TYPE_ARRAY) {
        size_t count = xpc_array_get_count(value);
        write_tagged(writer, PACKED_ARRAY, count, 4);
        for (size_t i = 0; i < count; i++) {
            if (!write_value(writer, xpc_array_get_value(value, i))) return false;
        }
    } else if (type == XPC_TYPE_NULL) {
        write_number(writer, PACKED_NULL, 1);
    } else if (type == XPC_TYPE_BOOL) {
        write_tagged(writer, PACKED_BOOL, xpc_bool_get_value(value), 1);
    } else if (type == XPC_TYPE_INT64) {
        write_tagged(writer, PACKED_INT64, (uint64_t)xpc_int64_get_value(value), 8);
    } else if (type == XPC_TYPE_UINT64) {
        write_tagged(writer, PACKED_UINT64, xpc_uint64_get_value(value), 8);
    } else if (type == XPC_TYPE_DOUBLE) {
        write_tagged(writer, PACKED_DOUBLE, double_bits(xpc_double_get_value(value)), 8);
    } else if (type == XPC_TYPE_DATE) {
        write_tagged(writer, PACKED_DATE, (uint64_t)xpc_date_get_value(value), 8);
    } else if (type == XPC_TYPE_STRING) {
        write_tagged(writer, PACKED_STRING, xpc_string_get_length(value), 4);
        write_bytes(writer, xpc_string_get_string_ptr(value), xpc_string_get_length(value));
    } else if (type == XPC_TYPE_DATA) {
        write_tagged(writer, PACKED_DATA, xpc_data_get_length(value), 4);
        write_bytes(writer, xpc_data_get_bytes_ptr(value), xpc_data_get_length(value));
    } else if (type == XPC_TYPE_UUID) {
        write_number(writer, PACKED_UUID, 1);
        write_bytes(writer, xpc_uuid_get_bytes(value), 16);
    } else if (type == XPC_TYPE_ENDPOINT) {
        return write_transfer(writer, PACKED_ENDPOINT, SLB_KIND_ENDPOINT, value);
    } else if (type == XPC_TYPE_SHMEM) {
        return write_transfer(writer, PACKED_SHMEM, SLB_KIND_SHMEM, value);
    } else if (type == XPC_TYPE_FD) {
        return write_transfer(writer, PACKED_FD, SLB_KIND_FD, value);
    } else {
        return write_capability(writer, PACKED_SURFACE, surface_handle_from_xpc(writer->queue, value));
    }
    return true;
}

bool packed_write(struct queue *queue, xpc_object_t message, uint8_t *out, uint32_t bytes) {
    (void)bytes; /* packed_measure has returned it, and a received message does not change */
    struct writer writer = {.queue = queue, .at = out};
    if (write_value(&writer, message)) return true;
    while (writer.handle_count) slb_release(writer.handles[--writer.handle_count]);
    return false;
}

/* ---- bytes to XPC ---- */

struct reader {
    const uint8_t *at, *end;
    uint32_t depth;
    uint32_t capabilities;
    uint64_t cost;
    const char *problem;
};

static xpc_object_t malformed(struct reader *reader, const char *problem) {
    if (!reader->problem) reader->problem = problem;
    return NULL;
}

/* Adds a cost: the receiver would refuse a message that costs too much. */
static bool spend(struct reader *reader, uint64_t cost) {
    reader->cost += cost;
    return reader->cost <= SLB_MAX_MESSAGE_COST || malformed(reader, too_costly) != NULL;
}

static bool read_number(struct reader *reader, uint64_t *value, int bytes) {
    if (reader->end - reader->at < bytes) return false;
    *value = 0;
    for (int i = 0; i < bytes; i++) *value |= (uint64_t)reader->at[i] << (8 * i);
    reader->at += bytes;
    return true;
}

/* The next `length` bytes of the input, or NULL if there are fewer. */
static const uint8_t *read_bytes(struct reader *reader, uint64_t length) {
    if ((uint64_t)(reader->end - reader->at) < length) return NULL;
    const uint8_t *bytes = reader->at;
    reader->at += length;
    return bytes;
}

static xpc_object_t read_value(struct reader *reader);

static xpc_object_t read_array(struct reader *reader, uint64_t count) {
    xpc_object_t array = xpc_array_create(NULL, 0);
    for (uint64_t i = 0; array && i < count; i++) {
        xpc_object_t value = read_value(reader);
        if (!value) {
            xpc_release(array);
            return NULL;
        }
        xpc_array_append_value(array, value);
        xpc_release(value);
    }
    return array;
}

static bool read_entry(struct reader *reader, xpc_object_t dictionary) {
    uint64_t length;
    const uint8_t *bytes = read_number(reader, &length, 2) ? read_bytes(reader, length) : NULL;
    if (!bytes || memchr(bytes, 0, length)) return malformed(reader, "a key is cut short or holds NUL") != NULL;
    xpc_object_t value = spend(reader, COST_VALUE + length) ? read_value(reader) : NULL;
    char *key = value ? strndup((const char *)bytes, length) : NULL;
    if (key) xpc_dictionary_set_value(dictionary, key, value);
    if (value) xpc_release(value);
    free(key);
    return key != NULL;
}

static xpc_object_t read_dictionary(struct reader *reader, uint64_t count) {
    xpc_object_t dictionary = xpc_dictionary_create(NULL, NULL, 0);
    for (uint64_t i = 0; dictionary && i < count; i++) {
        if (!read_entry(reader, dictionary)) {
            xpc_release(dictionary);
            return NULL;
        }
    }
    return dictionary;
}

static xpc_object_t read_string(struct reader *reader, uint64_t length) {
    const uint8_t *bytes = read_bytes(reader, length);
    if (!bytes || memchr(bytes, 0, length)) return malformed(reader, "a string is cut short or holds NUL");
    if (!spend(reader, length)) return NULL;
    char *text = strndup((const char *)bytes, length);
    if (!text) return malformed(reader, "out of memory");
    xpc_object_t string = xpc_string_create(text);
    free(text);
    return string;
}

static xpc_object_t read_capability(struct reader *reader, uint64_t tag, uint64_t handle) {
    static const uint32_t kinds[] = {SLB_KIND_ENDPOINT, SLB_KIND_SHMEM, SLB_KIND_FD};
    if (++reader->capabilities > SLB_MAX_MESSAGE_CAPABILITIES) return malformed(reader, too_many_capabilities);
    if (tag == PACKED_SURFACE) {
        xpc_object_t surface = surface_copy_xpc((slb_handle)handle);
        return surface ? surface : malformed(reader, "a surface's handle names no surface");
    }
    struct transfer *transfer = handle_take((slb_handle)handle, kinds[tag - PACKED_ENDPOINT]);
    if (!transfer) return malformed(reader, "a capability's handle names nothing of its kind");
    xpc_object_t value = xpc_retain(transfer_value(transfer));
    object_release((struct object *)transfer);
    return value;
}

static xpc_object_t read_container(struct reader *reader, uint64_t tag) {
    uint64_t count;
    if (!read_number(reader, &count, 4)) return malformed(reader, "cut short");
    if (++reader->depth > SLB_MAX_MESSAGE_DEPTH) return malformed(reader, too_deep);
    xpc_object_t container =
        tag == PACKED_ARRAY ? read_array(reader, count) : read_dictionary(reader, count);
    reader->depth--;
    return container;
}

static double bits_double(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t cost_of(uint64_t tag) {
    switch (tag) {
    case PACKED_NULL:
    case PACKED_BOOL: return COST_CONSTANT;
    case PACKED_INT64:
    case PACKED_UINT64:
    case PACKED_DOUBLE:
    case PACKED_DATE:
    case PACKED_STRING: return COST_VALUE;
    case PACKED_ARRAY: return COST_ARRAY;
    default: return COST_OBJECT;
    }
}

static xpc_object_t read_value(struct reader *reader) {
    uint64_t tag, number;
    if (!read_number(reader, &tag, 1)) return malformed(reader, "cut short");
    if (!spend(reader, cost_of(tag))) return NULL;
    if (tag == PACKED_NULL) return xpc_null_create();
    if (tag == PACKED_ARRAY || tag == PACKED_DICTIONARY) return read_container(reader, tag);
    if (tag == PACKED_UUID) {
        const uint8_t *bytes = spend(reader, 16) ? read_bytes(reader, 16) : NULL;
        return bytes ? xpc_uuid_create(bytes) : malformed(reader, "cut short");
    }
    static const int number_bytes[] = {
        [PACKED_BOOL] = 1,   [PACKED_INT64] = 8,    [PACKED_UINT64] = 8, [PACKED_DOUBLE] = 8,  [PACKED_STRING] = 4,
        [PACKED_DATA] = 4,   [PACKED_ENDPOINT] = 4, [PACKED_SHMEM] = 4,  [PACKED_FD] = 4,      [PACKED_SURFACE] = 4,
        [PACKED_DATE] = 8,
    };
    if (tag >= sizeof number_bytes / sizeof *number_bytes) return malformed(reader, "an unknown tag");
    if (!read_number(reader, &number, number_bytes[tag])) return malformed(reader, "cut short");
    switch (tag) {
    case PACKED_BOOL: return xpc_bool_create(number != 0);
    case PACKED_INT64: return xpc_int64_create((int64_t)number);
    case PACKED_UINT64: return xpc_uint64_create(number);
    case PACKED_DOUBLE: return xpc_double_create(bits_double(number));
    case PACKED_DATE: return xpc_date_create((int64_t)number);
    case PACKED_STRING: return read_string(reader, number);
    case PACKED_DATA: {
        const uint8_t *bytes = read_bytes(reader, number);
        if (!bytes) return malformed(reader, "data is cut short");
        if (!spend(reader, number)) return NULL;
        stats_count_data(number);
        return xpc_data_create(bytes, (size_t)number);
    }
    default: return read_capability(reader, tag, number);
    }
}

xpc_object_t packed_read(const uint8_t *bytes, uint32_t length, uint32_t *sent) {
    struct reader reader = {.at = bytes, .end = bytes + length};
    xpc_object_t message = NULL;
    if (length > SLB_MAX_MESSAGE_BYTES) malformed(&reader, too_long);
    else if (length == 0 || bytes[0] != PACKED_DICTIONARY) malformed(&reader, "it is not a dictionary");
    else message = read_value(&reader);
    if (message && reader.at != reader.end) {
        malformed(&reader, "bytes are left over");
        xpc_release(message);
        message = NULL;
    }
    /* XPC's own encoding is longer, by less than double: a message that it refuses would be lost without a word. */
    if (message && length > SLB_MAX_MESSAGE_BYTES / 2) reader.problem = platform_message_refused(message);
    if (message && reader.problem) {
        xpc_release(message);
        message = NULL;
    }
    if (!message) {
        fail(SLB_E_ARGUMENT, "Cannot send this message of %u bytes: %s", length,
             reader.problem ? reader.problem : "out of memory");
    } else {
        *sent = queue_cost(length, reader.capabilities);
        stats_count_message();
    }
    return message;
}
