/*
 * connection.h: listeners and connections, over xpc_connection_t.
 */
#ifndef SLB_CONNECTION_H
#define SLB_CONNECTION_H

#include "object.h"

struct connection;

struct object *connection_object(struct connection *connection);

/* One event of the connection has left the queue: it may go on receiving. */
void connection_drained(struct connection *connection);

/* Messages received in this process. */
uint64_t connection_messages_received(void);

#endif
