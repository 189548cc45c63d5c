/*
 * linux_connection_test.c - connections within one process: limits, queues that fill up,
 * synchronous sends in handlers. What Apple's headers say is tested in tests/contract.
 */
#include "linux_support.h"

static void a_client_learns_who_is_there_from_the_first_message(void) {
    struct pair pair = pair_open();
    send_number(pair.client, 42);
    xpc_connection_t peer = xpc_dictionary_get_remote_connection(record_get(pair.seen, 0));
    CHECK(xpc_connection_get_pid(peer) == getpid());
    CHECK(xpc_connection_get_asid(peer) == 0);
    CHECK(xpc_connection_copy_invalidation_reason(peer) == NULL);
    CHECK(xpc_connection_get_pid(pair.client) == 0); /* until the first message from there */
    pair_close(&pair);
}

static void announces_a_peer_with_its_first_message(void) {
    struct record *peers = record_create(), *seen = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), record_event, peers);
    xpc_connection_t silent = start(connect_to_listener(listener), record_event, seen);
    xpc_connection_t talker = start(connect_to_listener(listener), record_event, seen);
    send_number(talker, 1);
    CHECK(xpc_get_type(record_get(peers, 0)) == XPC_TYPE_CONNECTION);
    CHECK(record_count(peers) == 1);
    start(record_get(peers, 0), record_event, seen);
    CHECK(number_of(record_get(seen, 0)) == 1);
    end(silent);
    end(talker);
    end(listener);
}

static void queues_until_activation(void) {
    struct record *seen = record_create();
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_connection_t client = connect_to_listener(listener); /* the listener is not active yet */
    for (uint64_t i = 0; i < 10; i++) send_number(client, i);
    xpc_connection_set_event_handler(client, BLOCK(record_event, record_create()));
    xpc_connection_activate(client);
    xpc_connection_activate(client);
    start(listener, accept_into, seen);
    for (uint64_t i = 0; i < 10; i++) CHECK(number_of(record_get(seen, i)) == i);
    end(client);
    end(listener);
}

static void keeps_order_with_a_slow_reader(void) {
    enum { COUNT = 10000 };
    struct pair pair = pair_open();
    struct record *barriers = record_create();
    char text[200] = "";
    memset(text, 'x', sizeof text - 1);
    send_number(pair.client, 0);
    CHECK(record_get(pair.seen, 0) != NULL);
    xpc_connection_t peer = xpc_dictionary_get_remote_connection(record_get(pair.seen, 0));
    xpc_connection_suspend(peer); /* reads nothing: what does not fit into the socket must queue */
    for (uint64_t i = 1; i < COUNT; i++) {
        xpc_object_t message = message_of(i);
        xpc_dictionary_set_string(message, "text", text);
        xpc_connection_send_message(pair.client, message);
        xpc_release(message);
    }
    xpc_connection_send_barrier(pair.client, BARRIER(record_event, barriers));
    CHECK(record_count(barriers) == 0);
    xpc_connection_resume(peer);
    CHECK(record_wait(pair.seen, COUNT));
    for (uint64_t i = 0; i < COUNT; i++) CHECK(number_of(pair.seen->events[i]) == i);
    CHECK(record_wait(barriers, 1));
    pair_close(&pair);
}

static void carries_long_messages(void) {
    struct pair pair = pair_open();
    size_t sizes[] = {1, 60000, 65535, 65536, 70000, 500000, XPC_LINUX_MESSAGE_MAX - 64};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *bytes = malloc(sizes[i]);
        for (size_t j = 0; j < sizes[i]; j++) bytes[j] = (uint8_t)(j * 7 + i);
        xpc_object_t message = xpc_dictionary_create_empty();
        xpc_dictionary_set_data(message, "data", bytes, sizes[i]);
        xpc_connection_send_message(pair.client, message);
        size_t length = 0;
        const void *received = xpc_dictionary_get_data(record_get(pair.seen, i), "data", &length);
        CHECK(length == sizes[i] && memcmp(received, bytes, length) == 0);
        xpc_release(message);
        free(bytes);
    }
    pair_close(&pair);
}

