/*
 * object.c - reference counts, types, and the functions for every object.
 */
#include "object.h"

#include <stdlib.h>
#include <string.h>

#include "misuse.h"
#include "stats.h"

__attribute__((weak)) void *xl_alloc(size_t size) { return calloc(1, size); }

void *xl_grow(void *array, size_t count, size_t *capacity, size_t needed, size_t element) {
    if (needed <= *capacity) return array;
    size_t room = *capacity ? *capacity * 2 : 8;
    void *moved = xl_alloc(room * element);
    if (!moved) return NULL;
    if (count) memcpy(moved, array, count * element);
    free(array);
    *capacity = room;
    return moved;
}

void *xl_object_create(xpc_type_t type, size_t size) {
    struct xl_object *object = xl_alloc(size);
    if (!object) return NULL;
    object->type = type;
    atomic_init(&object->references, 1);
    xl_stats_add(XL_LIVE_OBJECTS, 1);
    return object;
}

void xl_object_free(struct xl_object *object) {
    xl_stats_subtract(XL_LIVE_OBJECTS, 1);
    free(object);
}

void *xl_as(xpc_object_t object, xpc_type_t type) {
    return object && ((struct xl_object *)object)->type == type ? object : NULL;
}

xpc_object_t xpc_retain(xpc_object_t object) {
    struct xl_object *head = object;
    if (!head || atomic_load_explicit(&head->references, memory_order_relaxed) == XL_IMMORTAL) return object;
    atomic_fetch_add_explicit(&head->references, 1, memory_order_relaxed);
    return object;
}

void xpc_release(xpc_object_t object) {
    struct xl_object *head = object;
    if (!head || atomic_load_explicit(&head->references, memory_order_relaxed) == XL_IMMORTAL) return;
    uint32_t before = atomic_fetch_sub_explicit(&head->references, 1, memory_order_acq_rel);
    if (before == 0) { /* of a connection: the library still holds it */
        xl_misuse("xpc_release", "the object was released more often than it was retained",
                  "release once what a create, copy or retain function has returned");
    }
    if (before == 1) head->type->last_release(head);
}

xpc_type_t xpc_get_type(xpc_object_t object) { return object ? ((struct xl_object *)object)->type : NULL; }

const char *xpc_type_get_name(xpc_type_t type) { return type ? type->name : NULL; }

xpc_object_t xpc_copy(xpc_object_t object) {
    if (!object || xl_as(object, XPC_TYPE_CONNECTION)) return NULL;
    const struct xl_object *head = object;
    return head->type->copy ? head->type->copy(head) : xpc_retain(object);
}

bool xpc_equal(xpc_object_t object1, xpc_object_t object2) {
    if (object1 == object2) return true;
    if (!object1 || !object2) return false;
    const struct xl_object *a = object1, *b = object2;
    return a->type == b->type && a->type->equal && a->type->equal(a, b);
}

size_t xl_hash_bytes(size_t seed, const void *bytes, size_t length) {
    size_t hash = seed ^ (size_t)0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * (size_t)0x100000001b3u;
    return hash;
}

size_t xpc_hash(xpc_object_t object) {
    const struct xl_object *head = object;
    if (!head) return 0;
    return head->type->hash ? head->type->hash(head) : xl_hash_bytes(0, &object, sizeof object);
}

void xl_describe(const struct xl_object *object, FILE *out) {
    fprintf(out, "<%s", object->type->name);
    if (object->type->describe) {
        fputs(": ", out);
        object->type->describe(object, out);
    }
    fputc('>', out);
}

char *xpc_copy_description(xpc_object_t object) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = object ? open_memstream(&text, &length) : NULL;
    if (!out) return NULL;
    xl_describe(object, out);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}
