/*
 * values.c - null, bool, numbers, dates, data, strings, uuids.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "object.h"

/* ---- Constants ------------------------------------------------------------------------ */

static bool always_equal(const struct xl_object *a, const struct xl_object *b) {
    (void)a;
    (void)b;
    return true;
}

static size_t type_hash(const struct xl_object *object) { return xl_hash_bytes(0, &object->type, sizeof object->type); }

const struct _xpc_type_s _xpc_type_null = {.name = "null", .equal = always_equal, .hash = type_hash};

static const struct xl_object null_object = XL_CONSTANT(_xpc_type_null);

xpc_object_t xpc_null_create(void) { return (xpc_object_t)&null_object; }

static void describe_bool(const struct xl_object *object, FILE *out) {
    fputs(((const struct _xpc_bool_s *)object)->value ? "true" : "false", out);
}

/* There are only two booleans, so they are equal if they are the same object. */
const struct _xpc_type_s _xpc_type_bool = {.name = "bool", .describe = describe_bool};

const struct _xpc_bool_s _xpc_bool_true = {XL_CONSTANT(_xpc_type_bool), true};
const struct _xpc_bool_s _xpc_bool_false = {XL_CONSTANT(_xpc_type_bool), false};

xpc_object_t xpc_bool_create(bool value) { return (xpc_object_t)(value ? &_xpc_bool_true : &_xpc_bool_false); }

bool xpc_bool_get_value(xpc_object_t xbool) {
    const struct _xpc_bool_s *boolean = xl_as(xbool, XPC_TYPE_BOOL);
    return boolean && boolean->value;
}

/* ---- Numbers and dates ---------------------------------------------------------------- */

static bool integer_equal(const struct xl_object *a, const struct xl_object *b) {
    return ((const struct xl_number *)a)->value.u == ((const struct xl_number *)b)->value.u;
}

static size_t integer_hash(const struct xl_object *object) {
    return xl_hash_bytes(type_hash(object), &((const struct xl_number *)object)->value.u, sizeof(uint64_t));
}

static bool double_equal(const struct xl_object *a, const struct xl_object *b) {
    return ((const struct xl_number *)a)->value.d == ((const struct xl_number *)b)->value.d;
}

static size_t double_hash(const struct xl_object *object) {
    double value = ((const struct xl_number *)object)->value.d;
    if (value == 0) value = 0; /* -0.0 equals 0.0, so both need the same hash */
    return xl_hash_bytes(type_hash(object), &value, sizeof value);
}

static void describe_signed(const struct xl_object *object, FILE *out) {
    fprintf(out, "%" PRId64, ((const struct xl_number *)object)->value.i);
}

static void describe_unsigned(const struct xl_object *object, FILE *out) {
    fprintf(out, "%" PRIu64, ((const struct xl_number *)object)->value.u);
}

static void describe_double(const struct xl_object *object, FILE *out) {
    fprintf(out, "%.17g", ((const struct xl_number *)object)->value.d);
}

#define INTEGER_TYPE(its_name, description)                                                                    \
    {.name = (its_name), .last_release = xl_object_free, .equal = integer_equal, .hash = integer_hash,         \
     .describe = (description)}

const struct _xpc_type_s _xpc_type_int64 = INTEGER_TYPE("int64", describe_signed);
const struct _xpc_type_s _xpc_type_uint64 = INTEGER_TYPE("uint64", describe_unsigned);
const struct _xpc_type_s _xpc_type_date = INTEGER_TYPE("date", describe_signed);
const struct _xpc_type_s _xpc_type_double = {
    .name = "double",
    .last_release = xl_object_free,
    .equal = double_equal,
    .hash = double_hash,
    .describe = describe_double,
};

static xpc_object_t number_create(xpc_type_t type, struct xl_number from) {
    struct xl_number *number = xl_object_create(type, sizeof *number);
    if (number) number->value = from.value;
    return number;
}

xpc_object_t xpc_int64_create(int64_t value) {
    return number_create(XPC_TYPE_INT64, (struct xl_number){.value.i = value});
}

xpc_object_t xpc_uint64_create(uint64_t value) {
    return number_create(XPC_TYPE_UINT64, (struct xl_number){.value.u = value});
}

xpc_object_t xpc_double_create(double value) {
    return number_create(XPC_TYPE_DOUBLE, (struct xl_number){.value.d = value});
}

xpc_object_t xpc_date_create(int64_t interval) {
    return number_create(XPC_TYPE_DATE, (struct xl_number){.value.i = interval});
}

xpc_object_t xpc_date_create_from_current(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return xpc_date_create((int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
}

int64_t xpc_int64_get_value(xpc_object_t xint) {
    const struct xl_number *number = xl_as(xint, XPC_TYPE_INT64);
    return number ? number->value.i : 0;
}

uint64_t xpc_uint64_get_value(xpc_object_t xuint) {
    const struct xl_number *number = xl_as(xuint, XPC_TYPE_UINT64);
    return number ? number->value.u : 0;
}

double xpc_double_get_value(xpc_object_t xdouble) {
    const struct xl_number *number = xl_as(xdouble, XPC_TYPE_DOUBLE);
    return number ? number->value.d : (double)NAN;
}

int64_t xpc_date_get_value(xpc_object_t xdate) {
    const struct xl_number *number = xl_as(xdate, XPC_TYPE_DATE);
    return number ? number->value.i : 0;
}

/* ---- Bytes: data, strings, uuids ------------------------------------------------------ */

static bool bytes_equal(const struct xl_object *a, const struct xl_object *b) {
    const struct xl_bytes *left = (const struct xl_bytes *)a, *right = (const struct xl_bytes *)b;
    return left->length == right->length && memcmp(left->bytes, right->bytes, left->length) == 0;
}

static size_t bytes_hash(const struct xl_object *object) {
    const struct xl_bytes *bytes = (const struct xl_bytes *)object;
    return xl_hash_bytes(type_hash(object), bytes->bytes, bytes->length);
}

static void describe_data(const struct xl_object *object, FILE *out) {
    fprintf(out, "%zu bytes", ((const struct xl_bytes *)object)->length);
}

void xl_describe_text(const void *text, size_t length, FILE *out) {
    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = ((const uint8_t *)text)[i];
        if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
            fprintf(out, "\\x%02x", byte); /* keeps control bytes out of logs and terminals */
        } else {
            fputc(byte, out);
        }
    }
    fputc('"', out);
}

