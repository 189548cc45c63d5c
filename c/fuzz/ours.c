/*
 * ours.c - see ours.h.
 */
#include "ours.h"

#include <stdlib.h>
#include <string.h>

#include "../tests/hand_block.h"
#include "descriptors.h"

enum { LIVES_MAX = 32, PROMISES_MAX = 256 };

/* The context of a connection: what has happened to it. */
struct life {
    xpc_connection_t connection;
    bool activated, cancelled, finalized, by_name;
    unsigned invalid, suspended;
};

/* A block that must run exactly once. */
struct promise {
    unsigned kept;
};

static struct {
    enum answer answer;
    enum welcome welcome;
    struct life lives[LIVES_MAX];
    struct promise promises[PROMISES_MAX];
    size_t lives_count, promises_count, retained_count, held_count;
    struct life *retained[RETAINED_MAX];
    xpc_object_t held[RETAINED_MAX];
} ours;

static unsigned until_failure;

void *xl_alloc(size_t size) { return until_failure && --until_failure == 0 ? NULL : calloc(1, size); }

void ours_fail_allocation(unsigned nth) { until_failure = nth; }

void ours_begin(enum answer answer, enum welcome welcome) {
    memset(&ours, 0, sizeof ours);
    ours.answer = answer;
    ours.welcome = welcome;
    until_failure = 0;
}

static void finalize(void *context) {
    struct life *life = context;
    MUST(!life->finalized);
    life->finalized = true;
}

static void activate(struct life *life) {
    life->activated = true;
    xpc_connection_activate(life->connection);
}

static void cancel(struct life *life) {
    life->cancelled = true;
    xpc_connection_cancel(life->connection);
}

/* ---- Handlers ------------------------------------------------------------------------- */

static void send_number(xpc_connection_t connection, uint64_t number) {
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_uint64(message, "n", number);
    if (message) xpc_connection_send_message(connection, message);
    xpc_release(message);
}

static void answer(xpc_object_t message) {
    xpc_object_t reply = xpc_dictionary_create_reply(message);
    xpc_connection_t remote = xpc_dictionary_get_remote_connection(message);
    MUST(remote);
    if (!reply) return;
    MUST(!xpc_dictionary_create_reply(message));
    xpc_dictionary_set_value(reply, "echo", message);
    xpc_connection_send_message(remote, reply);
    xpc_connection_send_message(remote, reply); /* has no effect: the first answered */
    xpc_release(reply);
}

static void hear_message(struct life *life, xpc_object_t message) {
    MUST(xpc_dictionary_get_remote_connection(message) == life->connection);
    switch (ours.answer) {
    case IGNORE: break;
    case ANSWER: answer(message); break;
    case HOLD:
        if (ours.held_count < RETAINED_MAX) ours.held[ours.held_count++] = xpc_retain(message);
        break;
    case SEND_AND_CANCEL:
        send_number(life->connection, 1);
        cancel(life);
        break;
    }
}

static void hear(void *context, xpc_object_t event);

static struct life *life_of(xpc_connection_t connection, bool by_name) {
    MUST(ours.lives_count < LIVES_MAX);
    struct life *life = &ours.lives[ours.lives_count++];
    *life = (struct life){.connection = connection, .by_name = by_name};
    xpc_connection_set_context(connection, life);
    xpc_connection_set_finalizer_f(connection, finalize);
    xpc_connection_set_event_handler(connection, BLOCK(hear, life));
    return life;
}

static void hear_peer(xpc_connection_t peer) {
    if (ours.welcome == TURN_AWAY || ours.lives_count == LIVES_MAX) return;
    bool has_room = ours.retained_count < RETAINED_MAX, retains = has_room && ours.welcome != ACTIVATE;
    struct life *life = life_of(peer, false);
    if (retains) ours.retained[ours.retained_count++] = life;
    if (retains) xpc_retain(peer);
    if (!retains || ours.welcome != RETAIN) activate(life);
}

/* Any client hears of its own message that was not sent: here one for which memory ran out. */
static bool may_hear_of_refusal(const struct life *life) {
    struct xpc_linux_stats stats;
    xpc_linux_get_stats(&stats);
    return life->connection->role == XL_ENDPOINT_CLIENT && stats.messages_refused > 0;
}

static void hear(void *context, xpc_object_t event) {
    struct life *life = context;
    MUST(!life->finalized && !life->invalid && !life->suspended);
    if (event == XL_INVALID_ERROR) {
        life->invalid++;
        return;
    }
    MUST(!life->cancelled && life->activated);
    if (event == XL_INTERRUPTED) MUST(life->by_name || may_hear_of_refusal(life));
    else if (xpc_get_type(event) == XPC_TYPE_CONNECTION) hear_peer(event);
    else hear_message(life, event);
}

static void keep_promise(void *context, xpc_object_t object) {
    struct promise *promise = context;
    promise->kept++;
    MUST(promise->kept == 1 && object);
}

