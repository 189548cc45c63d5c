/*
 * other.h - other processes, which do what they are told.
 *
 * Each is this program as a named service, started when somebody connects to its name and
 * again after its end. On macOS launchd does that, for agents that run.ts installs; their names
 * begin with $CONTRACT_SERVICE. On Linux launcher.c does what launchd does.
 *
 * A service has an anonymous listener beside its name, and takes the same orders there: a
 * request with "do" being one of
 *
 *   "nothing"          (every reply has "pid", of the service)
 *   "endpoint"         replies with "endpoint", of its anonymous listener
 *   "connect"          connects to the "endpoint" in the request, sends a first message
 *                      there, and keeps the connection
 *   "ask"              the same, but asks there for "pid", and replies with that
 *   "write"            writes a byte to "fd"
 *   "fill"             maps "shmem", and writes `pid` into its second 8 bytes
 *   "keep"             never replies
 *   "drop"             lets go of the request without a reply
 *   "cancel peer"      cancels the connection that the request came by
 *   "cancel listener"  cancels its anonymous listener
 *   "exit", "crash"    ends
 */
#ifndef CONTRACT_OTHER_H
#define CONTRACT_OTHER_H

#include "events.h"

/* Before the first thread; `program` is this one's path. False: there is nobody to start them. */
bool others_begin(const char *program, int count);
void others_end(void);
/* The name of service 0, 1, .. */
const char *other_name(int which);

/* A client of that service, by name: started, recording what it hears. */
xpc_connection_t other_client(int which, struct record *heard);
/* A request with that order, to be filled and sent. */
xpc_object_t order(const char *what);
/* Sends an order and waits: the reply, +1. */
xpc_object_t ask(xpc_connection_t other, const char *what);
/* Sends an order, and waits for nothing. */
void tell(xpc_connection_t other, const char *what);
/* The pid of the process at the other end, by its own word. */
pid_t pid_of(xpc_connection_t other);
/* A client of its anonymous listener, by endpoint: started. */
xpc_connection_t other_by_endpoint(xpc_connection_t other, struct record *heard);

/* The part of the service itself. */
void other_serve(const char *name) __attribute__((noreturn));

#endif
