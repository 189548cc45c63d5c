/*
 * dictionary.c - dictionaries, and errors, which are read like dictionaries.
 */
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "connection.h"
#include "object.h"
#include "room.h"

static void dictionary_last_release(struct xl_object *object) {
    struct _xpc_dictionary_s *dictionary = (struct _xpc_dictionary_s *)object;
    if (dictionary->remote && dictionary->reply_id) xl_connection_decline(dictionary->remote, dictionary->reply_id);
    for (size_t i = 0; i < dictionary->count; i++) {
        free(dictionary->entries[i].key);
        xpc_release(dictionary->entries[i].value);
    }
    free(dictionary->entries);
    xpc_release(dictionary->remote);
    xl_room_give(dictionary->charge);
    xl_object_free(object);
}

static bool dictionary_equal(const struct xl_object *a, const struct xl_object *b) {
    const struct _xpc_dictionary_s *left = (const struct _xpc_dictionary_s *)a;
    const struct _xpc_dictionary_s *right = (const struct _xpc_dictionary_s *)b;
    if (left->count != right->count) return false;
    for (size_t i = 0; i < left->count; i++) {
        if (strcmp(left->entries[i].key, right->entries[i].key) != 0) return false;
        if (!xpc_equal(left->entries[i].value, right->entries[i].value)) return false;
    }
    return true;
}

static size_t dictionary_hash(const struct xl_object *object) {
    const struct _xpc_dictionary_s *dictionary = (const struct _xpc_dictionary_s *)object;
    size_t hash = dictionary->count;
    for (size_t i = 0; i < dictionary->count; i++) {
        size_t value = xpc_hash(dictionary->entries[i].value);
        hash = xl_hash_bytes(hash, dictionary->entries[i].key, strlen(dictionary->entries[i].key));
        hash = xl_hash_bytes(hash, &value, sizeof value);
    }
    return hash;
}

static struct xl_object *dictionary_copy(const struct xl_object *object) {
    const struct _xpc_dictionary_s *dictionary = (const struct _xpc_dictionary_s *)object;
    struct _xpc_dictionary_s *copy = xpc_dictionary_create_empty();
    for (size_t i = 0; copy && i < dictionary->count; i++) {
        const struct xl_entry *entry = &dictionary->entries[i];
        if (!xl_dictionary_append_consume(copy, entry->key, strlen(entry->key), xpc_copy(entry->value))) {
            xpc_release(copy);
            return NULL;
        }
    }
    return (struct xl_object *)copy;
}

static void describe_dictionary(const struct xl_object *object, FILE *out) {
    const struct _xpc_dictionary_s *dictionary = (const struct _xpc_dictionary_s *)object;
    fprintf(out, "%zu {", dictionary->count);
    for (size_t i = 0; i < dictionary->count; i++) {
        if (i) fputs(", ", out);
        xl_describe_text(dictionary->entries[i].key, strlen(dictionary->entries[i].key), out);
        fputs(": ", out);
        xl_describe(dictionary->entries[i].value, out);
    }
    fputc('}', out);
}

const struct _xpc_type_s _xpc_type_dictionary = {
    .name = "dictionary",
    .last_release = dictionary_last_release,
    .equal = dictionary_equal,
    .hash = dictionary_hash,
    .copy = dictionary_copy,
    .describe = describe_dictionary,
};

/* ---- Entries, ascending by key -------------------------------------------------------- */

