/*
 * peer.h - what the parts of the peer share: peer.c, the handshake, and frames.c, the frames.
 * Everything is called by the handlers of one connection, the channel, which never run at once.
 */
#ifndef PEER_H
#define PEER_H

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xpc/xpc.h>

extern bool is_host;
extern uint64_t to_send; /* frames that the host sends */
extern bool started;     /* frames may go */
extern sem_t over;       /* the host has its results, or the channel has ended */

struct counts {
    unsigned sent, received, wrong, dropped, released, offers, retired, refused;
};
extern struct counts count;

void die(const char *why);

/* Whether the string under `key` is `expected`; none at all is "". */
bool is_text(xpc_object_t message, const char *key, const char *expected);

/* A control message, to be filled. */
xpc_object_t control(const char *type);

/* Sends it to the other side, and releases it. */
void send_message(xpc_object_t message);

/* frames.c: what comes. */
void on_surface_offer(xpc_object_t message);
void on_surface_retire(xpc_object_t message);
void on_release(xpc_object_t message);
void on_frame(xpc_object_t message);

/* frames.c: the host sends as many frames as it has surfaces for. */
void host_send(void);

#endif
