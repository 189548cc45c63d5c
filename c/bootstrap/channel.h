/*
 * channel.h: the channel to a bootstrap that this process has inherited.
 *
 * STREAMLIB_BOOTSTRAP says that there is one. Its value is the system's: "<descriptor>:<inode>" on Linux,
 * "port" on macOS. ":isolated" at its end: a name that is unknown there is looked for nowhere else.
 */
#ifndef BOOT_CHANNEL_H
#define BOOT_CHANNEL_H

#include "registry.h"

#define BOOT_VARIABLE "STREAMLIB_BOOTSTRAP"
#define BOOT_ISOLATED ":isolated"

enum { BOOT_TEXT_BYTES = 448 };

enum boot_presence {
    BOOT_NONE, /* the variable is not set */
    BOOT_PRESENT,
    BOOT_LOST /* it is set, and the channel is not here, or its bootstrap has ended */
};

/* Whether there is a channel. BOOT_LOST: why, and what to do, in `text`, which may be NULL. */
enum boot_presence boot_channel_look(char text[BOOT_TEXT_BYTES]);
/* Whether names that are unknown to the bootstrap are looked for nowhere else. */
bool boot_channel_is_isolated(void);

/*
 * Registers a name with a right, which stays the caller's, and waits for the answer until a deadline. Returns a
 * BOOT_ code; -1 with errno: ETIMEDOUT, EPIPE if the bootstrap has ended, or what this process lacks.
 */
int32_t boot_channel_register(const char *name, boot_right right);

#ifdef __linux__
/*
 * Sends a request, with a right or BOOT_NO_RIGHT, which stays the caller's. Returns a descriptor, owned, at which
 * the answer arrives. Never blocks. -1 with errno: EAGAIN if the bootstrap takes no request now, EPIPE if it has
 * ended, or what this process lacks.
 */
int boot_channel_ask(const struct boot_request *request, boot_right right);

/*
 * Reads the answer to a request of this id. True: the code; with BOOT_DONE also the right, owned, or BOOT_NO_RIGHT.
 * BOOT_BUSY also stands for a request that was dropped. False with errno: EAGAIN if nothing has arrived, EPIPE if
 * the bootstrap has ended, EBADMSG.
 */
bool boot_channel_answer(int reply, uint32_t id, int32_t *code, boot_right *right);

/* Passes on a request of a process below this one, with the socket for its answer. -1 with errno, as boot_channel_ask. */
int boot_channel_pass_on(const uint8_t *bytes, size_t length, int reply);

/* Describes which program between this process and its bootstrap has lost the socket. `text` is "" if that is not known. */
void boot_channel_explain_loss(int fd, uint64_t inode, char text[BOOT_TEXT_BYTES]);
#endif

#ifdef __APPLE__
#define BOOT_PORT "port" /* the value of the variable, without BOOT_ISOLATED */

/* The port of the channel, a send right that is not the caller's; 0 unless the channel is BOOT_PRESENT. */
uint32_t boot_channel_port(void);

/*
 * Looks a name up, and waits for the answer for at most BOOT_LOOK_UP_MS. Returns a BOOT_ code; with BOOT_DONE a
 * send right, owned. BOOT_BUSY: its server is being started, or takes no connection. -1 with errno, as
 * boot_channel_register.
 */
enum { BOOT_LOOK_UP_MS = 500 };
int32_t boot_channel_look_up(const char *name, boot_right *right);

/* Registers a name with a receive right that the bootstrap makes, owned. Waits as boot_channel_register does, and returns what it does. */
int32_t boot_channel_check_in(const char *name, boot_right *receive);
#endif

#endif
