/*
 * queue.h: events on their way from XPC's threads to the isolate that owns the queue.
 */
#ifndef SLB_QUEUE_H
#define SLB_QUEUE_H

#include "object.h"

struct connection;

struct event {
    struct event *next;
    uint32_t kind;             /* SLB_EVENT_* */
    uint32_t subject;          /* request id of a REPLY */
    uint32_t detail;           /* SLB_ERROR_* */
    struct connection *source; /* counted */
    struct connection *peer;   /* of a PEER, counted and not yet active */
    xpc_object_t message;      /* of a MESSAGE or REPLY, counted */
    xpc_object_t reply;        /* of a MESSAGE that asks for one: the empty reply, counted */
};

void queue_retain(struct queue *queue);
void queue_release(struct queue *queue);

/*
 * Puts the event at the end and rings the bell if the queue was empty. Takes
 * the event over; on a closed queue it is dropped.
 */
void queue_put(struct queue *queue, struct event *event);

/* Events waiting in all queues. */
uint64_t queue_events_waiting(void);

/* The queue behind a handle, +1; NULL with the error set. */
struct queue *queue_take(slb_handle handle);

#endif