/* The index of the key, or the one at which to insert it. */
static size_t find(const struct _xpc_dictionary_s *dictionary, const char *key, bool *found) {
    size_t low = 0, high = dictionary->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(dictionary->entries[middle].key, key);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool insert_consume(struct _xpc_dictionary_s *dictionary, size_t at, const char *key, size_t length,
                           xpc_object_t value) {
    size_t count = dictionary->count;
    char *copy = value ? xl_alloc(length + 1) : NULL;
    struct xl_entry *entries =
        copy ? xl_grow(dictionary->entries, count, &dictionary->capacity, count + 1, sizeof *entries) : NULL;
    if (!entries) {
        dictionary->incomplete = true;
        free(copy);
        xpc_release(value);
        return false;
    }
    memcpy(copy, key, length);
    memmove(&entries[at + 1], &entries[at], (count - at) * sizeof *entries);
    entries[at] = (struct xl_entry){.key = copy, .value = value};
    dictionary->entries = entries;
    dictionary->count++;
    return true;
}

bool xl_dictionary_append_consume(struct _xpc_dictionary_s *dictionary, const char *key, size_t length,
                                  xpc_object_t value) {
    return insert_consume(dictionary, dictionary->count, key, length, value);
}

/* A NULL value means that there was no memory to create it. */
static void set_consume(xpc_object_t xdict, const char *key, xpc_object_t value) {
    struct _xpc_dictionary_s *dictionary = xl_as(xdict, XPC_TYPE_DICTIONARY);
    if (!dictionary || !key || !value) {
        if (dictionary && key) dictionary->incomplete = true;
        xpc_release(value);
        return;
    }
    bool found;
    size_t at = find(dictionary, key, &found);
    if (!found) {
        insert_consume(dictionary, at, key, strlen(key), value);
        return;
    }
    xpc_object_t old = dictionary->entries[at].value;
    dictionary->entries[at].value = value;
    xpc_release(old);
}

static void delete_key(xpc_object_t xdict, const char *key) {
    struct _xpc_dictionary_s *dictionary = xl_as(xdict, XPC_TYPE_DICTIONARY);
    bool found = false;
    size_t at = dictionary && key ? find(dictionary, key, &found) : 0;
    if (!found) return;
    struct xl_entry old = dictionary->entries[at];
    memmove(&dictionary->entries[at], &dictionary->entries[at + 1], (--dictionary->count - at) * sizeof old);
    free(old.key);
    xpc_release(old.value);
}

const struct _xpc_dictionary_s *xl_as_entries(xpc_object_t object) {
    struct _xpc_dictionary_s *dictionary = xl_as(object, XPC_TYPE_DICTIONARY);
    return dictionary ? dictionary : xl_as(object, XPC_TYPE_ERROR);
}

xpc_object_t xpc_dictionary_create_empty(void) {
    return xl_object_create(XPC_TYPE_DICTIONARY, sizeof(struct _xpc_dictionary_s));
}

xpc_object_t xpc_dictionary_create(const char *const *keys, const xpc_object_t *values, size_t count) {
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    for (size_t i = 0; dictionary && keys && values && i < count; i++) {
        xpc_dictionary_set_value(dictionary, keys[i], values[i]);
    }
    return dictionary;
}

void xpc_dictionary_set_value(xpc_object_t xdict, const char *key, xpc_object_t value) {
    if (value) set_consume(xdict, key, xpc_retain(value));
    else delete_key(xdict, key);
}

xpc_object_t xpc_dictionary_get_value(xpc_object_t xdict, const char *key) {
    const struct _xpc_dictionary_s *dictionary = xl_as_entries(xdict);
    bool found = false;
    size_t at = dictionary && key ? find(dictionary, key, &found) : 0;
    return found ? dictionary->entries[at].value : NULL;
}

size_t xpc_dictionary_get_count(xpc_object_t xdict) {
    const struct _xpc_dictionary_s *dictionary = xl_as_entries(xdict);
    return dictionary ? dictionary->count : 0;
}

bool xpc_linux_dictionary_apply_f(xpc_object_t xdict, void *context, xpc_linux_dictionary_applier_f applier) {
    const struct _xpc_dictionary_s *dictionary = xl_as_entries(xdict);
    for (size_t i = 0; dictionary && i < dictionary->count; i++) {
        if (!applier(context, dictionary->entries[i].key, dictionary->entries[i].value)) return false;
    }
    return true;
}

static bool apply_block(void *block, const char *key, xpc_object_t value) {
    return xl_block_invoke_key(block, key, value);
}

bool xpc_dictionary_apply(xpc_object_t xdict, xpc_dictionary_applier_t applier) {
    return xpc_linux_dictionary_apply_f(xdict, (void *)applier, apply_block);
}

/* ---- Request and reply ---------------------------------------------------------------- */

xpc_object_t xpc_dictionary_create_reply(xpc_object_t original) {
    struct _xpc_dictionary_s *request = xl_as(original, XPC_TYPE_DICTIONARY);
    if (!request || request->part != XL_REQUEST || !request->reply_id || !request->remote) return NULL;
    struct _xpc_dictionary_s *reply = xpc_dictionary_create_empty();
    if (!reply) return NULL;
    reply->part = XL_REPLY;
    reply->remote = xpc_retain(request->remote);
    reply->reply_id = request->reply_id;
    request->reply_id = 0;
    return reply;
}

xpc_connection_t xpc_dictionary_get_remote_connection(xpc_object_t xdict) {
    const struct _xpc_dictionary_s *dictionary = xl_as(xdict, XPC_TYPE_DICTIONARY);
    return dictionary ? dictionary->remote : NULL;
}

/* ---- Received messages ---------------------------------------------------------------- */

uint64_t xl_message_charge(xpc_object_t object) {
    const struct _xpc_dictionary_s *message = xl_as(object, XPC_TYPE_DICTIONARY);
    return message ? message->charge : 0;
}

void xl_message_delivered(xpc_object_t object) {
    struct _xpc_dictionary_s *message = xl_as(object, XPC_TYPE_DICTIONARY);
    if (!message || message->keeps_charge) return;
    xl_room_give(message->charge);
    message->charge = 0;
}

void xpc_linux_message_keep(xpc_object_t object) {
    struct _xpc_dictionary_s *message = xl_as(object, XPC_TYPE_DICTIONARY);
    if (message) message->keeps_charge = true;
}

const char *xpc_linux_message_problem(xpc_object_t object) {
    const struct _xpc_dictionary_s *message = xl_as(object, XPC_TYPE_DICTIONARY);
    return message ? message->problem : NULL;
}

/* ---- By type -------------------------------------------------------------------------- */

#define SCALAR(name, ctype)                                                                                    \
    void xpc_dictionary_set_##name(xpc_object_t xdict, const char *key, ctype value) {                         \
        set_consume(xdict, key, xpc_##name##_create(value));                                                   \
    }                                                                                                          \
    ctype xpc_dictionary_get_##name(xpc_object_t xdict, const char *key) {                                     \
        return xpc_##name##_get_value(xpc_dictionary_get_value(xdict, key));                                   \
    }

