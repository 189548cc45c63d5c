/*
 * peer.h - shared by the parts of the peer: peer.c, the handshake; frames.c, the frames; faults.c.
 * All functions are called by the handlers of one connection, the channel, one at a time.
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
extern bool started;     /* frames may be sent */
extern const char *fault; /* how it fails; "" if it does not */
extern sem_t over;       /* the host has its results, or the channel has ended */

struct counts {
    unsigned sent, received, wrong, dropped, released, offers, retired, refused;
};
extern struct counts count;

void die(const char *why);

/* Whether the string under `key` is `expected`; a missing one counts as "". */
bool is_text(xpc_object_t message, const char *key, const char *expected);

/* Returns a control message, to be filled. */
xpc_object_t control(const char *type);

/* Sends a message to the other side, and releases it. */
void send_message(xpc_object_t message);

/* Sends a control message of this type with a payload of three bytes. */
void send_payload(const char *type, const char bytes[3]);

/* faults.c: fails as `fault` says, as a client that got a ping. Whether it did. */
bool fail_after_ping(void);

/* faults.c: fails as `fault` says, when the client has started. Blocks the handler of the channel. */
void fail_after_start(void);

/* frames.c: handles received messages. */
void on_surface_offer(xpc_object_t message);
void on_surface_retire(xpc_object_t message);
void on_release(xpc_object_t message);
void on_frame(xpc_object_t message);

/* frames.c: sends, as the host, as many frames as it has free surfaces. */
void host_send(void);

#endif
