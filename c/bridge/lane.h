/*
 * lane.h: one side's half of a lane. streamlib_lane.h describes its memory.
 *
 * lane.c has its life, lane_table.c finds it without a lock, lane_run.c publishes and waits.
 *
 * The memory is written by the other side too. So `slots` and the counters of this side are kept here, and of the
 * memory only head, tail, asleep and core are looked at again, each once for a decision.
 */
#ifndef SLB_LANE_H
#define SLB_LANE_H

#include "object.h"
#include "streamlib_lane.h"

/* The header of one direction in the memory. */
struct lane_header {
    _Atomic uint32_t *head, *tail, *asleep, *core;
};

/* How long the latest waits were, for the decision to spin. In nanoseconds. */
struct lane_pace {
    uint64_t waiting_since; /* 0: nobody waits */
    uint32_t average;
    bool known; /* the average is of at least one wait */
};

struct lane {
    struct object object;
    struct lane *next_free;
    uint32_t slots;
    uint8_t *mapping;
    size_t mapped_bytes;
    struct lane_header out, in; /* the direction that this side writes, and the other one */
    uint32_t head, tail;        /* the last ones of this side: `head` of `out`, `tail` of `in` */
    struct lane_pace pace;
    _Atomic int peer_bell; /* rings the other side; -1 before it is connected */
    int bell_read;         /* this side's, also once the event loop has a copy */
    int bell_write;        /* a copy of what the other side has: while it is open, its death is no end of file */
    atomic_bool bell_taken;
    _Atomic(xpc_object_t) memory; /* NULL once taken, and of a lane that was opened */
};

/* A zeroed struct lane; NULL: out of memory. It is used for other lanes later, and never for anything else. */
struct lane *lane_allocate(void);
/* Returns the struct of a lane that has no handle, so that another lane can use it. */
void lane_free(struct lane *lane);

/* Makes the lane known by its handle. False: out of memory. */
bool lane_enter(struct lane *lane, slb_handle handle);
/* The lane that the handle names, borrowed, without a lock; NULL with the error set. */
struct lane *lane_find(slb_handle handle);

/* Rings the other side if it is to be rung. Returns whether it has. */
bool lane_ring(struct lane *lane);

#endif
