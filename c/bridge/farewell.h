/*
 * farewell.h: what was sent on a connection leaves this process before the connection is cancelled.
 *
 * XPC discards what is unsent when a connection is cancelled. So a connection
 * whose handle is released is cancelled only after a barrier. If its peer does
 * not read, the barrier does not run. Therefore only SLB_MAX_FAREWELLS
 * connections wait; one more makes the oldest end at once.
 */
#ifndef SLB_FAREWELL_H
#define SLB_FAREWELL_H

struct connection;

/* Cancels the connection when everything sent has left this process. Takes over a reference to it and one to its xpc_connection_t. */
void farewell_begin_consume(struct connection *connection);

#endif
