/*
 * endpoint.h - the capability to connect to a listener; included by <xpc/xpc.h>.
 */
#ifndef __XPC_ENDPOINT_H__
#define __XPC_ENDPOINT_H__

#include <xpc/xpc.h>

/**
 * Creates an endpoint of an anonymous listener, to be sent in a message. A process that has it can
 * connect, and can send it to others. Returns NULL for any other connection, also for a named
 * listener, and for an invalid one.
 */
XPC_EXPORT XPC_WARN_RESULT xpc_endpoint_t xpc_endpoint_create(xpc_connection_t connection);

#endif