static struct promise *promise(void) {
    return ours.promises_count < PROMISES_MAX ? &ours.promises[ours.promises_count++] : NULL;
}

/* ---- The actions of a program --------------------------------------------------------- */

void ours_add(xpc_connection_t connection) {
    if (!connection) return;
    ours.retained[ours.retained_count++] = life_of(connection, connection->name != NULL);
    activate(ours.retained[0]);
}

xpc_connection_t ours_get(unsigned number) {
    return ours.retained_count ? ours.retained[number % ours.retained_count]->connection : NULL;
}

static void request(xpc_connection_t connection, uint64_t number) {
    xpc_object_t message = xpc_dictionary_create_empty();
    struct promise *it = message ? promise() : NULL;
    xpc_dictionary_set_uint64(message, "n", number);
    if (number & 128) xpc_dictionary_set_fd(message, "fd", 0);
    if (it) xpc_connection_send_message_with_reply(connection, message, NULL, BLOCK(keep_promise, it));
    xpc_release(message);
}

static void barrier(xpc_connection_t connection) {
    struct promise *it = promise();
    if (it) xpc_connection_send_barrier(connection, BARRIER(keep_promise, it));
}

/* Four messages of 60000 bytes fill a socket; one over 64 KiB goes into a memfd. */
static void send_data(xpc_connection_t connection, size_t length) {
    static const uint8_t zeros[XL_INLINE_MAX];
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_data(message, "d", zeros, length);
    if (message) xpc_connection_send_message(connection, message);
    xpc_release(message);
}

/* Sends the endpoint of the first connection, if that is a listener. */
static void pass_on(xpc_connection_t connection) {
    xpc_endpoint_t endpoint = xpc_endpoint_create(ours.retained[0]->connection);
    xpc_object_t message = endpoint ? xpc_dictionary_create_empty() : NULL;
    xpc_dictionary_set_value(message, "e", endpoint);
    if (message) xpc_connection_send_message(connection, message);
    xpc_release(message);
    xpc_release(endpoint);
}

void ours_act(xpc_connection_t connection, struct script *script) {
    uint8_t choice = next_byte(script);
    struct life *life = connection ? xpc_connection_get_context(connection) : NULL;
    if (!life) return;
    switch (choice & 15) {
    case 0: send_number(connection, choice); break;
    case 1:
        for (int i = choice >> 4 & 3; i >= 0; i--) request(connection, next_byte(script));
        break;
    case 2: barrier(connection); break;
    case 3: cancel(life); break;
    case 4:
        life->suspended++;
        xpc_connection_suspend(connection);
        break;
    case 5:
        if (!life->suspended && life->activated) break; /* one resume too many would end the process */
        if (life->suspended) life->suspended--;
        else life->activated = true;
        xpc_connection_resume(connection);
        break;
    case 6: activate(life); break;
    case 7: send_data(connection, XL_INLINE_MAX); break;
    case 8: xpc_connection_set_event_handler(connection, BLOCK(hear, life)); break;
    case 9: ours.answer = choice >> 4 & 3; break;
    case 10: ours.welcome = choice >> 4 & 3; break;
    case 11: pass_on(connection); break;
    case 12: free(xpc_connection_copy_invalidation_reason(connection)); break;
    case 13: free(xpc_copy_description(connection)); break;
    case 14:
        for (int i = choice >> 4 & 7; i; i--) send_data(connection, 60000);
        break;
    case 15: ours_fail_allocation(1u + (choice >> 4)); break;
    }
}

void ours_answer(bool drop) {
    if (!ours.held_count) return;
    xpc_object_t first = ours.held[0];
    ours.held_count--;
    memmove(ours.held, ours.held + 1, ours.held_count * sizeof first);
    if (!drop) answer(first);
    xpc_release(first);
}

void ours_release(bool cancels) {
    ours_fail_allocation(0);
    while (ours.held_count) ours_answer(true);
    for (size_t i = 0; i < ours.retained_count; i++) {
        struct life *life = ours.retained[i];
        /* The last release of a connection that is suspended or inactive would end the process. */
        for (; life->suspended; life->suspended--) xpc_connection_resume(life->connection);
        if (!life->activated) activate(life);
        if (cancels) cancel(life);
        if (i == 0) life->cancelled = true; /* its last reference; a peer needs none */
        xpc_release(life->connection);
    }
    ours.retained_count = 0;
    ours.welcome = TURN_AWAY;
    ours.answer = IGNORE;
}

void ours_check(void) {
    struct xpc_linux_stats stats;
    for (size_t i = 0; i < ours.lives_count; i++) MUST(ours.lives[i].finalized && ours.lives[i].invalid <= 1);
    for (size_t i = 0; i < ours.lives_count; i++) MUST(ours.lives[i].invalid == 1);
    for (size_t i = 0; i < ours.promises_count; i++) MUST(ours.promises[i].kept == 1);
    xpc_linux_get_stats(&stats);
    MUST(stats.live_objects == 0 && stats.live_connections == 0);
}
