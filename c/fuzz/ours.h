/*
 * ours.h - our side of a conversation, and what it may be told: each handler as often as it is
 * promised, nothing after INVALID, nothing but INVALID after a cancel.
 */
#ifndef FUZZ_OURS_H
#define FUZZ_OURS_H

#include "../linux/connection.h"
#include "script.h"

enum { RETAINED_MAX = 4 };

/* What the handlers do with a message. */
enum answer { IGNORE, ANSWER, HOLD, SEND_AND_CANCEL };
/* What a listener's handler does with a peer. */
enum welcome { ACTIVATE, ACTIVATE_AND_RETAIN, RETAIN, TURN_AWAY };

void ours_begin(enum answer answer, enum welcome welcome);
/* Takes over a connection that has just been created; NULL stays without consequence. */
void ours_add(xpc_connection_t connection);
/* One that is held, chosen by a number; NULL if there is none. */
xpc_connection_t ours_get(unsigned number);
/* One thing that a program can do, with that connection. */
void ours_act(xpc_connection_t connection, struct script *script);
/* Answers, or drops, what was held first. */
void ours_answer(bool drop);
/* The nth allocation from now on fails, once; 0: none does. */
void ours_fail_allocation(unsigned nth);
/* Lets go of everything; then nothing may come any more. */
void ours_release(bool cancel);
/* When all has been run: everybody was told what was promised. */
void ours_check(void);

#endif
