/*
 * endpoints.c - endpoints: inert, for many connections, sent on to other processes.
 */
#include <unistd.h>

#include "other.h"

static void is_inert(void) {
    struct pair pair = pair_open();
    xpc_endpoint_t endpoint = xpc_endpoint_create(pair.listener);
    CHECK(xpc_get_type(endpoint) == XPC_TYPE_ENDPOINT);
    let_everything_pass();
    CHECK(record_count(pair.seen) == 0);
    xpc_release(endpoint);
    let_everything_pass();
    CHECK(record_count(pair.seen) == 0); /* the listener notices nothing */
    pair_introduce(&pair);
    pair_close(&pair);
}

static void many_connections_of_one(void) {
    enum { COUNT = 20 };
    struct record *seen = record_create(), *heard = record_create();
    xpc_connection_t clients[COUNT];
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    for (uint64_t i = 0; i < COUNT; i++) {
        clients[i] = start(xpc_connection_create_from_endpoint(endpoint), record_event, heard);
        send_number(clients[i], i);
        CHECK(number_of(record_get(seen, i)) == i);
    }
    for (size_t i = 1; i < COUNT; i++) {
        CHECK(xpc_dictionary_get_remote_connection(record_get(seen, i)) !=
              xpc_dictionary_get_remote_connection(record_get(seen, i - 1)));
    }
    CHECK(record_count(heard) == 0);
    xpc_release(endpoint);
    for (size_t i = 0; i < COUNT; i++) end(clients[i]);
    end(listener);
}

static void one_connection_of_many_may_go(void) {
    struct pair pair = pair_open();
    struct record *heard = record_create();
    xpc_connection_t second = start(connect_to_listener(pair.listener), record_event, heard);
    pair_introduce(&pair);
    send_number(second, 1);
    CHECK(number_of(record_get(pair.seen, 1)) == 1);
    xpc_connection_cancel(pair.client);
    CHECK(record_get(pair.seen, 2) == INVALID);
    send_number(second, 2);
    CHECK(number_of(record_get(pair.seen, 3)) == 2);
    CHECK(record_count(heard) == 0);
    end(second);
    pair_close(&pair);
}

static void crosses_in_a_message(void) {
    struct pair pair = pair_open();
    struct record *seen = record_create(), *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    xpc_object_t message = message_of(1);
    xpc_dictionary_set_value(message, "endpoint", endpoint);
    xpc_release(endpoint);
    xpc_connection_send_message(pair.client, message);
    xpc_release(message);
    xpc_object_t received = xpc_dictionary_get_value(record_get(pair.seen, 0), "endpoint");
    CHECK(received && xpc_get_type(received) == XPC_TYPE_ENDPOINT);
    xpc_connection_t client = start(xpc_connection_create_from_endpoint(received), record_event, heard);
    send_number(client, 5);
    CHECK(number_of(record_get(seen, 0)) == 5);
    end(client);
    end(listener);
    pair_close(&pair);
}

static void each_call_another_connection(void) {
    struct record *seen = record_create(), *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    xpc_dictionary_set_connection(dictionary, "listener", listener);
    xpc_connection_t one = start(xpc_dictionary_create_connection(dictionary, "listener"), record_event, heard);
    xpc_connection_t two = start(xpc_dictionary_create_connection(dictionary, "listener"), record_event, heard);
    CHECK(one != two);
    send_number(one, 0);
    CHECK(number_of(record_get(seen, 0)) == 0);
    send_number(two, 1);
    CHECK(number_of(record_get(seen, 1)) == 1);
    xpc_release(dictionary);
    end(one);
    end(two);
    end(listener);
}

static void connection_of_others(void) {
    xpc_object_t message = message_of(1);
    CHECK(xpc_dictionary_create_connection(message, "number") == NULL);
    CHECK(xpc_dictionary_create_connection(message, "none") == NULL);
    xpc_release(message);
}

static void connections_of_an_array(void) {
    struct record *seen = record_create(), *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    xpc_object_t array = xpc_array_create(NULL, 0);
    xpc_array_set_connection(array, XPC_ARRAY_APPEND, listener);
    xpc_array_set_int64(array, XPC_ARRAY_APPEND, 1);
    xpc_connection_t one = start(xpc_array_create_connection(array, 0), record_event, heard);
    xpc_connection_t two = start(xpc_array_create_connection(array, 0), record_event, heard);
    CHECK(one != two);
    send_number(one, 0);
    CHECK(number_of(record_get(seen, 0)) == 0);
    send_number(two, 1);
    CHECK(number_of(record_get(seen, 1)) == 1);
    CHECK(xpc_array_create_connection(array, 1) == NULL);
    xpc_release(array);
    end(one);
    end(two);
    end(listener);
}

