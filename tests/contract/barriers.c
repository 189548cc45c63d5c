/*
 * barriers.c - when a barrier runs, and what has been sent by then.
 */
#include "counting.h"
#include "events.h"

static void runs_after_what_was_sent(void) {
    struct record *ran = record_create();
    struct pair pair = pair_open();
    pair_introduce(&pair);
    xpc_connection_suspend(pair.client);
    let_everything_pass();
    for (uint64_t i = 1; i <= 5; i++) send_number(pair.client, i);
    xpc_connection_send_barrier(pair.client, BARRIER(record_barrier, ran));
    let_everything_pass();
    CHECK(record_count(ran) == 0);
    xpc_connection_resume(pair.client);
    CHECK(record_wait(ran, 1));
    CHECK(number_of(record_get(pair.seen, 5)) == 5);
    pair_close(&pair);
}

/* A barrier that waits until the gate is open. */
static struct {
    struct record *entered, *open;
} gate;

static void wait_at_gate(void *context) {
    (void)context;
    record_barrier(gate.entered);
    record_wait(gate.open, 1);
}

static void nothing_is_sent_meanwhile(void) {
    gate.entered = record_create();
    gate.open = record_create();
    struct pair pair = pair_open();
    pair_introduce(&pair);
    xpc_connection_send_barrier(pair.client, BARRIER(wait_at_gate, NULL));
    CHECK(record_wait(gate.entered, 1));
    send_number(pair.client, 1);
    let_everything_pass();
    CHECK(record_count(pair.seen) == 1);
    record_barrier(gate.open);
    CHECK(number_of(record_get(pair.seen, 1)) == 1);
    pair_close(&pair);
}

static void does_not_wait_for_replies(void) {
    struct record *ran = record_create(), *replies = record_create();
    struct pair pair = pair_open();
    request(pair.client, 1, replies);
    xpc_connection_send_barrier(pair.client, BARRIER(record_barrier, ran));
    CHECK(record_wait(ran, 1));
    CHECK(record_count(replies) == 0);
    answer(record_get(pair.seen, 0));
    CHECK(record_wait(replies, 1));
    pair_close(&pair);
}

static void memory_is_disposed_of(void) {
    struct witness witness = witness_create();
    struct record *ran = record_create();
    struct pair pair = pair_open();
    pair_introduce(&pair);
    xpc_object_t message = message_of(1);
    xpc_dictionary_set_value(message, "witness", witness.object);
    xpc_connection_send_message(pair.client, message);
    xpc_release(message);
    xpc_release(witness.object);
    xpc_connection_send_barrier(pair.client, BARRIER(record_barrier, ran));
    CHECK(record_wait(ran, 1) && record_wait(pair.seen, 2));
    records_clear(); /* releases the received messages: no other object may hold it now */
    CHECK(witness_is_gone(&witness));
    witness_close(&witness);
    pair_close(&pair);
}

static void runs_on_a_cancelled_connection(void) {
    struct record *ran = record_create();
    struct pair pair = pair_open();
    xpc_connection_cancel(pair.client);
    CHECK(record_get(pair.heard, 0) == INVALID);
    xpc_connection_send_barrier(pair.client, BARRIER(record_barrier, ran));
    CHECK(record_wait(ran, 1));
    pair_close(&pair);
}

static void runs_when_cancelled(void) {
    struct record *ran = record_create();
    struct pair pair = pair_open();
    pair_introduce(&pair);
    xpc_connection_suspend(pair.client);
    let_everything_pass();
    send_number(pair.client, 1);
    xpc_connection_send_barrier(pair.client, BARRIER(record_barrier, ran));
    xpc_connection_cancel(pair.client);
    xpc_connection_resume(pair.client);
    CHECK(record_wait(ran, 1));
    CHECK(record_get(pair.seen, 1) == INVALID); /* the message was discarded */
    pair_close(&pair);
}

static void cancel_connection(void *connection) { xpc_connection_cancel(connection); }

static void may_cancel(void) {
    struct pair pair = pair_open();
    xpc_connection_send_barrier(pair.client, BARRIER(cancel_connection, pair.client));
    CHECK(record_get(pair.heard, 0) == INVALID);
    pair_close(&pair);
}

static const struct contract_case cases[] = {
    {"a barrier runs after what was sent before it", "connection.h", "xpc_connection_send_barrier",
     "the barrier will be invoked after the fifth message has been sent", runs_after_what_was_sent},
    {"the memory of sent messages is freed", "connection.h", "xpc_connection_send_barrier",
     "after the fifth message has been sent and its memory disposed of", memory_is_disposed_of},
    {"nothing is sent while a barrier runs", "connection.h", "xpc_connection_send_barrier",
     "No messages will be sent while the barrier block is executing", nothing_is_sent_meanwhile},
    {"a barrier does not wait for replies", "connection.h", "xpc_connection_send_barrier",
     "The receipt of a reply message will not influence when the barrier runs", does_not_wait_for_replies},
    {"a barrier on a cancelled connection runs at once", "connection.h", "xpc_connection_send_barrier",
     "If a barrier is issued on a canceled connection, it will be invoked immediately",
     runs_on_a_cancelled_connection},
    {"outstanding barriers run when the connection is cancelled", "connection.h", "xpc_connection_send_barrier",
     "those barriers will be invoked as part of the connection's unwinding process", runs_when_cancelled},
    {"a barrier may cancel its connection", "connection.h", "xpc_connection_send_barrier",
     "You may safely cancel a connection from within a barrier block", may_cancel},
};

const struct contract_group barriers_group = CONTRACT_GROUP("Barriers", cases);
