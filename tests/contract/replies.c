/*
 * replies.c - requests with one reply, none, or a second one.
 */
#include "other.h"

static void reaches_the_reply_handler(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    request(pair.client, 7, replies);
    answer(record_get(pair.seen, 0));
    CHECK(xpc_dictionary_get_uint64(record_get(replies, 0), "echo") == 7);
    let_everything_pass();
    CHECK(record_count(replies) == 1 && record_count(pair.heard) == 0);
    pair_close(&pair);
}

static void each_reply_finds_its_request(void) {
    enum { COUNT = 50 };
    struct record *replies[COUNT];
    struct pair pair = pair_open();
    for (uint64_t i = 0; i < COUNT; i++) request(pair.client, i, replies[i] = record_create());
    for (size_t i = COUNT; i-- > 0;) answer(record_get(pair.seen, i));
    for (uint64_t i = 0; i < COUNT; i++) CHECK(xpc_dictionary_get_uint64(record_get(replies[i], 0), "echo") == i);
    pair_close(&pair);
}

static void waits_for_the_reply(void) {
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_and_answer, NULL);
    xpc_connection_t client = start(connect_to_listener(listener), answer_event, NULL);
    for (uint64_t i = 0; i < 100; i++) {
        xpc_object_t reply = request_sync(client, i);
        CHECK(xpc_dictionary_get_uint64(reply, "echo") == i);
        xpc_release(reply);
    }
    end(client);
    end(listener);
}

static void a_second_reply_cannot_be_made(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    request(pair.client, 1, replies);
    xpc_object_t received = record_get(pair.seen, 0), reply = xpc_dictionary_create_reply(received);
    CHECK(reply != NULL);
    CHECK(xpc_dictionary_create_reply(received) == NULL);
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(received), reply);
    CHECK(xpc_dictionary_create_reply(received) == NULL);
    CHECK(record_wait(replies, 1));
    xpc_release(reply);
    pair_close(&pair);
}

static void no_reply_to_what_wants_none(void) {
    struct pair pair = pair_open();
    xpc_object_t message = message_of(1);
    pair_introduce(&pair);
    CHECK(xpc_dictionary_create_reply(record_get(pair.seen, 0)) == NULL);
    CHECK(xpc_dictionary_create_reply(message) == NULL);
    xpc_release(message);
    pair_close(&pair);
}

static void no_reply_to_a_reply(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    request(pair.client, 1, replies);
    answer(record_get(pair.seen, 0));
    CHECK(xpc_dictionary_create_reply(record_get(replies, 0)) == NULL);
    pair_close(&pair);
}

static void a_reply_knows_its_way(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    request(pair.client, 1, replies);
    xpc_object_t received = record_get(pair.seen, 0), reply = xpc_dictionary_create_reply(received);
    xpc_connection_t way = xpc_dictionary_get_remote_connection(reply);
    CHECK(way && way == xpc_dictionary_get_remote_connection(received));
    xpc_connection_send_message(way, reply);
    CHECK(record_wait(replies, 1));
    xpc_release(reply);
    pair_close(&pair);
}

static void a_request_goes_the_other_way(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    request(pair_introduce(&pair), 3, replies);
    answer(record_get(pair.heard, 0));
    CHECK(xpc_dictionary_get_uint64(record_get(replies, 0), "echo") == 3);
    pair_close(&pair);
}

static void no_reply_is_an_error(void) {
    struct record *heard = record_create(), *replies = record_create();
    xpc_connection_t other = other_client(0, heard);
    xpc_object_t message = order("drop");
    xpc_connection_send_message_with_reply(other, message, NULL, HANDLER(record_event, replies));
    xpc_release(message);
    xpc_object_t told = record_get(replies, 0);
    CHECK(told == INTERRUPTED || told == INVALID);
    CHECK(pid_of(other) > 0 && record_count(heard) == 0); /* both live */
    end(other);
    let_everything_pass();
    CHECK(record_count(replies) == 1);
}

static void answers_after_a_long_time(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    request(pair.client, 1, replies);
    xpc_object_t received = record_get(pair.seen, 0);
    let_everything_pass();
    CHECK(record_count(replies) == 0);
    answer(received);
    CHECK(record_wait(replies, 1));
    pair_close(&pair);
}

static const struct contract_case cases[] = {
    {"a reply reaches its handler, and no other", "xpc.h", "xpc_dictionary_create_reply",
     "the remote end's reply handler is invoked", reaches_the_reply_handler},
    {"each reply finds its request", "connection.h", "xpc_connection_send_message_with_reply",
     "associates a handler to be invoked when the remote service sends a reply message",
     each_reply_finds_its_request},
    {"a synchronous send waits for the reply", "connection.h", "xpc_connection_send_message_with_reply_sync",
     "blocks the caller until a reply is received", waits_for_the_reply},
    {"a second reply cannot be created", "xpc.h", "xpc_dictionary_create_reply", "Attempts to do so will return NULL",
     a_second_reply_cannot_be_made},
    {"no reply can be created to a message that wants none", "xpc.h", "xpc_dictionary_create_reply",
     "NULL if the object was not a dictionary with a reply context", no_reply_to_what_wants_none},
    {"no reply can be created to a reply", "xpc.h", "xpc_dictionary_create_reply",
     "NULL if the object was not a dictionary with a reply context", no_reply_to_a_reply},
    {"a reply has a remote connection", "xpc.h", "xpc_dictionary_get_remote_connection",
     "a dictionary created through xpc_dictionary_create_reply(), a connection object over which a reply message can "
     "be sent is returned",
     a_reply_knows_its_way},
    {"a server may send requests to its client", "connection.h", "xpc_connection_send_message_with_reply",
     "a reply to the message is received from the connection", a_request_goes_the_other_way},
    {"a reply may come late", "connection.h", "xpc_connection_send_message_with_reply_sync",
     "It can block indefinitely", answers_after_a_long_time},
    {"a request that is dropped while both live: either error", OURS, "xpc_dictionary_create_reply",
     "A request that is dropped unanswered", no_reply_is_an_error, .others = 1},
};

const struct contract_group replies_group = CONTRACT_GROUP("Replies", cases);
