/*
 * queue.h: the queue of events from XPC's threads to the isolate that owns it.
 */
#ifndef SLB_QUEUE_H
#define SLB_QUEUE_H

#include "object.h"

struct connection;

struct event {
    struct event *next;
    uint32_t kind;             /* SLB_EVENT_* */
    uint32_t subject;          /* request id of a REPLY, SLB_REASON_* of an ERROR */
    uint32_t detail;           /* SLB_ERROR_* */
    struct connection *source; /* with a reference */
    struct connection *peer;   /* of a PEER, with a reference, not active yet */
    xpc_object_t message;      /* of a MESSAGE or REPLY, with a reference */
    xpc_object_t reply;        /* of a MESSAGE that asks for a reply: the empty one, with a reference */
};

void queue_retain(struct queue *queue);
void queue_release(struct queue *queue);

/*
 * Appends the event, and rings the bell if the queue was empty. The queue owns
 * the event; a closed queue drops it.
 */
void queue_put(struct queue *queue, struct event *event);

/* The number of events that wait in all queues. */
uint64_t queue_events_waiting(void);

/* The queue that the handle names, with a reference for the caller; NULL with the error set. */
struct queue *queue_take(slb_handle handle);

#endif
