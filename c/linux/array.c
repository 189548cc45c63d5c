/*
 * array.c - arrays.
 */
#include <stdlib.h>

#include "block.h"
#include "misuse.h"
#include "object.h"

static void array_last_release(struct xl_object *object) {
    struct xl_array *array = (struct xl_array *)object;
    for (size_t i = 0; i < array->count; i++) xpc_release(array->values[i]);
    free(array->values);
    xl_object_free(object);
}

static bool array_equal(const struct xl_object *a, const struct xl_object *b) {
    const struct xl_array *left = (const struct xl_array *)a, *right = (const struct xl_array *)b;
    if (left->count != right->count) return false;
    for (size_t i = 0; i < left->count; i++) {
        if (!xpc_equal(left->values[i], right->values[i])) return false;
    }
    return true;
}

static size_t array_hash(const struct xl_object *object) {
    const struct xl_array *array = (const struct xl_array *)object;
    size_t hash = array->count;
    for (size_t i = 0; i < array->count; i++) {
        size_t value = xpc_hash(array->values[i]);
        hash = xl_hash_bytes(hash, &value, sizeof value);
    }
    return hash;
}

static struct xl_object *array_copy(const struct xl_object *object) {
    const struct xl_array *array = (const struct xl_array *)object;
    struct xl_array *copy = xpc_array_create_empty();
    for (size_t i = 0; copy && i < array->count; i++) {
        if (!xl_array_append_consume(copy, xpc_copy(array->values[i]))) {
            xpc_release(copy);
            return NULL;
        }
    }
    return (struct xl_object *)copy;
}

static void describe_array(const struct xl_object *object, FILE *out) {
    const struct xl_array *array = (const struct xl_array *)object;
    fprintf(out, "%zu [", array->count);
    for (size_t i = 0; i < array->count; i++) {
        if (i) fputs(", ", out);
        xl_describe(array->values[i], out);
    }
    fputc(']', out);
}

const struct _xpc_type_s _xpc_type_array = {
    .name = "array",
    .last_release = array_last_release,
    .equal = array_equal,
    .hash = array_hash,
    .copy = array_copy,
    .describe = describe_array,
};

bool xl_array_append_consume(struct xl_array *array, xpc_object_t value) {
    struct xl_object **values =
        value ? xl_grow(array->values, array->count, &array->capacity, array->count + 1, sizeof *values) : NULL;
    if (!values) {
        array->incomplete = true;
        xpc_release(value);
        return false;
    }
    array->values = values;
    array->values[array->count++] = value;
    return true;
}

static void require_index(const struct xl_array *array, size_t index, const char *function) {
    char found[80];
    if (!array || index < array->count) return;
    snprintf(found, sizeof found, "index %zu of an array with %zu values", index, array->count);
    xl_misuse(function, found,
              "ask xpc_array_get_count first, also of an array that was received, and append with XPC_ARRAY_APPEND");
}

static void set_consume(xpc_object_t xarray, size_t index, xpc_object_t value, const char *function) {
    struct xl_array *array = xl_as(xarray, XPC_TYPE_ARRAY);
    if (array && index == XPC_ARRAY_APPEND) {
        xl_array_append_consume(array, value);
        return;
    }
    require_index(array, index, function);
    if (array && value) {
        xpc_object_t old = array->values[index];
        array->values[index] = value;
        xpc_release(old);
    } else {
        if (array && !value) array->incomplete = true;
        xpc_release(value);
    }
}

xpc_object_t xpc_array_create_empty(void) { return xl_object_create(XPC_TYPE_ARRAY, sizeof(struct xl_array)); }

xpc_object_t xpc_array_create(const xpc_object_t *objects, size_t count) {
    xpc_object_t array = xpc_array_create_empty();
    for (size_t i = 0; array && objects && i < count; i++) xpc_array_append_value(array, objects[i]);
    return array;
}

void xpc_array_set_value(xpc_object_t xarray, size_t index, xpc_object_t value) {
    if (value) set_consume(xarray, index, xpc_retain(value), __func__);
}

void xpc_array_append_value(xpc_object_t xarray, xpc_object_t value) {
    xpc_array_set_value(xarray, XPC_ARRAY_APPEND, value);
}

size_t xpc_array_get_count(xpc_object_t xarray) {
    const struct xl_array *array = xl_as(xarray, XPC_TYPE_ARRAY);
    return array ? array->count : 0;
}

