/*
 * lane_table.c: finds lanes by their handles without a lock. See lane.h.
 *
 * A struct lane is never freed, only used for another lane. So a thread can compare its handle at any time: that of a
 * released lane is 0, or that of the lane that uses the struct now.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bootstrap/held.h"
#include "lane.h"

/* Lanes by the index of their handle: leaves, which are made when a handle needs them and then stay. */
#define LEAF_BITS 8
#define LEAF_LANES (1u << LEAF_BITS)
#define LEAVES (1u << (HANDLE_INDEX_BITS - LEAF_BITS))

struct leaf {
    _Atomic(struct lane *) lanes[LEAF_LANES];
};

static struct {
    pthread_mutex_t lock; /* for writing, and for `free` */
    _Atomic(struct leaf *) leaves[LEAVES];
    struct lane *free;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct lane *lane_allocate(void) {
    pthread_mutex_lock(&table.lock);
    struct lane *lane = table.free;
    if (lane) table.free = lane->next_free;
    pthread_mutex_unlock(&table.lock);
    return lane ? lane : calloc(1, sizeof *lane);
}

void lane_free(struct lane *lane) {
    /* All but the object: other threads may still read its handle, which is 0. */
    memset((char *)lane + sizeof lane->object, 0, sizeof *lane - sizeof lane->object);
    pthread_mutex_lock(&table.lock);
    lane->next_free = table.free;
    table.free = lane;
    pthread_mutex_unlock(&table.lock);
}

bool lane_enter(struct lane *lane, slb_handle handle) {
    uint32_t index = handle & HANDLE_INDEX_MASK;
    _Atomic(struct leaf *) *place = &table.leaves[index >> LEAF_BITS];
    pthread_mutex_lock(&table.lock);
    struct leaf *leaf = atomic_load_explicit(place, memory_order_relaxed);
    if (!leaf && (leaf = calloc(1, sizeof *leaf))) atomic_store_explicit(place, leaf, memory_order_release);
    if (leaf) atomic_store_explicit(&leaf->lanes[index % LEAF_LANES], lane, memory_order_release);
    pthread_mutex_unlock(&table.lock);
    return leaf != NULL;
}

struct lane *lane_find(slb_handle handle) {
    if (held_is_forked()) return handle_take(handle, SLB_KIND_LANE); /* NULL, with the error set */
    uint32_t index = handle & HANDLE_INDEX_MASK;
    struct leaf *leaf = atomic_load_explicit(&table.leaves[index >> LEAF_BITS], memory_order_acquire);
    struct lane *lane = leaf ? atomic_load_explicit(&leaf->lanes[index % LEAF_LANES], memory_order_acquire) : NULL;
    if (lane && handle && atomic_load_explicit(&lane->object.handle, memory_order_acquire) == handle) return lane;
    fail(SLB_E_HANDLE, "Handle %u names no lane: it was released or never given", handle);
    return NULL;
}
