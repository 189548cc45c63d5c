/*
 * linux_events_test.c - the events of connections within one process: what Apple's headers leave
 * open, and the reasons of invalid connections. The table in <xpc/connection.h> is tested in
 * tests/contract.
 */
#include "linux_support.h"

#define SERVICE "com.example.events"

static xpc_connection_t service_listener(handler_f handler, void *context) {
    uint64_t listener = XPC_CONNECTION_MACH_SERVICE_LISTENER;
    return start(xpc_connection_create_mach_service(SERVICE, NULL, listener), handler, context);
}

static xpc_connection_t service_client(struct record *heard) {
    return start(xpc_connection_create_mach_service(SERVICE, NULL, 0), record_event, heard);
}

/* Sends a message, waits until it arrives, and returns its peer. */
static xpc_connection_t introduce(xpc_connection_t client, struct record *seen) {
    size_t before = record_count(seen);
    send_number(client, 0);
    return xpc_dictionary_get_remote_connection(record_get(seen, before));
}

static void request(xpc_connection_t client, struct record *answers) {
    xpc_object_t message = message_of(1);
    xpc_connection_send_message_with_reply(client, message, NULL, BLOCK(record_event, answers));
    xpc_release(message);
}

/* Gives events that must not come time to come: messages pass through another pair meanwhile. */
static void let_everything_pass(void) {
    struct pair pair = pair_open();
    for (uint64_t i = 0; i < 20; i++) send_number(pair.client, i);
    CHECK(record_wait(pair.seen, 20));
    pair_close(&pair);
}

static void tells_why_after_a_cancel(void) {
    struct pair pair = pair_open();
    xpc_connection_t peer = introduce(pair.client, pair.seen);
    xpc_connection_cancel(pair.client);
    CHECK(record_get(pair.heard, 0) == INVALID);
    check_reason(pair.client, "cancelled by this process");
    CHECK(record_get(pair.seen, 1) == INVALID);
    check_reason(peer, "other side");
    pair_close(&pair);
}

static void remote_cancel_of_a_client_by_endpoint(void) {
    struct pair pair = pair_open();
    struct record *answers = record_create();
    xpc_connection_t peer = introduce(pair.client, pair.seen);
    request(pair.client, answers);
    CHECK(record_wait(pair.seen, 2));
    send_number(peer, 5); /* sent before the cancel: still arrives, and arrives first */
    xpc_connection_cancel(peer);
    CHECK(number_of(record_get(pair.heard, 0)) == 5);
    CHECK(record_get(pair.heard, 1) == INVALID);
    CHECK(record_get(answers, 0) == INTERRUPTED);
    CHECK(record_get(pair.seen, 2) == INVALID); /* by its own cancel */
    check_reason(pair.client, "other side");
    pair_close(&pair);
}

static void cancel_of_the_listener_of_an_endpoint(void) {
    struct record *listened = record_create(), *seen = record_create(), *heard = record_create();
    struct record *late = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), record_event, listened);
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, heard);
    xpc_connection_t silent = start(connect_to_listener(listener), record_event, heard);
    send_number(client, 1);
    start(record_get(listened, 0), record_event, seen);
    CHECK(number_of(record_get(seen, 0)) == 1);
    xpc_connection_cancel(listener);
    xpc_connection_cancel(listener);
    CHECK(record_get(listened, 1) == INVALID);
    CHECK(record_get(heard, 0) == INVALID && record_get(heard, 1) == INVALID);
    check_reason(client, "listener was cancelled or has died");
    CHECK(record_get(seen, 1) == INVALID); /* by the end of its client */
    xpc_connection_t newcomer = start(xpc_connection_create_from_endpoint(endpoint), record_event, late);
    CHECK(record_get(late, 0) == INVALID);
    check_reason(newcomer, "listener was cancelled or has died");
    CHECK(xpc_endpoint_create(listener) == NULL);
    let_everything_pass();
    CHECK(record_count(listened) == 2);
    xpc_release(endpoint);
    end(newcomer);
    end(silent);
    end(client);
    end(listener);
}

