/*
 * handlers.c - when handlers run, and what a listener's handler gets.
 */
#include <sched.h>
#include <stdatomic.h>

#include "events.h"

/*
 * The data of handlers is static, because a handler may run once more after the end of the case.
 * Each case has its own process.
 */

/* A handler that counts how many of its calls run at the same time. */
struct overlap {
    _Atomic int running, most;
    struct record *done;
};

static void run_alone(void *context, xpc_object_t event) {
    struct overlap *overlap = context;
    int running = ++overlap->running;
    if (running > overlap->most) overlap->most = running;
    sched_yield();
    overlap->running--;
    record_event(overlap->done, event);
}

static void one_at_a_time(void) {
    static struct overlap overlap;
    overlap.done = record_create();
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_set_event_handler(pair.client, HANDLER(run_alone, &overlap));
    for (uint64_t i = 0; i < 500; i++) {
        send_number(peer, i);
        send_number(pair.client, i);
        xpc_connection_suspend(pair.client);
        xpc_connection_resume(pair.client); /* makes the connection run */
    }
    CHECK(record_wait(overlap.done, 500));
    xpc_connection_cancel(pair.client);
    CHECK(record_get(overlap.done, 500) == INVALID);
    CHECK(overlap.most == 1);
    pair_close(&pair);
}

/* A handler that waits until the gate is open. */
static struct {
    struct record *entered, *events, *open;
} gate;

static void wait_at_gate(void *context, xpc_object_t event) {
    (void)context;
    record_barrier(gate.entered);
    record_wait(gate.open, 1);
    record_event(gate.events, event);
}

static void gate_make(void) {
    gate.entered = record_create();
    gate.events = record_create();
    gate.open = record_create();
}

static void no_replies_while_the_handler_runs(void) {
    gate_make();
    struct record *replies = record_create();
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_set_event_handler(pair.client, HANDLER(wait_at_gate, NULL));
    request(pair.client, 1, replies);
    CHECK(record_wait(pair.seen, 2));
    send_number(peer, 2);
    CHECK(record_wait(gate.entered, 1));
    answer(record_get(pair.seen, 1));
    CHECK(!record_wait_briefly(replies, 1));
    record_barrier(gate.open);
    CHECK(record_wait(replies, 1));
    xpc_connection_cancel(pair.client);
    CHECK(record_get(gate.events, 1) == INVALID);
    pair_close(&pair);
}

static void nothing_is_sent_while_the_handler_runs(void) {
    gate_make();
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_set_event_handler(pair.client, HANDLER(wait_at_gate, NULL));
    send_number(peer, 1);
    CHECK(record_wait(gate.entered, 1));
    send_number(pair.client, 2);
    CHECK(!record_wait_briefly(pair.seen, 2));
    record_barrier(gate.open);
    CHECK(record_wait(pair.seen, 2));
    xpc_connection_cancel(pair.client);
    CHECK(record_get(gate.events, 1) == INVALID);
    pair_close(&pair);
}

static void a_running_handler_is_not_interrupted(void) {
    gate_make();
    struct record *later = record_create();
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_set_event_handler(pair.client, HANDLER(wait_at_gate, NULL));
    send_number(peer, 1);
    CHECK(record_wait(gate.entered, 1));
    xpc_connection_set_event_handler(pair.client, HANDLER(record_event, later));
    send_number(peer, 2);
    let_everything_pass();
    CHECK(record_count(later) == 0);
    record_barrier(gate.open);
    CHECK(number_of(record_get(gate.events, 0)) == 1);
    CHECK(number_of(record_get(later, 0)) == 2);
    pair_close(&pair);
}

static void replace_handler(void *context, xpc_object_t event) {
    if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) return;
    xpc_connection_set_event_handler(xpc_dictionary_get_remote_connection(event), HANDLER(record_event, context));
}

