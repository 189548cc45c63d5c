/*
 * queue.h: the queue of events from XPC's threads to the isolate that owns it.
 */
#ifndef SLB_QUEUE_H
#define SLB_QUEUE_H

#include "object.h"

struct connection;

struct event {
    struct event *next; /* of the same connection */
    uint32_t bytes;     /* of the message, packed, or of the problem */
    uint32_t cost;      /* see cost.h */
    const char *problem; /* of a MALFORMED or a malformed REPLY: a static text */
    uint32_t kind;             /* SLB_EVENT_* */
    uint32_t subject;          /* request id of a REPLY, SLB_REASON_* of an ERROR */
    uint32_t detail;           /* SLB_ERROR_* */
    struct connection *source; /* with a reference */
    struct connection *peer;   /* of a PEER, with a reference, not active yet */
    xpc_object_t message;      /* of a MESSAGE or REPLY, with a reference */
    xpc_object_t reply;        /* of a MESSAGE that asks for a reply: the empty one, with a reference */
};

/*
 * A connection's events on the queue, and its place in the round. Draining goes round the connections:
 * at its turn each gets a credit of SLB_DRAIN_TURN_BYTES more, and events are taken as long as its
 * credit pays for them. So a connection delays another by no more than that.
 */
struct backlog {
    struct connection *connection;
    struct event *first, *last;
    struct backlog *next; /* in the round */
    uint64_t credit;
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

/* Whether events wait on this queue. */
bool queue_has_events(struct queue *queue);
/* The end of its bell that can be polled, borrowed. */
int queue_bell(const struct queue *queue);
/* Reads the bell, and rings it again if events wait: another reader of it misses none. */
void queue_read_bell(struct queue *queue);

/* The queue that the handle names, with a reference for the caller; NULL with the error set. */
struct queue *queue_take(slb_handle handle);

#endif