static xpc_object_t value_at(xpc_object_t xarray, size_t index, const char *function) {
    const struct xl_array *array = xl_as(xarray, XPC_TYPE_ARRAY);
    require_index(array, index, function);
    return array ? array->values[index] : NULL;
}

xpc_object_t xpc_array_get_value(xpc_object_t xarray, size_t index) { return value_at(xarray, index, __func__); }

bool xpc_linux_array_apply_f(xpc_object_t xarray, void *context, xpc_linux_array_applier_f applier) {
    const struct xl_array *array = xl_as(xarray, XPC_TYPE_ARRAY);
    for (size_t i = 0; array && i < array->count; i++) {
        if (!applier(context, i, array->values[i])) return false;
    }
    return true;
}

static bool apply_block(void *block, size_t index, xpc_object_t value) {
    return xl_block_invoke_index(block, index, value);
}

bool xpc_array_apply(xpc_object_t xarray, xpc_array_applier_t applier) {
    return xpc_linux_array_apply_f(xarray, (void *)applier, apply_block);
}

/* ---- By type -------------------------------------------------------------------------- */

#define SCALAR(name, ctype)                                                                                    \
    void xpc_array_set_##name(xpc_object_t xarray, size_t index, ctype value) {                                \
        set_consume(xarray, index, xpc_##name##_create(value), __func__);                                      \
    }                                                                                                          \
    ctype xpc_array_get_##name(xpc_object_t xarray, size_t index) {                                            \
        return xpc_##name##_get_value(value_at(xarray, index, __func__));                                      \
    }

SCALAR(bool, bool)
SCALAR(int64, int64_t)
SCALAR(uint64, uint64_t)
SCALAR(double, double)
SCALAR(date, int64_t)

void xpc_array_set_data(xpc_object_t xarray, size_t index, const void *bytes, size_t length) {
    set_consume(xarray, index, xpc_data_create(bytes, length), __func__);
}

void xpc_array_set_string(xpc_object_t xarray, size_t index, const char *string) {
    set_consume(xarray, index, xpc_string_create(string), __func__);
}

void xpc_array_set_uuid(xpc_object_t xarray, size_t index, const uuid_t uuid) {
    set_consume(xarray, index, xpc_uuid_create(uuid), __func__);
}

void xpc_array_set_fd(xpc_object_t xarray, size_t index, int fd) {
    set_consume(xarray, index, xpc_fd_create(fd), __func__);
}

void xpc_array_set_connection(xpc_object_t xarray, size_t index, xpc_connection_t connection) {
    set_consume(xarray, index, xpc_endpoint_create(connection), __func__);
}

const void *xpc_array_get_data(xpc_object_t xarray, size_t index, size_t *length) {
    xpc_object_t value = value_at(xarray, index, __func__);
    if (length) *length = xpc_data_get_length(value);
    return xpc_data_get_bytes_ptr(value);
}

const char *xpc_array_get_string(xpc_object_t xarray, size_t index) {
    return xpc_string_get_string_ptr(value_at(xarray, index, __func__));
}

const uint8_t *xpc_array_get_uuid(xpc_object_t xarray, size_t index) {
    static const uuid_t null_uuid;
    const uint8_t *bytes = xpc_uuid_get_bytes(value_at(xarray, index, __func__));
    return bytes ? bytes : null_uuid; /* a dictionary's getter returns NULL: both as in Apple's headers */
}

int xpc_array_dup_fd(xpc_object_t xarray, size_t index) { return xpc_fd_dup(value_at(xarray, index, __func__)); }
xpc_connection_t xpc_array_create_connection(xpc_object_t xarray, size_t index) {
    xpc_endpoint_t endpoint = xl_as(value_at(xarray, index, __func__), XPC_TYPE_ENDPOINT);
    return endpoint ? xpc_connection_create_from_endpoint(endpoint) : NULL;
}

xpc_object_t xpc_array_get_dictionary(xpc_object_t xarray, size_t index) {
    return xl_as(value_at(xarray, index, __func__), XPC_TYPE_DICTIONARY);
}

xpc_object_t xpc_array_get_array(xpc_object_t xarray, size_t index) {
    return xl_as(value_at(xarray, index, __func__), XPC_TYPE_ARRAY);
}
