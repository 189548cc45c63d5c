/*
 * connection.h: listeners and connections, over xpc_connection_t.
 */
#ifndef SLB_CONNECTION_H
#define SLB_CONNECTION_H

#include "object.h"

struct connection;

struct object *connection_object(struct connection *connection);

/* To be called when an event of the connection has left the queue: it may receive again. */
void connection_drained(struct connection *connection);

/* The number of messages that this process has received. */
uint64_t connection_messages_received(void);

#endif