static void what_was_sent_before_the_listener_went_arrives(void) {
    for (int i = 0; i < 20; i++) {
        struct pair pair = pair_open();
        xpc_connection_t peer = introduce(pair.client, pair.seen);
        for (uint64_t j = 0; j < 300; j++) send_number(peer, j);
        xpc_connection_send_barrier(peer, BARRIER(record_event, pair.seen));
        CHECK(record_wait(pair.seen, 2)); /* the kernel has all messages */
        xpc_connection_cancel(pair.listener);
        CHECK(record_wait(pair.heard, 301));
        for (size_t j = 0; j < 300; j++) CHECK(number_of(record_get(pair.heard, j)) == j);
        CHECK(record_get(pair.heard, 300) == INVALID);
        pair_close(&pair);
    }
}

static void tells_why_there_is_no_service(void) {
    enter_home();
    struct record *heard = record_create();
    xpc_connection_t client = service_client(heard);
    CHECK(record_get(heard, 0) == INVALID);
    check_reason(client, "no such service: nothing listens at");
    check_reason(client, home);
    xpc_connection_t bundled = start(xpc_connection_create("com.example.bundled", NULL), record_event, heard);
    CHECK(record_get(heard, 1) == INVALID);
    check_reason(bundled, "no such service: nothing listens at");
    end(bundled);
    end(client);
    leave_home();
}

static void cancels_of_a_named_service(void) {
    enter_home();
    struct record *seen = record_create(), *heard = record_create(), *answers = record_create();
    xpc_connection_t listener = service_listener(accept_into, seen);
    xpc_connection_t client = service_client(heard);
    xpc_connection_t peer = introduce(client, seen);
    CHECK(xpc_connection_get_euid(client) == geteuid());
    request(client, answers);
    CHECK(record_wait(seen, 2));
    xpc_connection_cancel(peer);
    CHECK(record_get(heard, 0) == INTERRUPTED);
    CHECK(record_get(answers, 0) == INTERRUPTED);
    CHECK(record_get(seen, 2) == INVALID);
    CHECK(xpc_connection_copy_invalidation_reason(client) == NULL);

    peer = introduce(client, seen); /* reusable */
    xpc_connection_cancel(listener);
    CHECK(record_get(seen, 4) == INVALID); /* of the listener, see accept_into */
    send_number(client, 7);                /* both ends stay usable without the listener */
    CHECK(number_of(record_get(seen, 5)) == 7);
    send_number(peer, 8);
    CHECK(number_of(record_get(heard, 1)) == 8);

    xpc_connection_cancel(client);
    CHECK(record_get(heard, 2) == INVALID);
    CHECK(record_get(seen, 6) == INVALID);
    let_everything_pass();
    CHECK(record_count(heard) == 3);
    end(client);
    end(listener);
    leave_home();
}

static void cancel_peer(void *context, xpc_object_t event) {
    (void)context;
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) xpc_connection_cancel(event);
}

static void a_peer_may_be_refused(void) {
    struct record *heard = record_create(), *answers = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), cancel_peer, NULL);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, heard);
    request(client, answers);
    CHECK(record_get(answers, 0) == INTERRUPTED);
    CHECK(record_get(heard, 0) == INVALID);
    end(client);
    end(listener);
}

/* A listener sends nothing; a reply handler gets an error. */
static void a_listener_cannot_send(void) {
    struct record *answers = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_and_answer, NULL);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, record_create());
    send_number(listener, 1);
    request(listener, answers);
    CHECK(record_get(answers, 0) == INVALID);
    request(client, answers);
    CHECK(xpc_get_type(record_get(answers, 1)) == XPC_TYPE_DICTIONARY);
    end(client);
    end(listener);
}

static const struct test tests[] = {
    {"tells why after a cancel", tells_why_after_a_cancel},
    {"remote cancel of a client by endpoint", remote_cancel_of_a_client_by_endpoint},
    {"cancel of the listener of an endpoint", cancel_of_the_listener_of_an_endpoint},
    {"what was sent before the listener went arrives", what_was_sent_before_the_listener_went_arrives},
    {"tells why there is no service", tells_why_there_is_no_service},
    {"cancels of a named service", cancels_of_a_named_service},
    {"a peer may be refused", a_peer_may_be_refused},
    {"a listener cannot send", a_listener_cannot_send},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