static void refuses_what_is_too_long_without_harm(void) {
    struct pair pair = pair_open();
    struct record *replies = record_create();
    char reason[100] = "";
    uint8_t *bytes = calloc(1, XPC_LINUX_MESSAGE_MAX);
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_data(message, "data", bytes, XPC_LINUX_MESSAGE_MAX);
    CHECK(xpc_linux_message_check(message, reason, sizeof reason) == -1);
    CHECK(strstr(reason, "longer than 1048576 bytes") != NULL);
    xpc_connection_send_message(pair.client, message);
    xpc_connection_send_message_with_reply(pair.client, message, NULL, BLOCK(record_event, replies));
    CHECK(record_get(replies, 0) == INTERRUPTED);
    xpc_object_t error = xpc_connection_send_message_with_reply_sync(pair.client, message);
    CHECK(error == INTERRUPTED);
    send_number(pair.client, 5);
    CHECK(number_of(record_get(pair.seen, 0)) == 5);
    xpc_release(message);
    free(bytes);
    pair_close(&pair);
}

static void a_reply_comes_from_its_connection(void) {
    struct record *replies = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_and_answer, NULL);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, record_create());
    xpc_object_t message = message_of(7);
    xpc_connection_send_message_with_reply(client, message, NULL, BLOCK(record_event, replies));
    xpc_object_t reply = record_get(replies, 0);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 7);
    CHECK(xpc_dictionary_get_remote_connection(reply) == client);
    xpc_release(message);
    end(client);
    end(listener);
}

static void creates_a_reply_once(void) {
    struct pair pair = pair_open();
    struct record *answers = record_create();
    xpc_object_t message = message_of(1);
    xpc_connection_send_message(pair.client, message);
    CHECK(xpc_dictionary_create_reply(record_get(pair.seen, 0)) == NULL); /* the message requests no reply */
    CHECK(xpc_dictionary_create_reply(message) == NULL);                  /* was never received */
    xpc_connection_send_message_with_reply(pair.client, message, NULL, BLOCK(record_event, answers));
    xpc_object_t request = record_get(pair.seen, 1);
    xpc_object_t copy = xpc_copy(request);
    CHECK(xpc_dictionary_create_reply(copy) == NULL); /* a copy has no reply */
    xpc_object_t reply = xpc_dictionary_create_reply(request);
    CHECK(reply != NULL);
    CHECK(xpc_dictionary_create_reply(request) == NULL);
    CHECK(xpc_dictionary_get_remote_connection(reply) == xpc_dictionary_get_remote_connection(request));
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply);
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply); /* has no effect */
    CHECK(xpc_dictionary_get_count(record_get(answers, 0)) == 0);
    send_number(xpc_dictionary_get_remote_connection(reply), 9);
    CHECK(number_of(record_get(pair.heard, 0)) == 9);
    CHECK(record_count(answers) == 1);
    xpc_release(copy);
    xpc_release(reply);
    xpc_release(message);
    pair_close(&pair);
}

static void tells_when_a_request_is_dropped(void) {
    struct pair pair = pair_open();
    struct record *answers = record_create();
    xpc_object_t message = message_of(1);
    xpc_connection_send_message_with_reply(pair.client, message, NULL, BLOCK(record_event, answers));
    CHECK(record_wait(pair.seen, 1));
    CHECK(record_count(answers) == 0);
    record_clear(pair.seen);
    CHECK(record_get(answers, 0) == INTERRUPTED);
    xpc_connection_send_message_with_reply(pair.client, message, NULL, BLOCK(record_event, answers));
    xpc_release(xpc_dictionary_create_reply(record_get(pair.seen, 0)));
    CHECK(record_get(answers, 1) == INTERRUPTED);
    xpc_release(message);
    pair_close(&pair);
}

