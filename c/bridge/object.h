/*
 * object.h: native objects, the handles that name them, and the last error.
 *
 * Objects are reference-counted. A handle holds one reference to its object;
 * handle_take takes another. `closing` runs once: when the handle is released,
 * or when the object is abandoned before it had one. `finalize` runs once, when
 * the last reference is dropped, and frees the object.
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

/* A handle holds the index of its slot in the low bits, and the generation of the slot above them. */
#define HANDLE_INDEX_BITS 20
#define HANDLE_INDEX_MASK ((1u << HANDLE_INDEX_BITS) - 1)

#define HANDLE_COUNTERS (SLB_KIND_LANE + 1) /* of all handles, and of each kind */

struct object {
    uint32_t kind; /* SLB_KIND_* */
    atomic_uint references;
    _Atomic(slb_handle) handle; /* 0 before it has one and after the release: its events are then dropped */
    struct queue *queue;        /* the owner, with a reference; NULL for a queue */
    atomic_bool keep_mapping;   /* its memory may be looked at after its end: `finalize` does not unmap it */
    void (*closing)(struct object *);
    void (*finalize)(struct object *);
};

/* Initialises an object, with one reference and no handle. `closing` may be NULL. */
void object_init(struct object *object, uint32_t kind, struct queue *queue,
                 void (*closing)(struct object *), void (*finalize)(struct object *));
void object_retain(struct object *object);
void object_release(struct object *object);

/* Closes and releases an object that has no handle. */
void object_abandon(struct object *object);

/*
 * Makes a handle for the object, and moves the caller's reference to it. 0: out
 * of memory; the object is abandoned and the error is set.
 */
slb_handle handle_consume(struct object *object);

/* The object that the handle names, with a reference for the caller. NULL: no such handle, or of another kind; the error is set. */
void *handle_take(slb_handle handle, uint32_t kind);

/* Closes every object of the queue and frees its handle. Their mappings are kept: nobody has said that they are no longer looked at. */
void handles_close_all(struct queue *queue);

/* The numbers of live handles: all in counts[0], then by kind. */
void handles_count(uint64_t counts[HANDLE_COUNTERS]);

/* Stores code and text of a failure on this thread. Returns `code`. */
int32_t fail(int32_t code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
