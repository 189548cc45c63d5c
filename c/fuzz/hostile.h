/*
 * hostile.h - packets of a peer that breaks the rules.
 */
#ifndef FUZZ_HOSTILE_H
#define FUZZ_HOSTILE_H

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "descriptors.h"
#include "script.h"
#include "../linux/wire.h"

enum { PACKET_BYTES = 80 * 1024, PACKET_DESCRIPTORS = 20, LONG_BYTES = 66000 };

struct hostile_packet {
    size_t length, count;
    int descriptors[PACKET_DESCRIPTORS]; /* borrowed */
    uint8_t bytes[PACKET_BYTES];
};

/* To be called before each input. */
void hostile_prepare(void);
/* Returns the next packet of the script; valid until the call after the next. */
struct hostile_packet *hostile_packet(struct script *script);
/* Appends the bytes of the second packet to the first. */
void hostile_merge(struct hostile_packet *packet, const struct hostile_packet *second);
/* Returns a valid CONNECT or DERIVE with this socket. */
struct hostile_packet *hostile_end(enum xl_kind kind, int socket);
/* Sends the bytes from `from` to `to`; with the descriptors if `from` is 0. */
void hostile_send(int socket, const struct hostile_packet *packet, size_t from, size_t to);
/* Receives a packet of our side. `descriptor` is its first one, owned by the caller, or -1. False: there is none. */
bool hostile_receive(int socket, int *descriptor);

#endif