/* ---- Synchronous sends in handlers ---------------------------------------------------- */

/* The handler of a server's peer: sends a request to its client before it answers. */
static void ask_back(void *context, xpc_object_t event) {
    if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) return;
    xpc_object_t question = message_of(1);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(context, question);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 1);
    xpc_release(reply);
    xpc_release(question);
    answer(event);
}

static void accept_and_ask_back(void *context, xpc_object_t event) {
    (void)context;
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) start(event, ask_back, event);
}

static void sends_synchronously_in_a_handler_of_the_same_connection(void) {
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_and_ask_back, NULL);
    xpc_connection_t client = start(connect_to_listener(listener), answer_event, NULL);
    xpc_object_t message = message_of(2);
    for (int i = 0; i < 50; i++) {
        xpc_object_t reply = xpc_connection_send_message_with_reply_sync(client, message);
        CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 2);
        xpc_release(reply);
    }
    xpc_release(message);
    end(client);
    end(listener);
}

/* More handlers are blocked at the same time than the pool has threads. */
static void sends_synchronously_from_a_hundred_handlers(void) {
    enum { COUNT = 100 };
    struct record *answers = record_create();
    xpc_connection_t clients[COUNT];
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_and_ask_back, NULL);
    xpc_object_t message = message_of(3);
    for (int i = 0; i < COUNT; i++) {
        clients[i] = start(connect_to_listener(listener), answer_event, NULL);
        xpc_connection_suspend(clients[i]); /* so that no answer comes before all requests are sent */
    }
    for (int i = 0; i < COUNT; i++) {
        xpc_connection_resume(clients[i]);
        xpc_connection_send_message_with_reply(clients[i], message, NULL, BLOCK(record_event, answers));
    }
    CHECK(record_wait(answers, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(number_of(xpc_dictionary_get_value(record_get(answers, i), "echo")) == 3);
    }
    xpc_release(message);
    for (int i = 0; i < COUNT; i++) end(clients[i]);
    end(listener);
}

/* ---- Order ---------------------------------------------------------------------------- */

/* Two handlers of one connection, event or reply handlers, never run at the same time. */
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

static void runs_handlers_one_at_a_time(void) {
    struct overlap overlap = {.done = record_create()};
    struct record *seen = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    xpc_connection_t client = start(connect_to_listener(listener), run_alone, &overlap);
    xpc_object_t message = message_of(0);
    for (size_t i = 0; i < 200; i++) {
        xpc_connection_send_message_with_reply(client, message, NULL, BLOCK(run_alone, &overlap));
        xpc_object_t request = record_get(seen, i);
        send_number(xpc_dictionary_get_remote_connection(request), i);
        answer(request);
    }
    CHECK(record_wait(overlap.done, 400));
    CHECK(overlap.most == 1);
    xpc_release(message);
    end(client);
    CHECK(record_get(overlap.done, 400) == INVALID);
    end(listener);
}

static const struct test tests[] = {
    {"a client learns who is there from the first message", a_client_learns_who_is_there_from_the_first_message},
    {"announces a peer with its first message", announces_a_peer_with_its_first_message},
    {"queues until activation", queues_until_activation},
    {"keeps order with a slow reader", keeps_order_with_a_slow_reader},
    {"carries long messages", carries_long_messages},
    {"refuses what is too long without harm", refuses_what_is_too_long_without_harm},
    {"a reply comes from its connection", a_reply_comes_from_its_connection},
    {"creates a reply once", creates_a_reply_once},
    {"tells when a request is dropped", tells_when_a_request_is_dropped},
    {"sends synchronously in a handler of the same connection",
     sends_synchronously_in_a_handler_of_the_same_connection},
    {"sends synchronously from a hundred handlers", sends_synchronously_from_a_hundred_handlers},
    {"runs handlers one at a time", runs_handlers_one_at_a_time},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
