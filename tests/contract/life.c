/*
 * life.c - contexts, finalizers, and the last release.
 */
#include <stdatomic.h>

#include "events.h"

static void no_context_at_birth(void) {
    struct pair pair = pair_open();
    int context;
    CHECK(xpc_connection_get_context(pair.client) == NULL);
    xpc_connection_set_context(pair.client, &context);
    CHECK(xpc_connection_get_context(pair.client) == &context);
    pair_close(&pair);
}

/* A finalizer whose context is the record. */
static void finalized(void *record) { record_barrier(record); }

static void finalizes_with_its_context(void) {
    struct record *ended = record_create(), *heard = record_create();
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(listener, HANDLER(record_event, heard));
    xpc_connection_set_context(listener, ended);
    xpc_connection_set_finalizer_f(listener, finalized);
    xpc_connection_activate(listener);
    xpc_connection_cancel(listener);
    CHECK(record_get(heard, 0) == INVALID);
    let_everything_pass();
    CHECK(record_count(ended) == 0); /* we still hold it */
    xpc_release(listener);
    CHECK(record_wait(ended, 1));
    let_everything_pass();
    CHECK(record_count(ended) == 1);
}

static void a_context_that_is_replaced_is_not_finalized(void) {
    struct record *first = record_create(), *second = record_create(), *heard = record_create();
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(listener, HANDLER(record_event, heard));
    xpc_connection_set_finalizer_f(listener, finalized);
    xpc_connection_set_context(listener, first);
    xpc_connection_set_context(listener, second);
    xpc_connection_activate(listener);
    end(listener);
    CHECK(record_wait(second, 1));
    CHECK(record_count(first) == 0);
}

static void finalizes_once_for_many_references(void) {
    struct record *ended = record_create(), *heard = record_create();
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(listener, HANDLER(record_event, heard));
    xpc_connection_set_context(listener, ended);
    xpc_connection_set_finalizer_f(listener, finalized);
    xpc_connection_activate(listener);
    xpc_retain(listener);
    xpc_retain(listener);
    end(listener);
    xpc_release(listener);
    let_everything_pass();
    CHECK(record_count(ended) == 0);
    xpc_release(listener);
    CHECK(record_wait(ended, 1));
}

/* ---- A listener's peer ---------------------------------------------------------------- */

struct peer_life {
    struct record *events, *ended;
};

static void accept_finalizable(void *context, xpc_object_t event) {
    struct peer_life *life = context;
    if (xpc_get_type(event) != XPC_TYPE_CONNECTION) return;
    xpc_connection_set_context(event, life->ended);
    xpc_connection_set_finalizer_f(event, finalized);
    xpc_connection_set_event_handler(event, HANDLER(record_event, life->events));
    xpc_connection_activate(event);
}

static void a_peer_is_disposed_of(void) {
    static struct peer_life life; /* static: it may be used after the case */
    life = (struct peer_life){.events = record_create(), .ended = record_create()};
    struct record *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_finalizable, &life);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, heard);
    send_number(client, 1);
    CHECK(record_wait(life.events, 1));
    records_clear(); /* a message that is kept keeps its connection */
    CHECK(record_count(life.ended) == 0);
    end(client);
    CHECK(record_get(life.events, 0) == INVALID);
    CHECK(record_wait(life.ended, 1)); /* the case has released nothing: it did not own the peer */
    end(listener);
}

/* ---- The last release in a handler ---------------------------------------------------- */

struct suicide {
    xpc_connection_t connection;
    struct record *events;
};

static void release_in_handler(void *context, xpc_object_t event) {
    struct suicide *suicide = context;
    if (suicide->connection) {
        xpc_connection_t connection = suicide->connection;
        suicide->connection = NULL;
        end(connection);
    }
    record_event(suicide->events, event);
}

static void the_last_reference_goes_in_a_handler(void) {
    static struct suicide all[20];
    for (int i = 0; i < 20; i++) {
        struct pair pair = pair_open();
        xpc_connection_t client = connect_to_listener(pair.listener);
        all[i] = (struct suicide){.connection = client, .events = record_create()};
        start(client, release_in_handler, &all[i]);
        send_number(client, 1);
        xpc_object_t first = record_get(pair.seen, 0);
        send_number(xpc_dictionary_get_remote_connection(first), 2);
        CHECK(number_of(record_get(all[i].events, 0)) == 2);
        CHECK(record_get(all[i].events, 1) == INVALID);
        pair_close(&pair);
    }
}

static void no_reason_while_it_lives(void) {
    struct pair pair = pair_open();
    pair_introduce(&pair);
    CHECK(xpc_connection_copy_invalidation_reason(pair.client) == NULL);
    xpc_connection_cancel(pair.client);
    CHECK(record_get(pair.heard, 0) == INVALID);
    char *reason = xpc_connection_copy_invalidation_reason(pair.client);
    CHECK(reason && *reason);
    free(reason);
    pair_close(&pair);
}

static const struct contract_case cases[] = {
    {"a new connection has no context", "connection.h", "xpc_connection_get_context",
     "NULL if there has been no context associated with the object", no_context_at_birth},
    {"a finalizer gets the context", "connection.h", "xpc_finalizer_f",
     "The sole argument is the value that was given to", finalizes_with_its_context},
    {"a context that is replaced is not finalized", "connection.h", "xpc_connection_set_context",
     "If this method is called on a connection which already has context associated with it, the finalizer will NOT "
     "be invoked",
     a_context_that_is_replaced_is_not_finalized},
    {"a finalizer is called at the last release", "connection.h", "xpc_connection_set_finalizer_f",
     "when the connection's retain count has dropped to zero and is being torn down",
     finalizes_once_for_many_references},
    {"a listener's peer is freed after its INVALID", "connection.h", "xpc_connection_set_event_handler",
     "will be released and deallocated after the connection has gone invalid and delivered that event",
     a_peer_is_disposed_of},
    {"a handler may cancel and release its connection", "connection.h", "xpc_connection_cancel",
     "If the event handler is executing at the time of this call, it will finish",
     the_last_reference_goes_in_a_handler},
    {"only an invalid connection has a reason", "connection.h", "xpc_connection_copy_invalidation_reason",
     "NULL if the connection has not been invalidated, otherwise a description", no_reason_while_it_lives},
};

const struct contract_group life_group = CONTRACT_GROUP("Contexts and the last reference", cases);
