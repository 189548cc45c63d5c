/*
 * descriptors.h - descriptors of each kind that a message may have or must not have.
 */
#ifndef FUZZ_DESCRIPTORS_H
#define FUZZ_DESCRIPTORS_H

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../linux/packet.h"
#include "must.h"

enum { MEMORY_BYTES = 8192, KINDS = 4, MOST_OPEN = 256 };

static inline int memory_of(size_t length, int seals) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)length) != 0 || fcntl(fd, F_ADD_SEALS, seals) != 0) abort();
    return fd;
}

/* The descriptors of each kind, and the other end of the socket. */
static inline int *descriptors(void) {
    static int made[KINDS + 1];
    if (!made[KINDS]) {
        int socket[2], pipe[2];
        if (xl_socket_pair(socket) != 0 || pipe2(pipe, O_CLOEXEC) != 0) abort();
        made[0] = memory_of(MEMORY_BYTES, F_SEAL_SHRINK);
        made[1] = memory_of(MEMORY_BYTES, F_SEAL_GROW);
        made[2] = socket[0];
        made[3] = pipe[0];
        made[KINDS] = socket[1];
    }
    return made;
}

/* Returns a descriptor, borrowed: sealed memory, memory that can shrink, a socket, or a pipe. */
static inline int descriptor_of(unsigned kind) { return descriptors()[kind % KINDS]; }

/* Makes a new socket, so that no input finds what one before it has sent to it, or that it was shut down. */
static inline void renew_socket(void) {
    int *made = descriptors(), socket[2];
    close(made[2]);
    close(made[KINDS]);
    if (xl_socket_pair(socket) != 0) abort();
    made[2] = socket[0];
    made[KINDS] = socket[1];
}

/* The number of open descriptors, by one system call. */
static inline int count_open(void) {
    struct pollfd all[MOST_OPEN];
    int closed = 0;
    for (int i = 0; i < MOST_OPEN; i++) all[i] = (struct pollfd){.fd = i};
    poll(all, MOST_OPEN, 0);
    for (int i = 0; i < MOST_OPEN; i++) closed += (all[i].revents & POLLNVAL) != 0;
    return MOST_OPEN - closed;
}

#endif
