/*
 * channel_macos.c: see channel.h. Compiled and linked, not run on a Mac.
 *
 * The port is taken when this library is loaded, and kept: a later fork() of this process would remove it
 * (registered_macos.h). Then it is put back, so that children that are started with posix_spawn inherit it again.
 */
#include "channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "messages_macos.h"
#include "registered_macos.h"

/* How long a registration waits: its process can do nothing else before. */
enum { REGISTER_MS = 5000, RETRY_MS = 20 };

static mach_port_t channel; /* a send right, for the life of the process; MACH_PORT_NULL if none was inherited */
static pid_t owner;         /* the process that has it: a forked child has none of its parent's ports */

__attribute__((constructor)) static void inherit(void) {
    owner = getpid();
    channel = getenv(BOOT_VARIABLE) ? boot_registered_get() : MACH_PORT_NULL;
}

bool boot_channel_is_isolated(void) {
    const char *value = getenv(BOOT_VARIABLE);
    return value && strcmp(value, BOOT_PORT BOOT_ISOLATED) == 0;
}

enum boot_presence boot_channel_look(char text[BOOT_TEXT_BYTES]) {
    const char *value = getenv(BOOT_VARIABLE);
    char none[BOOT_TEXT_BYTES];
    if (!text) text = none;
    if (!value || !*value) return BOOT_NONE;
    if (owner != getpid()) inherit();
    if (strcmp(value, BOOT_PORT) != 0 && !boot_channel_is_isolated()) {
        snprintf(text, BOOT_TEXT_BYTES, BOOT_VARIABLE " is '%.60s', which is not the value that a bootstrap gives its child: unset it", value);
    } else if (!MACH_PORT_VALID(channel)) {
        snprintf(text, BOOT_TEXT_BYTES,
                 "the port of the bootstrap did not reach this process: it, or a process above it, was started with fork(), "
                 "which on macOS does not pass the port on (shells and Python use fork(), Node and Deno use posix_spawn). "
                 "Start it from a program that uses posix_spawn, or unset " BOOT_VARIABLE
                 " to use the services of this user instead");
    } else if (!boot_mach_is_live(channel)) {
        snprintf(text, BOOT_TEXT_BYTES, "the bootstrap that has started this process, or one above it, has ended");
    } else {
        boot_registered_restore(channel);
        return BOOT_PRESENT;
    }
    return BOOT_LOST;
}

uint32_t boot_channel_port(void) { return boot_channel_look(NULL) == BOOT_PRESENT ? channel : MACH_PORT_NULL; }

/* ---- asking ----------------------------------------------------------------------------- */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static mach_msg_timeout_t left_until(int64_t deadline) {
    int64_t left = deadline - now_ms();
    return left > 0 ? (mach_msg_timeout_t)left : 0;
}

/* Sends the request, with a right or MACH_PORT_NULL, which stays the caller's. -1 with errno. */
static int send_request(const struct boot_request *request, mach_port_t right, mach_port_t reply, int64_t deadline) {
    union {
        struct boot_mach_right_request with_right;
        uint8_t bytes[BOOT_RIGHT_REQUEST_BYTES];
    } message;
    mach_port_t port = boot_channel_port();
    errno = EPIPE;
    if (port == MACH_PORT_NULL) return -1;
    boot_request_encode(request, message.bytes);
    mach_msg_header_t *header = &message.with_right.header;
    header->msgh_remote_port = port;
    header->msgh_local_port = reply;
    if (request->has_right) message.with_right.right.name = right;
    mach_msg_return_t result = boot_mach_send(header, left_until(deadline));
    if (result == MACH_MSG_SUCCESS) return 0;
    errno = result == MACH_SEND_TIMED_OUT      ? ETIMEDOUT
            : result == MACH_SEND_INVALID_DEST ? EPIPE
            : result == MACH_SEND_INVALID_RIGHT ? EINVAL
                                                : ENOMEM;
    return -1;
}

/* The kind of right that an answer has if its code is BOOT_DONE; 0: none. */
static uint8_t wanted_of(uint32_t id) {
    switch (id) {
    case BOOT_LOOK_UP: return BOOT_MOVE_SEND;
    case BOOT_CHECK_IN: return BOOT_MOVE_RECEIVE;
    default: return 0;
    }
}

