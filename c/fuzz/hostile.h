/*
 * hostile.h - packets of a peer that keeps to no rule.
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

/* Makes what is made only once. */
void hostile_prepare(void);
/* The next packet that the script tells of; valid until the next call. */
struct hostile_packet *hostile_packet(struct script *script);
/* Appends the second to the first, as one packet. */
void hostile_merge(struct hostile_packet *packet, const struct hostile_packet *second);
/* A well-formed CONNECT. */
struct hostile_packet *hostile_connect(int socket);
/* Sends its bytes from `from` to `to`; the descriptors too, unless there are none. */
void hostile_send(int socket, const struct hostile_packet *packet, size_t from, size_t to);
/* Takes what our side has sent. A descriptor that came is the caller's; else -1. False: nothing there. */
bool hostile_receive(int socket, int *descriptor);

#endif
