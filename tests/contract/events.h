/*
 * events.h - shared by the cases: records of events, and connections within one process.
 *
 * Every wait is for an event, with a limit after which the case fails.
 */
#ifndef CONTRACT_EVENTS_H
#define CONTRACT_EVENTS_H

#include "handler.h"
#include "suite.h"

#define INTERRUPTED ((xpc_object_t)XPC_ERROR_CONNECTION_INTERRUPTED)
#define INVALID ((xpc_object_t)XPC_ERROR_CONNECTION_INVALID)

/* ---- Records -------------------------------------------------------------------------- */

/* Events in the order of their arrival, each retained. Exists until the process ends. */
struct record;

struct record *record_create(void);
/* A handler: its context is the record. */
void record_event(void *record, xpc_object_t event);
/* A barrier: adds a null object to the record, its context. */
void record_barrier(void *record);
/* Waits until there are `count` events. Returns false if they do not come in time. */
bool record_wait(struct record *record, size_t count);
/* As record_wait, but for events that must not come: 1 s. */
bool record_wait_briefly(struct record *record, size_t count);
/* Returns the event with that index, borrowed; NULL if it does not come. */
xpc_object_t record_get(struct record *record, size_t index);
size_t record_count(struct record *record);
/* Releases the events of all records. */
void records_clear(void);

/* ---- Messages ------------------------------------------------------------------------- */

xpc_object_t message_of(uint64_t number);
/* The number of a message of message_of; UINT64_MAX for anything else. */
uint64_t number_of(xpc_object_t message);
void send_number(xpc_connection_t connection, uint64_t number);
/* Sends a request. The reply or error is recorded. */
void request(xpc_connection_t connection, uint64_t number, struct record *replies);
/* Sends a request and waits for the reply: +1. */
xpc_object_t request_sync(xpc_connection_t connection, uint64_t number);
/* Answers a request with its number, as "echo". */
void answer(xpc_object_t request);
/* A handler: answers requests. No context. */
void answer_event(void *nothing, xpc_object_t event);

/* ---- Connections ---------------------------------------------------------------------- */

/* Sets the handler and activates. The connection is counted, see counting.h. */
xpc_connection_t start(xpc_connection_t connection, handler_f handler, void *context);
/* Cancels and releases. */
void end(xpc_connection_t connection);
/* A listener's handler: starts each peer, and records the events of the listener and its peers. */
void accept_into(void *record, xpc_object_t event);
/* A listener's handler: answers its peers' requests. No context. */
void accept_and_answer(void *nothing, xpc_object_t event);
/* Returns a client that is not started yet. */
xpc_connection_t connect_to_listener(xpc_connection_t listener);

/* A listener and its client. `seen` has the events of the listener and its peers, `heard` those of the client. */
struct pair {
    xpc_connection_t listener, client;
    struct record *seen, *heard;
};

struct pair pair_open(void);
/* Sends message 0, the first event in `seen`, and returns the peer that it came from, borrowed. */
xpc_connection_t pair_introduce(struct pair *pair);
void pair_close(struct pair *pair);

/*
 * Waits for the end of a client by endpoint, its event with that index. Apple's header says INVALID; by other
 * evidence INTERRUPTED may come, and the connection may be used again. Both are allowed.
 */
bool is_lost(struct record *heard, size_t index);

/* Gives events that must not happen time to happen: sends many messages through another pair. */
void let_everything_pass(void);

#endif