/* Takes the right out of an answer. Returns a BOOT_ code; -1 if it is not as it should be. */
static int32_t take_answer(union boot_mach_message *message, const struct boot_answer *answer, uint8_t wanted, mach_port_t *right) {
    if (!answer->has_right) return answer->code == BOOT_DONE && wanted != 0 ? -1 : answer->code;
    if (wanted == 0 || answer->disposition != wanted) return -1;
    if (!MACH_PORT_VALID(message->answer.right.name)) return BOOT_UNKNOWN_SERVICE; /* it died on the way */
    *right = message->answer.right.name;
    message->answer.right.name = MACH_PORT_NULL; /* it is the caller's now */
    return BOOT_DONE;
}

/* Waits for the answer to a request of this id. As boot_channel_look_up, for one attempt. */
static int32_t receive_answer(mach_port_t reply, uint32_t id, int64_t deadline, mach_port_t *right) {
    union boot_mach_message message;
    struct boot_answer answer;
    mach_msg_return_t result = boot_mach_receive(reply, &message, left_until(deadline));
    errno = result == MACH_RCV_TIMED_OUT ? ETIMEDOUT : EBADMSG;
    if (result != MACH_MSG_SUCCESS) return -1;
    int32_t code = -1;
    if (message.header.msgh_id == MACH_NOTIFY_SEND_ONCE) { /* from the kernel: the request was dropped, or the bootstrap has ended */
        code = boot_channel_port() != MACH_PORT_NULL ? BOOT_BUSY : -1;
        errno = EPIPE;
    } else if (boot_answer_decode(message.bytes, message.header.msgh_size, &answer) && answer.id == id + BOOT_REPLY) {
        code = take_answer(&message, &answer, wanted_of(id), right);
    }
    mach_msg_destroy(&message.header);
    return code;
}

/* Asks once. `answered` is the right of the answer, owned, or MACH_PORT_NULL. */
static int32_t ask_once(const struct boot_request *request, mach_port_t right, int64_t deadline, mach_port_t *answered) {
    mach_port_t reply;
    errno = ENOMEM;
    if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &reply) != KERN_SUCCESS) return -1;
    int32_t code = -1;
    if (send_request(request, right, reply, deadline) == 0) code = receive_answer(reply, request->id, deadline, answered);
    int why = errno;
    mach_port_mod_refs(mach_task_self(), reply, MACH_PORT_RIGHT_RECEIVE, -1); /* a later answer is freed by the kernel */
    errno = why;
    return code;
}

/* Asks until the answer is not BOOT_BUSY. An attempt that is cut off by the deadline is BOOT_BUSY after one that was. */
static int32_t ask(const struct boot_request *request, mach_port_t right, int limit_ms, mach_port_t *answered) {
    int64_t deadline = now_ms() + limit_ms;
    bool was_busy = false;
    *answered = MACH_PORT_NULL;
    for (;;) {
        int32_t code = ask_once(request, right, deadline, answered);
        if (code == -1 && errno == ETIMEDOUT && was_busy) return BOOT_BUSY;
        if (code != BOOT_BUSY || now_ms() + RETRY_MS >= deadline) return code;
        was_busy = true;
        usleep(RETRY_MS * 1000);
    }
}

int32_t boot_channel_register(const char *name, boot_right right) {
    struct boot_request request = {.id = BOOT_REGISTER, .has_right = true};
    mach_port_t none;
    strcpy(request.name, name);
    int32_t code = ask(&request, (mach_port_t)right, REGISTER_MS, &none);
    if (code != BOOT_BUSY) return code;
    errno = ETIMEDOUT;
    return -1;
}

int32_t boot_channel_look_up(const char *name, boot_right *right) {
    struct boot_request request = {.id = BOOT_LOOK_UP};
    mach_port_t found;
    strcpy(request.name, name);
    int32_t code = ask(&request, MACH_PORT_NULL, BOOT_LOOK_UP_MS, &found);
    *right = found != MACH_PORT_NULL ? (boot_right)found : BOOT_NO_RIGHT;
    return code;
}

int32_t boot_channel_check_in(const char *name, boot_right *receive) {
    struct boot_request request = {.id = BOOT_CHECK_IN};
    mach_port_t made;
    strcpy(request.name, name);
    int32_t code = ask(&request, MACH_PORT_NULL, REGISTER_MS, &made);
    *receive = made != MACH_PORT_NULL ? (boot_right)made : BOOT_NO_RIGHT;
    return code;
}
