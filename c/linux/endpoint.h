/*
 * endpoint.h - endpoints that are passed on, and the ends that a listener has of them: see endpoint.c.
 */
#ifndef XL_ENDPOINT_H
#define XL_ENDPOINT_H

#include "connection.h"

/* The descriptors that a process needs besides those which others can make it open. */
enum { XL_DESCRIPTORS_OF_ITS_OWN = 44 };

/* An end that a listener has of an endpoint that was passed on. */
struct xl_holder {
    struct xl_holder *next;
    int socket; /* owned, watched */
    pid_t by;   /* the process that passed the endpoint on */
    bool own;   /* it did so through the end that only the listener's process has */
    bool armed; /* the pool reports when the socket is ready */
};

/* Tells the listener of `endpoint` of a socket, in a CONNECT for that process (0: this one) or a DERIVE. Never blocks. */
enum xl_sent xl_endpoint_send(int endpoint, enum xl_kind kind, pid_t pid, int end);
/*
 * Makes a new end of an endpoint's listener, to be sent to another process. Never blocks. XL_SENT: the
 * caller owns `derived`, which is the end of a listener that has ended if this one has. XL_FULL: the
 * listener does not read; without `waits`, `derived` is then made as for one that has ended. XL_BUSY,
 * XL_FAILED: there is none.
 */
enum xl_sent xl_endpoint_derive(int endpoint, bool waits, int *derived);

/* With the listener's lock held: */
/* Consumes the socket, and closes it if the listener may have no more. The others are as in xl_holder. */
void xl_holder_add_consume(xpc_connection_t listener, int socket, pid_t by, bool own);
/* Whether the socket that has become ready is such an end; then the pool does not watch it any more. */
bool xl_holder_disarm(xpc_connection_t listener, int socket);
void xl_holder_end(xpc_connection_t listener, int socket);
void xl_holders_end(xpc_connection_t listener);
/* Has the pool watch all ends that it does not watch. */
void xl_holders_arm(xpc_connection_t listener);

#endif