static void describe_string(const struct xl_object *object, FILE *out) {
    const struct xl_bytes *string = (const struct xl_bytes *)object;
    xl_describe_text(string->bytes, string->length, out);
}

static void describe_uuid(const struct xl_object *object, FILE *out) {
    const struct xl_bytes *uuid = (const struct xl_bytes *)object;
    for (size_t i = 0; i < uuid->length; i++) {
        fprintf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid->bytes[i]);
    }
}

#define BYTES_TYPE(its_name, description)                                                                      \
    {.name = (its_name), .last_release = xl_object_free, .equal = bytes_equal, .hash = bytes_hash,             \
     .describe = (description)}

const struct _xpc_type_s _xpc_type_data = BYTES_TYPE("data", describe_data);
const struct _xpc_type_s _xpc_type_string = BYTES_TYPE("string", describe_string);
const struct _xpc_type_s _xpc_type_uuid = BYTES_TYPE("uuid", describe_uuid);

xpc_object_t xl_bytes_create(xpc_type_t type, const void *bytes, size_t length) {
    if ((!bytes && length) || length >= SIZE_MAX - sizeof(struct xl_bytes)) return NULL;
    struct xl_bytes *object = xl_object_create(type, sizeof *object + length + 1);
    if (!object) return NULL;
    uint8_t *room = (uint8_t *)(object + 1);
    if (length) memcpy(room, bytes, length);
    object->length = length;
    object->bytes = room;
    return object;
}

xpc_object_t xpc_data_create(const void *bytes, size_t length) {
    return xl_bytes_create(XPC_TYPE_DATA, bytes, length);
}

/* libdispatch's functions; NULL if the program has no libdispatch. */
__attribute__((weak)) extern dispatch_data_t dispatch_data_create_map(dispatch_data_t data, const void **bytes,
                                                                      size_t *length);
__attribute__((weak)) extern void dispatch_release(void *object);

xpc_object_t xpc_data_create_with_dispatch_data(dispatch_data_t ddata) {
    const void *bytes = NULL;
    size_t length = 0;
    if (!ddata || !dispatch_data_create_map || !dispatch_release) return NULL;
    dispatch_data_t map = dispatch_data_create_map(ddata, &bytes, &length); /* the buffer may have several parts */
    xpc_object_t data = map ? xpc_data_create(bytes, length) : NULL;
    if (map) dispatch_release(map);
    return data;
}

size_t xpc_data_get_length(xpc_object_t xdata) {
    const struct xl_bytes *data = xl_as(xdata, XPC_TYPE_DATA);
    return data ? data->length : 0;
}

const void *xpc_data_get_bytes_ptr(xpc_object_t xdata) {
    const struct xl_bytes *data = xl_as(xdata, XPC_TYPE_DATA);
    return data ? data->bytes : NULL;
}

size_t xpc_data_get_bytes(xpc_object_t xdata, void *buffer, size_t off, size_t length) {
    const struct xl_bytes *data = xl_as(xdata, XPC_TYPE_DATA);
    if (!data || !buffer || off >= data->length) return 0;
    size_t count = data->length - off < length ? data->length - off : length;
    memcpy(buffer, data->bytes + off, count);
    return count;
}

xpc_object_t xpc_string_create(const char *string) {
    return string ? xl_bytes_create(XPC_TYPE_STRING, string, strlen(string)) : NULL;
}

xpc_object_t xpc_string_create_with_format(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    xpc_object_t string = xpc_string_create_with_format_and_arguments(fmt, ap);
    va_end(ap);
    return string;
}

xpc_object_t xpc_string_create_with_format_and_arguments(const char *fmt, va_list ap) {
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0) return NULL;
    xpc_object_t string = xpc_string_create(text);
    free(text);
    return string;
}

size_t xpc_string_get_length(xpc_object_t xstring) {
    const struct xl_bytes *string = xl_as(xstring, XPC_TYPE_STRING);
    return string ? string->length : 0;
}

const char *xpc_string_get_string_ptr(xpc_object_t xstring) {
    const struct xl_bytes *string = xl_as(xstring, XPC_TYPE_STRING);
    return string ? (const char *)string->bytes : NULL;
}

xpc_object_t xpc_uuid_create(const uuid_t uuid) { return xl_bytes_create(XPC_TYPE_UUID, uuid, sizeof(uuid_t)); }

const uint8_t *xpc_uuid_get_bytes(xpc_object_t xuuid) {
    const struct xl_bytes *uuid = xl_as(xuuid, XPC_TYPE_UUID);
    return uuid ? uuid->bytes : NULL;
}
