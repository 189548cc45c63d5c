/*
 * messages_macos.h: requests and answers of a bootstrap as Mach messages, as both sides receive and send them.
 *
 * Each right that comes or was to go is either handed on or freed: mach_msg_destroy frees what is left in a message.
 */
#ifndef BOOT_MESSAGES_MACOS_H
#define BOOT_MESSAGES_MACOS_H

#include <stdbool.h>
#include <sys/types.h>

#include "codec.h"
#include "mach_macos.h"

/* Room for a message and its trailer. */
union boot_mach_message {
    mach_msg_header_t header;
    struct boot_mach_right_request request;
    struct boot_mach_right_answer answer;
    mach_dead_name_notification_t dead_name;
    uint8_t bytes[BOOT_BYTES_MAX];
};

/* Gives a reference back, of any kind; none if `port` is null or dead. */
void boot_mach_drop(mach_port_t port);

/* Makes a port: a receive right, and one reference to a send right. MACH_PORT_NULL on failure. */
mach_port_t boot_mach_make(void);
/* Gives the receive right back; references to send rights become those of a dead name. */
void boot_mach_close(mach_port_t port);

/* Receives one message of a port or a port set, and waits for it for at most `limit_ms`. One that is too long is lost. */
mach_msg_return_t boot_mach_receive(mach_port_t from, union boot_mach_message *message, mach_msg_timeout_t limit_ms);

/* Who has sent a received message, as the kernel says. False: it does not say. */
bool boot_mach_sender(const union boot_mach_message *message, pid_t *pid, uid_t *uid);

/* Sends, and waits for room for at most `limit_ms`. On failure the rights in the message are freed. */
mach_msg_return_t boot_mach_send(mach_msg_header_t *header, mach_msg_timeout_t limit_ms);

/* Where a message is answered: a right and how it is sent. */
struct boot_mach_reply {
    mach_port_t port; /* owned */
    mach_msg_type_name_t kind;
};

/* Takes the reply right out of a received message. */
struct boot_mach_reply boot_mach_take_reply(union boot_mach_message *message);

/* Passes a request on to another bootstrap, with the right to answer it. Never waits. On failure `reply` is still the caller's. */
mach_msg_return_t boot_mach_pass_on(union boot_mach_message *message, mach_port_t to, struct boot_mach_reply *reply);

/* Answers, with a right or MACH_PORT_NULL. Never waits: who does not take it does not get it. Consumes both rights. */
void boot_mach_answer(struct boot_mach_reply reply, struct boot_answer answer, mach_port_t right);

/* Whether a send right still has a receiver. */
bool boot_mach_is_live(mach_port_t right);

#endif
