/*
 * messages_linux.h: requests and answers of a bootstrap on sockets, as its server receives and sends them.
 */
#ifndef BOOT_MESSAGES_LINUX_H
#define BOOT_MESSAGES_LINUX_H

#include <sys/socket.h>

#include "codec.h"

/* A request comes with the socket for its answer, and perhaps with a right. */
enum { BOOT_DESCRIPTORS_MOST = 2 };

struct boot_received {
    uint8_t bytes[BOOT_BYTES_MAX + 1];
    size_t length;
    struct ucred sender;
    int descriptors[BOOT_DESCRIPTORS_MOST]; /* owned, or -1 */
    int count;
    bool cut; /* there were more descriptors, or one could not be received */
};

/* Receives one request. Returns 1; 0 if there is none; -1 if every process that had the channel has ended or closed it. */
int boot_request_receive(int channel, struct boot_received *received);
/* Closes what is still owned. */
void boot_received_release(struct boot_received *received);

/* Sends an answer, with a right or -1. Never blocks: who does not take it does not get it. */
void boot_answer_send(int reply, struct boot_answer answer, int right);

/* Whether it is a SEQPACKET socket that does not listen. */
bool boot_is_seqpacket(int fd);
/* Makes two connected SEQPACKET sockets, non-blocking and close-on-exec, that receive credentials. -1 with errno. */
int boot_make_pair(int ends[2]);

#endif
