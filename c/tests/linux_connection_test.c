/*
 * linux_connection_test.c - connections within one process.
 */
#include "linux_support.h"

/* A listener whose peers report to `seen`, and a client of it that reports to `heard`. */
struct pair {
    xpc_connection_t listener, client;
    struct record *seen, *heard;
};

static struct pair pair_open(void) {
    struct pair pair = {.seen = record_create(), .heard = record_create()};
    pair.listener = start(xpc_connection_create(NULL, NULL), accept_into, pair.seen);
    pair.client = start(connect_to_listener(pair.listener), record_event, pair.heard);
    return pair;
}

static void pair_close(struct pair *pair) {
    end(pair->client);
    end(pair->listener);
}

static void carries_a_message(void) {
    struct pair pair = pair_open();
    send_number(pair.client, 42);
    xpc_object_t message = record_get(pair.seen, 0);
    CHECK(number_of(message) == 42);
    xpc_connection_t peer = xpc_dictionary_get_remote_connection(message);
    CHECK(xpc_connection_get_pid(peer) == getpid());
    CHECK(xpc_connection_get_euid(peer) == geteuid());
    CHECK(xpc_connection_get_egid(peer) == getegid());
    CHECK(xpc_connection_get_pid(pair.client) == 0);
    send_number(peer, 43);
    CHECK(number_of(record_get(pair.heard, 0)) == 43);
    CHECK(xpc_connection_get_pid(pair.client) == getpid());
    pair_close(&pair);
}

static const struct test tests[] = {
    {"carries a message", carries_a_message},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
