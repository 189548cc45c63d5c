/*
 * events.h - what the cases share: records of events, and connections within one process.
 *
 * All waiting is for something to happen, with a limit at which the case fails.
 */
#ifndef CONTRACT_EVENTS_H
#define CONTRACT_EVENTS_H

#include "handler.h"
#include "suite.h"

#define INTERRUPTED ((xpc_object_t)XPC_ERROR_CONNECTION_INTERRUPTED)
#define INVALID ((xpc_object_t)XPC_ERROR_CONNECTION_INVALID)

/* ---- Records -------------------------------------------------------------------------- */

/* Events in the order they came, each retained. Lives as long as the process. */
struct record;

struct record *record_create(void);
/* A handler: its context is the record. */
void record_event(void *record, xpc_object_t event);
/* A barrier: its context is the record, in which it is a null. */
void record_barrier(void *record);
/* Waits until there are so many events; false if they do not come in time. */
bool record_wait(struct record *record, size_t count);
/* As record_wait, but for what is not supposed to come: 2 s. */
bool record_wait_briefly(struct record *record, size_t count);
/* The event with that number, borrowed; NULL if it does not come. */
xpc_object_t record_get(struct record *record, size_t index);
size_t record_count(struct record *record);
/* Lets go of what all records hold. */
void records_clear(void);

/* ---- Messages ------------------------------------------------------------------------- */

xpc_object_t message_of(uint64_t number);
/* Of a message that message_of made; UINT64_MAX of anything else. */
uint64_t number_of(xpc_object_t message);
void send_number(xpc_connection_t connection, uint64_t number);
/* Sends a message that wants a reply; what comes is recorded. */
void request(xpc_connection_t connection, uint64_t number, struct record *replies);
/* Waits for the reply: +1. */
xpc_object_t request_sync(xpc_connection_t connection, uint64_t number);
/* Answers a request with what it holds, as "echo". */
void answer(xpc_object_t request);
/* A handler: answers requests. No context. */
void answer_event(void *nothing, xpc_object_t event);

/* ---- Connections ---------------------------------------------------------------------- */

/* Sets the handler and activates; its end is counted, see counting.h. */
xpc_connection_t start(xpc_connection_t connection, handler_f handler, void *context);
/* Cancels and releases. */
void end(xpc_connection_t connection);
/* A listener's handler: each peer is started, and its events recorded, as the listener's own are. */
void accept_into(void *record, xpc_object_t event);
/* A listener's handler: its peers' requests are answered. No context. */
void accept_and_answer(void *nothing, xpc_object_t event);
/* Not started yet. */
xpc_connection_t connect_to_listener(xpc_connection_t listener);

/* A listener whose peers, and itself, report to `seen`, and a client of it that reports to `heard`. */
struct pair {
    xpc_connection_t listener, client;
    struct record *seen, *heard;
};

struct pair pair_open(void);
/* The server's side of it, borrowed: a first message introduces it, numbered 0, `seen`'s first event. */
xpc_connection_t pair_introduce(struct pair *pair);
void pair_close(struct pair *pair);

/* Time for what is not supposed to happen: many messages pass through another pair meanwhile. */
void let_everything_pass(void);

#endif
