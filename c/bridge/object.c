/* object.c: counting, the handle table, the last error. See object.h. */
#include "object.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bootstrap/held.h"
#include "bytes.h"
#include "queue.h"

/* ---- the last error ---- */

static _Thread_local char last_error[SLB_MAX_TEXT_BYTES];
static _Thread_local int32_t last_code;

int32_t fail(int32_t code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_error, sizeof last_error, format, arguments);
    va_end(arguments);
    return last_code = code;
}

uint32_t slb_error_copy(uint8_t *text, uint32_t capacity) { return text_write(last_error, text, capacity); }

int32_t slb_error_code(void) { return last_code; }

uint32_t slb_user_id(void) { return geteuid(); }

/* ---- counting ---- */

void object_init(struct object *object, uint32_t kind, struct queue *queue,
                 void (*closing)(struct object *), void (*finalize)(struct object *)) {
    object->kind = kind;
    atomic_init(&object->references, 1);
    atomic_init(&object->handle, 0);
    object->queue = queue;
    atomic_init(&object->keep_mapping, false);
    object->closing = closing;
    object->finalize = finalize;
    if (queue) queue_retain(queue);
}

void object_retain(struct object *object) {
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}

void object_release(struct object *object) {
    if (atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) != 1) return;
    struct queue *queue = object->queue;
    object->finalize(object);
    if (queue) queue_release(queue);
}

void object_abandon(struct object *object) {
    if (object->closing) object->closing(object);
    object_release(object);
}

/* ---- the handle table ----
 *
 * A released handle becomes valid again only after its slot was used 4,095 more
 * times.
 */

#define GENERATION_MAX ((1u << (32 - HANDLE_INDEX_BITS)) - 1)

struct slot {
    struct object *object; /* NULL: the slot is free */
    uint32_t generation;   /* never 0, so that no handle is 0 */
    uint32_t next_free;    /* index of the next free slot, if this one is free; 0 ends the list */
};

static struct {
    pthread_mutex_t lock;
    struct slot *slots; /* slot 0 is never used */
    uint32_t capacity;
    uint32_t used; /* slots ever used */
    uint32_t first_free;
    uint64_t counts[HANDLE_COUNTERS];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .used = 1};

static bool table_grow(void) {
    uint32_t capacity = table.capacity ? table.capacity * 2 : 256;
    if (capacity > HANDLE_INDEX_MASK + 1) return false;
    struct slot *slots = realloc(table.slots, capacity * sizeof *slots);
    if (!slots) return false;
    table.slots = slots;
    table.capacity = capacity;
    return true;
}

slb_handle handle_consume(struct object *object) {
    pthread_mutex_lock(&table.lock);
    uint32_t index = table.first_free;
    if (index) {
        table.first_free = table.slots[index].next_free;
    } else if (table.used < table.capacity || table_grow()) {
        index = table.used++;
        table.slots[index].generation = 1;
    } else {
        pthread_mutex_unlock(&table.lock);
        object_abandon(object);
        fail(SLB_E_MEMORY, "Cannot make a handle: out of memory");
        return 0;
    }
    struct slot *slot = &table.slots[index];
    slot->object = object;
    slb_handle handle = slot->generation << HANDLE_INDEX_BITS | index;
    atomic_store(&object->handle, handle);
    table.counts[0]++;
    table.counts[object->kind]++;
    pthread_mutex_unlock(&table.lock);
    return handle;
}

/* The slot of a live handle. The caller holds the lock. */
static struct slot *table_find(slb_handle handle) {
    uint32_t index = handle & HANDLE_INDEX_MASK;
    if (index == 0 || index >= table.used) return NULL;
    struct slot *slot = &table.slots[index];
    return slot->object && slot->generation == handle >> HANDLE_INDEX_BITS ? slot : NULL;
}

/* Frees the slot; the caller then owns its object. The caller holds the lock. */
static struct object *table_remove(struct slot *slot) {
    struct object *object = slot->object;
    atomic_store(&object->handle, 0);
    table.counts[0]--;
    table.counts[object->kind]--;
    slot->object = NULL;
    slot->generation = slot->generation == GENERATION_MAX ? 1 : slot->generation + 1;
    slot->next_free = table.first_free;
    table.first_free = (uint32_t)(slot - table.slots);
    return object;
}

static const char *const kind_names[] = {
    "any",   "queue", "listener",   "connection", "endpoint",
    "reply", "shmem", "descriptor", "surface",   "stream listener", "bootstrap", "lane",
};

/* A forked process has no handles. It must not wait for the lock of the table: a thread of its parent may have held it. */
static int32_t fail_as_fork(slb_handle handle) {
    return fail(SLB_E_HANDLE, "Handle %u is of the process that this one was forked from: start processes in another way", handle);
}

void *handle_take(slb_handle handle, uint32_t kind) {
    if (held_is_forked()) {
        fail_as_fork(handle);
        return NULL;
    }
    pthread_mutex_lock(&table.lock);
    struct slot *slot = table_find(handle);
    struct object *object = slot ? slot->object : NULL;
    uint32_t found = object ? object->kind : 0;
    if (object && found == kind) object_retain(object);
    pthread_mutex_unlock(&table.lock);
    if (object && found == kind) return object;
    if (object) {
        fail(SLB_E_HANDLE, "Handle %u is a %s, not a %s", handle, kind_names[found], kind_names[kind]);
    } else {
        fail(SLB_E_HANDLE, "Handle %u names nothing: it was released or never given", handle);
    }
    return NULL;
}

int32_t slb_mapping_keep(slb_handle handle) {
    if (held_is_forked()) return fail_as_fork(handle);
    pthread_mutex_lock(&table.lock);
    struct slot *slot = table_find(handle);
    struct object *object = slot ? slot->object : NULL;
    bool has_mapping = object && (object->kind == SLB_KIND_SURFACE || object->kind == SLB_KIND_SHMEM ||
                                  object->kind == SLB_KIND_LANE);
    if (has_mapping) atomic_store(&object->keep_mapping, true);
    pthread_mutex_unlock(&table.lock);
    return has_mapping ? 0 : fail(SLB_E_HANDLE, "Cannot keep a mapping: handle %u is no surface, shmem or lane", handle);
}

int32_t slb_release(slb_handle handle) {
    if (held_is_forked()) return fail_as_fork(handle);
    pthread_mutex_lock(&table.lock);
    struct slot *slot = table_find(handle);
    struct object *object = slot ? table_remove(slot) : NULL;
    pthread_mutex_unlock(&table.lock);
    if (!object) return fail(SLB_E_HANDLE, "Cannot release handle %u: it was released or never given", handle);
    object_abandon(object);
    return 0;
}

void handles_close_all(struct queue *queue) {
    for (uint32_t index = 1;; index++) {
        pthread_mutex_lock(&table.lock);
        bool more = index < table.used;
        struct slot *slot = more ? &table.slots[index] : NULL;
        bool owned = slot && slot->object && slot->object->queue == queue;
        struct object *object = owned ? table_remove(slot) : NULL;
        pthread_mutex_unlock(&table.lock);
        if (!more) return;
        if (!object) continue;
        atomic_store(&object->keep_mapping, true);
        object_abandon(object);
    }
}

void handles_count(uint64_t counts[HANDLE_COUNTERS]) {
    pthread_mutex_lock(&table.lock);
    memcpy(counts, table.counts, sizeof table.counts);
    pthread_mutex_unlock(&table.lock);
}
