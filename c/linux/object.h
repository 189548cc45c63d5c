/*
 * object.h - the head of every XPC object, and the layout of values.
 *
 * Every object begins with struct xl_object: its type, which is a table of functions, and its
 * reference count. Values (all objects except containers and connections) are immutable.
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

/* The functions of a type. The comment says what happens if one is NULL. */
struct _xpc_type_s {
    const char *name;
    void (*last_release)(struct xl_object *object); /* frees it and what it holds. NULL: only it */
    bool (*equal)(const struct xl_object *a, const struct xl_object *b);  /* equal if the same object */
    size_t (*hash)(const struct xl_object *object);                       /* hash of the address */
    struct xl_object *(*copy)(const struct xl_object *object);            /* the same object, retained */
    void (*describe)(const struct xl_object *object, FILE *out);          /* writes nothing */
};

/* Constants: in read-only memory, without reference count, never freed. */
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

struct xl_bytes { /* data, string (with a NUL after `length` bytes), uuid */
    struct xl_object head;
    size_t length;
    const uint8_t *bytes; /* after the struct, in the same allocation */
};

struct xl_array {
    struct xl_object head;
    size_t count, capacity;
    struct xl_object **values;
    bool incomplete; /* a value is missing because there was no memory for it */
};

struct xl_entry {
    char *key;
    struct xl_object *value;
};

/* A dictionary's part in an exchange. reply_id is 0 once a request's reply is created, or a reply sent. */
enum xl_part { XL_PLAIN, XL_REQUEST, XL_REPLY };

struct _xpc_dictionary_s { /* dictionary, error */
    struct xl_object head;
    size_t count, capacity;
    struct xl_entry *entries; /* ascending by key, for binary search and a unique encoding */
    bool incomplete;
    enum xl_part part;
    uint64_t reply_id;
    xpc_connection_t remote; /* owned; the sender, or the destination of a reply */
    uint64_t charge;         /* of a received message: the room that it takes */
    bool keeps_charge;       /* until it is released, not only until its handler returns */
    const char *problem;     /* why it has no content, a static text; or NULL */
};

/* Returns zeroed memory for free, or NULL. Weak, so that a test can make it fail. */
void *xl_alloc(size_t size);
/* Grows an array to at least `needed` elements. Returns NULL on failure and leaves the array unchanged. */
void *xl_grow(void *array, size_t count, size_t *capacity, size_t needed, size_t element);

/* Returns a zeroed object of `size` bytes with one reference, counted as live; or NULL. */
void *xl_object_create(xpc_type_t type, size_t size);
/* Frees the memory: the last step of every last_release. */
void xl_object_free(struct xl_object *object);
/* Returns the object if it has that type, else NULL. */
void *xl_as(xpc_object_t object, xpc_type_t type);
void xl_describe(const struct xl_object *object, FILE *out);
/* Writes the text in quotes, with control bytes escaped. */
void xl_describe_text(const void *text, size_t length, FILE *out);
/* 64-bit FNV-1a; `seed` is an earlier result, or 0. */
size_t xl_hash_bytes(size_t seed, const void *bytes, size_t length);

/* Copies the bytes and adds a NUL. */
xpc_object_t xl_bytes_create(xpc_type_t type, const void *bytes, size_t length);
/* Consumes the value, even on failure. A NULL value means that there was no memory to create it. */
bool xl_array_append_consume(struct xl_array *array, xpc_object_t value);
/* For the decoder: the key must follow all others. Consumes the value, even on failure. */
bool xl_dictionary_append_consume(struct _xpc_dictionary_s *dictionary, const char *key, size_t length,
                                  xpc_object_t value);
/* The room that a received message takes; 0 for any other object. */
uint64_t xl_message_charge(xpc_object_t object);
/* Its handler has returned: gives the room back, unless the program keeps it. */
void xl_message_delivered(xpc_object_t object);
/* Returns the object if it is a dictionary or an error, else NULL. */
const struct _xpc_dictionary_s *xl_as_entries(xpc_object_t object);

#endif
