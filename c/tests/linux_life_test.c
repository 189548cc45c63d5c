/*
 * linux_life_test.c - how connections end: finalizers, last references, peers that nobody activates.
 */
#include "linux_support.h"

static void harmless(void *context, xpc_object_t event) {
    (void)context;
    (void)event;
}

static void count_finalized(void *context) { ++*(_Atomic int *)context; }

static void finalizes_once(void) {
    _Atomic int finalized = 0;
    struct pair pair = pair_open();
    xpc_connection_t kinds[] = {
        xpc_connection_create(NULL, NULL),
        xpc_connection_create("bundled.service", NULL),
        xpc_connection_create_mach_service("a.name", NULL, 0),
        xpc_connection_create_mach_service("a.name", NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER),
        connect_to_listener(pair.listener),
    };
    for (size_t i = 0; i < 5; i++) {
        xpc_connection_set_context(kinds[i], &finalized);
        CHECK(xpc_connection_get_context(kinds[i]) == &finalized);
        xpc_connection_set_finalizer_f(kinds[i], count_finalized);
        xpc_retain(kinds[i]);
        xpc_release(kinds[i]);
        if (i % 2) end(start(kinds[i], harmless, NULL));
        else discard(kinds[i]);
    }
    pair_close(&pair);
    settle();
    CHECK(finalized == 5);
}

/* The handler releases the last reference, and may use the connection until it returns. */
struct suicide {
    xpc_connection_t connection;
    struct record *done;
};

static void release_in_handler(void *context, xpc_object_t event) {
    struct suicide *suicide = context;
    if (suicide->connection) {
        xpc_connection_t connection = suicide->connection;
        suicide->connection = NULL;
        xpc_release(connection);
        CHECK(xpc_connection_get_name(connection) == NULL); /* valid while the handler runs */
    }
    record_event(suicide->done, event);
}

static void survives_the_last_release_in_a_handler(void) {
    for (int i = 0; i < 50; i++) {
        struct suicide *suicide = calloc(1, sizeof *suicide);
        xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_and_answer, NULL);
        suicide->done = record_create();
        suicide->connection = connect_to_listener(listener);
        xpc_connection_set_context(suicide->connection, suicide);
        xpc_connection_set_finalizer_f(suicide->connection, free);
        xpc_connection_set_event_handler(suicide->connection, BLOCK(release_in_handler, suicide));
        xpc_object_t message = message_of(1);
        xpc_connection_send_message_with_reply(suicide->connection, message, NULL, BLOCK(release_in_handler, suicide));
        struct record *done = suicide->done;
        xpc_connection_activate(suicide->connection);
        CHECK(number_of(xpc_dictionary_get_value(record_get(done, 0), "echo")) == 1);
        record_clear(done); /* releases the reply, which holds the connection */
        CHECK(record_get(done, 0) == INVALID);
        xpc_release(message);
        end(listener);
        settle();
    }
}

/* The listener's handler does nothing with its peer. */
static void disposes_of_an_ignored_peer(void) {
    struct record *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), harmless, NULL);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, heard);
    send_number(client, 1);
    CHECK(record_get(heard, 0) == INVALID);
    check_reason(client, "other side");
    xpc_release(client);
    end(listener);
}

/* A listener's handler that keeps its peer for later. */
static void retain_peer(void *context, xpc_object_t event) {
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) record_event(context, event);
}

static void disposes_of_a_peer_that_is_cancelled_and_never_activated(void) {
    struct record *heard = record_create(), *kept = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), retain_peer, kept);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, heard);
    send_number(client, 1);
    CHECK(record_get(kept, 0));
    CHECK(record_count(heard) == 0);
    xpc_connection_cancel(record_get(kept, 0));
    record_clear(kept); /* the last reference */
    CHECK(record_get(heard, 0) == INVALID);
    xpc_release(client);
    end(listener);
}

static void activates_a_peer_later(void) {
    struct record *kept = record_create(), *seen = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), retain_peer, kept);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, record_create());
    send_number(client, 1);
    start(record_get(kept, 0), record_event, seen);
    record_clear(kept); /* an active peer exists without a reference of the program */
    send_number(client, 2);
    CHECK(number_of(record_get(seen, 1)) == 2);
    end(client);
    CHECK(record_get(seen, 2) == INVALID);
    end(listener);
}

static void runs_what_a_suspension_held_back_after_invalid(void) {
    struct record *ran = record_create();
    struct pair pair = pair_open();
    xpc_object_t message = message_of(1);
    xpc_connection_cancel(pair.client);
    CHECK(record_get(pair.heard, 0) == INVALID);
    xpc_connection_suspend(pair.client);
    xpc_connection_send_barrier(pair.client, BARRIER(record_event, ran));
    xpc_connection_send_message_with_reply(pair.client, message, NULL, BLOCK(record_event, ran));
    xpc_release(message);
    xpc_connection_resume(pair.client);
    pair_close(&pair);
    CHECK(record_wait(ran, 2));
}

static const struct test tests[] = {
    {"finalizes once", finalizes_once},
    {"survives the last release in a handler", survives_the_last_release_in_a_handler},
    {"disposes of an ignored peer", disposes_of_an_ignored_peer},
    {"disposes of a peer that is cancelled and never activated",
     disposes_of_a_peer_that_is_cancelled_and_never_activated},
    {"activates a peer later", activates_a_peer_later},
    {"runs what a suspension held back after INVALID", runs_what_a_suspension_held_back_after_invalid},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
