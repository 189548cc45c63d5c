/*
 * object.h - what every XPC object has, and how the values are laid out.
 *
 * Every object starts with struct xl_object: its type, which is a table of functions, and its
 * count of references. Values (all but containers and connections) never change once made.
 */
#ifndef XL_OBJECT_H
#define XL_OBJECT_H

#include <stdatomic.h>
#include <stdio.h>
#include <xpc/linux.h>

struct xl_object {
    xpc_type_t type;
    _Atomic uint32_t references;
};

/* What a type does. A function left out has the meaning that stands beside it. */
struct _xpc_type_s {
    const char *name;
    void (*last_release)(struct xl_object *object); /* frees what it holds, and it: only it */
    bool (*equal)(const struct xl_object *a, const struct xl_object *b);  /* same object */
    size_t (*hash)(const struct xl_object *object);                       /* of its address */
    struct xl_object *(*copy)(const struct xl_object *object);            /* retained */
    void (*describe)(const struct xl_object *object, FILE *out);          /* nothing */
};

/* Constants: never counted, never freed, in read-only memory. */
#define XL_IMMORTAL UINT32_MAX
#define XL_CONSTANT(its_type) {.type = &(its_type), .references = XL_IMMORTAL}

struct _xpc_bool_s {
    struct xl_object head;
    bool value;
};

struct xl_number { /* int64, uint64, double, date */
    struct xl_object head;
    union {
        int64_t i;
        uint64_t u;
        double d;
    } value;
};

struct xl_bytes { /* data, string (NUL beyond `length`), uuid */
    struct xl_object head;
    size_t length;
    const uint8_t *bytes; /* behind the struct, in the same allocation */
};

struct xl_array {
    struct xl_object head;
    size_t count, capacity;
    struct xl_object **values;
    bool incomplete; /* a value was lost for want of memory */
};

struct xl_entry {
    char *key;
    struct xl_object *value;
};

/* A dictionary's part in an exchange. A reply context is used up once: reply_id is then 0. */
enum xl_part { XL_PLAIN, XL_REQUEST, XL_REPLY };

struct _xpc_dictionary_s { /* dictionary, error */
    struct xl_object head;
    size_t count, capacity;
    struct xl_entry *entries; /* ascending by key: lookup halves, and the wire order is unique */
    bool incomplete;
    enum xl_part part;
    uint64_t reply_id;
    xpc_connection_t remote; /* owned; where it came from, or where the reply goes */
};

/* Zeroed memory, or NULL. Weak, so that a test can make it fail. Freed with free. */
void *xl_alloc(size_t size);
/* Room for `needed` elements: the array moved to twice its capacity, or NULL, and all as it was. */
void *xl_grow(void *array, size_t count, size_t *capacity, size_t needed, size_t element);

/* A zeroed object of `size` bytes with one reference, counted as live; or NULL. */
void *xl_object_create(xpc_type_t type, size_t size);
/* The end of every last_release: the memory itself. */
void xl_object_free(struct xl_object *object);
/* The object if it has that type, else NULL. */
void *xl_as(xpc_object_t object, xpc_type_t type);
void xl_describe(const struct xl_object *object, FILE *out);
/* In quotes, control bytes escaped. */
void xl_describe_text(const void *text, size_t length, FILE *out);
/* 64-bit FNV-1a, `seed` being an earlier result or 0. */
size_t xl_hash_bytes(size_t seed, const void *bytes, size_t length);

/* Copies the bytes; a NUL is added behind them. */
xpc_object_t xl_bytes_create(xpc_type_t type, const void *bytes, size_t length);
/* Takes over the value, also when it fails; a NULL value is one that could not be made. */
bool xl_array_append_consume(struct xl_array *array, xpc_object_t value);
/* For the decoder: the key must follow all others. Takes over the value, also when it fails. */
bool xl_dictionary_append_consume(struct _xpc_dictionary_s *dictionary, const char *key, size_t length,
                                  xpc_object_t value);
/* Readable as a dictionary: one, or an error. */
const struct _xpc_dictionary_s *xl_as_entries(xpc_object_t object);

#endif