static void a_handler_may_replace_itself(void) {
    struct record *later = record_create();
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_set_event_handler(pair.client, HANDLER(replace_handler, later));
    send_number(peer, 1);
    send_number(peer, 2);
    CHECK(number_of(record_get(later, 0)) == 2);
    CHECK(record_count(pair.heard) == 0); /* the first handler */
    pair_close(&pair);
}

/* The events of a listener, and those of its peers. */
struct house {
    struct record *listened, *events;
};

static void note_and_accept(void *context, xpc_object_t event) {
    struct house *house = context;
    record_event(house->listened, event);
    accept_into(house->events, event);
}

static void listeners_get_connections(void) {
    static struct house house;
    house = (struct house){.listened = record_create(), .events = record_create()};
    struct record *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), note_and_accept, &house);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, heard);
    send_number(client, 1);
    send_number(client, 2);
    xpc_object_t peer = record_get(house.listened, 0);
    CHECK(peer && xpc_get_type(peer) == XPC_TYPE_CONNECTION);
    CHECK(number_of(record_get(house.events, 0)) == 1 && number_of(record_get(house.events, 1)) == 2);
    CHECK(record_count(house.listened) == 1);
    end(client);
    end(listener);
}

static void refuse(void *record, xpc_object_t event) {
    record_barrier(record);
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) xpc_connection_cancel(event);
}

static void a_listener_may_refuse(void) {
    struct record *asked = record_create(), *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), refuse, asked);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, heard);
    send_number(client, 1);
    CHECK(record_wait(asked, 1));
    CHECK(is_lost(heard, 0));
    end(client);
    end(listener);
}

static void each_connection_is_another_peer(void) {
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_t second = start(connect_to_listener(pair.listener), record_event, pair.heard);
    send_number(second, 1);
    xpc_object_t message = record_get(pair.seen, 1);
    CHECK(number_of(message) == 1 && xpc_dictionary_get_remote_connection(message) != peer);
    end(second);
    pair_close(&pair);
}

static const struct contract_case cases[] = {
    {"a connection's handler runs one at a time", "connection.h", "xpc_connection_set_target_queue",
     "there will never be more than one invocation of the connection's event handler block executing concurrently",
     one_at_a_time},
    {"no reply is received while the handler runs", "connection.h", "xpc_connection_set_event_handler",
     "the connection will not attempt to send or receive messages, including reply messages",
     no_replies_while_the_handler_runs},
    {"nothing is sent while the handler runs", "connection.h", "xpc_connection_set_event_handler",
     "The event handler's execution should be treated as a barrier to all connection activity",
     nothing_is_sent_while_the_handler_runs,
     .differs = "what is sent while the handler runs is sent at once, and a handler may wait for a reply: Linux is "
                "the more permissive"},
    {"a handler that runs is not interrupted by another", "connection.h", "xpc_connection_set_event_handler",
     "it will finish, and then the connection's event handler will be changed",
     a_running_handler_is_not_interrupted},
    {"a handler may replace itself", "connection.h", "xpc_connection_set_event_handler",
     "it is safe to call xpc_connection_set_event_handler() from within the event handler block",
     a_handler_may_replace_itself},
    {"a listener receives connections, not messages", "connection.h", "xpc_connection_set_event_handler",
     "listener connections will receive connections and not messages", listeners_get_connections},
    {"a listener may refuse a connection", "connection.h", "xpc_connection_set_event_handler",
     "you may simply call xpc_connection_cancel() on it and return", a_listener_may_refuse},
    {"each connection to a listener is another peer", "connection.h", "xpc_connection_create_from_endpoint",
     "A new peer connection to the listener represented by the given endpoint", each_connection_is_another_peer},
    {"handlers on a target queue", "connection.h", "xpc_connection_set_target_queue",
     "The GCD queue to which the event handler block will be submitted", NULL,
     .differs = "queues are libdispatch's: without it in the program, NULL is the only one; with it, "
                "tests/foreign/programs/queues.c shows that handlers run there"},
};

const struct contract_group handlers_group = CONTRACT_GROUP("Handlers", cases);
