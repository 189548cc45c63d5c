/*
 * ours.h - our side of a conversation. Checks its events: each handler runs as often as promised,
 * nothing follows INVALID, and only INVALID follows a cancel.
 */
#ifndef FUZZ_OURS_H
#define FUZZ_OURS_H

#include "../linux/connection.h"
#include "script.h"

enum { RETAINED_MAX = 4 };

/* How the handlers treat a message. */
enum answer { IGNORE, ANSWER, HOLD, SEND_AND_CANCEL };
/* How a listener's handler treats a peer. */
enum welcome { ACTIVATE, ACTIVATE_AND_RETAIN, RETAIN, TURN_AWAY };

void ours_begin(enum answer answer, enum welcome welcome);
/* Consumes a connection that has just been created. NULL has no effect. */
void ours_add(xpc_connection_t connection);
/* Returns a held connection, chosen by a number; NULL if there is none. */
xpc_connection_t ours_get(unsigned number);
/* Does one thing that a program can do with a connection. */
void ours_act(xpc_connection_t connection, struct script *script);
/* Answers or drops the oldest held message. */
void ours_answer(bool drop);
/* Makes the nth allocation from now on fail, once; 0: none. */
void ours_fail_allocation(unsigned nth);
/* Releases everything. No new peer is accepted after it. */
void ours_release(bool cancel);
/* Checks, when everything has run, that each handler was called as promised. */
void ours_check(void);

#endif
