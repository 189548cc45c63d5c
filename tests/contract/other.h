/*
 * other.h - other processes, which follow orders.
 *
 * Each is this program as a named service. It is started when a client connects to its name, and
 * again after its end: on macOS by launchd, for agents that run.ts installs, with names that begin
 * with $CONTRACT_SERVICE; on Linux by launcher.c.
 *
 * A service also has an anonymous listener, which takes the same orders. An order is a request
 * whose "do" is one of
 *
 *   "nothing"          (every reply has "pid", of the service)
 *   "endpoint"         replies with "endpoint", of its anonymous listener
 *   "connect"          connects to the "endpoint" in the request, sends a first message
 *                      there, and keeps the connection
 *   "ask"              the same, but requests "pid" there, and replies with it
 *   "write"            writes a byte to "fd"
 *   "fill"             maps "shmem", and writes `pid` into its second 8 bytes
 *   "keep"             never replies
 *   "drop"             releases the request without a reply
 *   "cancel peer"      cancels the connection that the request came by
 *   "cancel listener"  cancels its anonymous listener
 *   "exit", "crash"    ends
 */
#ifndef CONTRACT_OTHER_H
#define CONTRACT_OTHER_H

#include "events.h"

/* Called before the first thread; `program` is the path of this program. Returns false if nothing can start them. */
bool others_begin(const char *program, int count);
void others_end(void);
/* Returns the name of service 0, 1, … */
const char *other_name(int which);

/* Returns a started client of that service, by name, which records its events. */
xpc_connection_t other_client(int which, struct record *heard);
/* Returns a request with that order, to be filled and sent. */
xpc_object_t order(const char *what);
/* Sends an order and waits for the reply: +1. */
xpc_object_t ask(xpc_connection_t other, const char *what);
/* Sends an order without waiting. */
void tell(xpc_connection_t other, const char *what);
/* Requests the pid of the process at the other end. */
pid_t pid_of(xpc_connection_t other);
/* Returns a started client of its anonymous listener, by endpoint. */
xpc_connection_t other_by_endpoint(xpc_connection_t other, struct record *heard);

/* Runs the service. */
void other_serve(const char *name) __attribute__((noreturn));

#endif