SCALAR(bool, bool)
SCALAR(int64, int64_t)
SCALAR(uint64, uint64_t)
SCALAR(double, double)
SCALAR(date, int64_t)

void xpc_dictionary_set_data(xpc_object_t xdict, const char *key, const void *bytes, size_t length) {
    set_consume(xdict, key, xpc_data_create(bytes, length));
}

void xpc_dictionary_set_string(xpc_object_t xdict, const char *key, const char *string) {
    set_consume(xdict, key, xpc_string_create(string));
}

void xpc_dictionary_set_uuid(xpc_object_t xdict, const char *key, const uuid_t uuid) {
    set_consume(xdict, key, xpc_uuid_create(uuid));
}

void xpc_dictionary_set_fd(xpc_object_t xdict, const char *key, int fd) { set_consume(xdict, key, xpc_fd_create(fd)); }

void xpc_dictionary_set_connection(xpc_object_t xdict, const char *key, xpc_connection_t connection) {
    set_consume(xdict, key, xpc_endpoint_create(connection));
}

const void *xpc_dictionary_get_data(xpc_object_t xdict, const char *key, size_t *length) {
    xpc_object_t value = xpc_dictionary_get_value(xdict, key);
    if (length) *length = xpc_data_get_length(value);
    return xpc_data_get_bytes_ptr(value);
}

const char *xpc_dictionary_get_string(xpc_object_t xdict, const char *key) {
    return xpc_string_get_string_ptr(xpc_dictionary_get_value(xdict, key));
}

const uint8_t *xpc_dictionary_get_uuid(xpc_object_t xdict, const char *key) {
    return xpc_uuid_get_bytes(xpc_dictionary_get_value(xdict, key));
}

int xpc_dictionary_dup_fd(xpc_object_t xdict, const char *key) {
    return xpc_fd_dup(xpc_dictionary_get_value(xdict, key));
}

xpc_connection_t xpc_dictionary_create_connection(xpc_object_t xdict, const char *key) {
    xpc_endpoint_t endpoint = xl_as(xpc_dictionary_get_value(xdict, key), XPC_TYPE_ENDPOINT);
    return endpoint ? xpc_connection_create_from_endpoint(endpoint) : NULL;
}

xpc_object_t xpc_dictionary_get_dictionary(xpc_object_t xdict, const char *key) {
    return xl_as(xpc_dictionary_get_value(xdict, key), XPC_TYPE_DICTIONARY);
}

xpc_object_t xpc_dictionary_get_array(xpc_object_t xdict, const char *key) {
    return xl_as(xpc_dictionary_get_value(xdict, key), XPC_TYPE_ARRAY);
}
