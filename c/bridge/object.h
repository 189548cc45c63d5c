/*
 * object.h: native objects, the handles that name them, and the last error.
 *
 * An object is counted. Its handle holds one reference, and so does whoever
 * took it with handle_take. `closing` runs once, when the object's handle is
 * released or when it is abandoned before it had one; `finalize` runs once,
 * when the last reference goes, and frees it.
 */
#ifndef SLB_OBJECT_H
#define SLB_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xpc/xpc.h>

#include "streamlib_bridge.h"

struct queue;

struct object {
    uint32_t kind; /* SLB_KIND_* */
    atomic_uint references;
    _Atomic(slb_handle) handle; /* 0 before and after it has one: events of it are dropped */
    struct queue *queue;        /* the owner, counted; NULL for a queue itself */
    void (*closing)(struct object *);
    void (*finalize)(struct object *);
};

/* Fills in a fresh object with one reference and no handle. `closing` may be NULL. */
void object_init(struct object *object, uint32_t kind, struct queue *queue,
                 void (*closing)(struct object *), void (*finalize)(struct object *));
void object_retain(struct object *object);
void object_release(struct object *object);

/* Closes and releases an object that never got a handle. */
void object_abandon(struct object *object);

/*
 * Gives the object a handle, which takes over the caller's reference. 0: out
 * of memory; the object has been abandoned and the error is set.
 */
slb_handle handle_consume(struct object *object);

/* The object that the handle names, +1. NULL: no such handle or another kind; the error is set. */
void *handle_take(slb_handle handle, uint32_t kind);

/* Closes every object of the queue and frees its handle. */
void handles_close_all(struct queue *queue);

/* Live handles: all of them in counts[0], then by kind. */
void handles_count(uint64_t counts[10]);

/* Records the words for a failure on this thread; returns `code`. */
int32_t fail(int32_t code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