static void a_dictionary_does_not_keep_the_connection(void) {
    struct record *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), record_event, heard);
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    xpc_dictionary_set_connection(dictionary, "listener", listener);
    end(listener);
    CHECK(record_get(heard, 0) == INVALID);
    xpc_connection_t late = start(xpc_dictionary_create_connection(dictionary, "listener"), record_event, heard);
    send_number(late, 1);
    CHECK(record_get(heard, 1) == INVALID);
    end(late);
    xpc_release(dictionary);
}

/* ---- Between processes ---------------------------------------------------------------- */

static void reaches_another_process(void) {
    struct record *named = record_create(), *heard = record_create();
    xpc_connection_t other = other_client(0, named), client = other_by_endpoint(other, heard);
    CHECK(pid_of(client) == pid_of(other) && pid_of(client) != getpid());
    CHECK(xpc_connection_get_pid(client) == pid_of(other));
    end(client);
    end(other);
}

/* Sends an endpoint to `other`, which requests the pid there. Returns that pid. */
static pid_t have_ask(xpc_connection_t other, xpc_object_t endpoint) {
    xpc_object_t message = order("ask");
    xpc_dictionary_set_value(message, "endpoint", endpoint);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(other, message);
    pid_t pid = (pid_t)xpc_dictionary_get_int64(reply, "pid");
    xpc_release(reply);
    xpc_release(message);
    return pid;
}

static void is_handed_on(void) {
    struct record *heard = record_create();
    xpc_connection_t b = other_client(0, heard), c = other_client(1, heard);
    xpc_object_t reply = ask(b, "endpoint");
    xpc_object_t endpoint = xpc_dictionary_get_value(reply, "endpoint");
    pid_t pid = pid_of(b);
    CHECK(pid_of(c) != pid);
    CHECK(have_ask(c, endpoint) == pid);
    CHECK(have_ask(c, endpoint) == pid); /* again: one endpoint makes many connections */
    xpc_release(reply);
    end(b);
    end(c);
}

static void outlives_who_handed_it_on(void) {
    struct record *heard = record_create(), *gone = record_create();
    xpc_connection_t a = other_client(0, heard), b = other_client(1, gone), c = other_client(2, heard);
    xpc_object_t reply = ask(a, "endpoint");
    xpc_object_t endpoint = xpc_dictionary_get_value(reply, "endpoint");
    pid_t pid = pid_of(a);
    CHECK(have_ask(b, endpoint) == pid);
    tell(b, "crash"); /* one holder of the endpoint dies */
    CHECK(record_get(gone, 0) == INTERRUPTED);
    CHECK(have_ask(c, endpoint) == pid);
    CHECK(record_count(heard) == 0);
    xpc_release(reply);
    end(a);
    end(b);
    end(c);
}

#define INERT "xpc.h", "XPC_TYPE_ENDPOINT"

static const struct contract_case cases[] = {
    {"an endpoint is inert", INERT, "does not have any runtime activity associated with it", is_inert},
    {"one endpoint makes many connections", INERT, "to create as many distinct connections as desired",
     many_connections_of_one},
    {"one of many connections may end", INERT, "as many distinct connections", one_connection_of_many_may_go},
    {"an endpoint crosses in a message", INERT, "it is safe to pass an endpoint in a message", crosses_in_a_message},
    {"each call makes another connection", "xpc.h", "xpc_dictionary_create_connection",
     "Each call to this method for the same key in the same dictionary will yield a different connection",
     each_call_another_connection},
    {"the connection of an int64 is NULL", "xpc.h", "xpc_dictionary_create_connection",
     "is not an endpoint containing a connection", connection_of_others},
    {"a dictionary does not keep the connection", "xpc.h", "xpc_dictionary_set_connection",
     "The connection is NOT retained by the dictionary", a_dictionary_does_not_keep_the_connection},
    {"the connection of an array's endpoint", "xpc.h", "xpc_array_create_connection",
     "Each call to this method for the same index in the same array will yield a different connection",
     connections_of_an_array},
    {"an endpoint of a named listener", "endpoint.h", "xpc_endpoint_create",
     "Only connections obtained through calls to xpc_connection_create*() may be given to this API", NULL,
     .differs = "NULL: only an anonymous listener has endpoints; a named service is connected to by its name"},
    {"an endpoint of another process reaches it", "connection.h", "xpc_connection_create",
     "inserted into a message and sent to another process", reaches_another_process, .others = 1},
    {"A gives B's endpoint to C", "endpoint.h", "xpc_endpoint_create",
     "suitable for embedding into messages", is_handed_on, .others = 2},
    {"an endpoint outlives the process that sent it on", INERT, "Upon receiving an endpoint, the recipient can use",
     outlives_who_handed_it_on, .others = 3},
};

const struct contract_group endpoints_group = CONTRACT_GROUP("Endpoints", cases);
