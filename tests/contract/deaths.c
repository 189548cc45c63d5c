/*
 * deaths.c - the ends of connections when another process exits or is killed.
 */
#include <unistd.h>

#include "other.h"

static void check_silence(struct record *record, size_t count) {
    let_everything_pass();
    CHECK(record_count(record) == count);
}

/* ---- Client of a named service -------------------------------------------------------- */

static void by_name(const char *how) {
    struct record *heard = record_create();
    xpc_connection_t other = other_client(0, heard);
    CHECK(pid_of(other) > 0);
    tell(other, how);
    CHECK(record_get(heard, 0) == INTERRUPTED);
    check_silence(heard, 1);
    end(other);
    CHECK(record_get(heard, 1) == INVALID); /* by its own cancel: it was live until then */
}

static void by_name_at_an_exit(void) { by_name("exit"); }
static void by_name_at_a_crash(void) { by_name("crash"); }

static void by_name_it_is_reusable(void) {
    struct record *heard = record_create();
    xpc_connection_t other = other_client(0, heard);
    pid_t before = pid_of(other);
    tell(other, "crash");
    CHECK(record_get(heard, 0) == INTERRUPTED);
    pid_t after = pid_of(other);
    CHECK(before != after && xpc_connection_get_pid(other) == after);
    tell(other, "crash"); /* and again */
    CHECK(record_get(heard, 1) == INTERRUPTED);
    CHECK(pid_of(other) != after);
    end(other);
}

static void by_name_with_a_pending_reply(void) {
    struct record *heard = record_create(), *replies = record_create();
    xpc_connection_t other = other_client(0, heard);
    xpc_object_t message = order("keep");
    xpc_connection_send_message_with_reply(other, message, NULL, HANDLER(record_event, replies));
    xpc_release(message);
    CHECK(pid_of(other) > 0); /* it has received the first request by now */
    tell(other, "crash");
    CHECK(record_get(replies, 0) == INTERRUPTED);
    CHECK(record_get(heard, 0) == INTERRUPTED);
    check_silence(replies, 1);
    end(other);
}

static void while_waiting(void) {
    struct record *heard = record_create();
    xpc_connection_t other = other_client(0, heard);
    CHECK(pid_of(other) > 0);
    xpc_object_t reply = ask(other, "exit");
    CHECK(reply == INTERRUPTED);
    xpc_release(reply);
    end(other);
}

static void others_are_not_concerned(void) {
    struct record *heard = record_create(), *deaf = record_create();
    xpc_connection_t dying = other_client(0, heard), living = other_client(1, deaf);
    pid_t pid = pid_of(living);
    CHECK(pid_of(dying) != pid);
    tell(dying, "crash");
    CHECK(record_get(heard, 0) == INTERRUPTED);
    CHECK(pid_of(living) == pid);
    check_silence(deaf, 0);
    end(dying);
    end(living);
}

/* ---- Client by endpoint --------------------------------------------------------------- */

static void by_endpoint(const char *how) {
    struct record *named = record_create(), *heard = record_create();
    xpc_connection_t other = other_client(0, named), client = other_by_endpoint(other, heard);
    CHECK(pid_of(client) > 0);
    tell(other, how);
    CHECK(is_lost(heard, 0));
    check_silence(heard, 1);
    end(client);
    end(other);
}

static void by_endpoint_at_an_exit(void) { by_endpoint("exit"); }
static void by_endpoint_at_a_crash(void) { by_endpoint("crash"); }
static void by_endpoint_when_the_listener_is_cancelled(void) { by_endpoint("cancel listener"); }

static void by_endpoint_with_a_pending_reply(void) {
    struct record *named = record_create(), *heard = record_create(), *replies = record_create();
    xpc_connection_t other = other_client(0, named), client = other_by_endpoint(other, heard);
    xpc_object_t message = order("keep");
    xpc_connection_send_message_with_reply(client, message, NULL, HANDLER(record_event, replies));
    xpc_release(message);
    CHECK(pid_of(client) > 0);
    tell(other, "crash");
    CHECK(record_get(replies, 0) == INTERRUPTED);
    CHECK(is_lost(heard, 0));
    check_silence(replies, 1);
    end(client);
    end(other);
}

static void by_endpoint_it_is_not_reusable(void) {
    struct record *named = record_create(), *heard = record_create();
    xpc_connection_t other = other_client(0, named), client = other_by_endpoint(other, heard);
    CHECK(pid_of(client) > 0);
    tell(other, "crash");
    CHECK(is_lost(heard, 0));
    CHECK(record_get(named, 0) == INTERRUPTED);
    CHECK(pid_of(other) > 0); /* the service runs again, but this connection stays invalid */
    xpc_object_t reply = ask(client, "nothing");
    CHECK(reply == INVALID);
    xpc_release(reply);
    end(client);
    end(other);
}

/* ---- Server's peer -------------------------------------------------------------------- */

/* Makes the other process connect to a listener of this one. */
static void have_connect(xpc_connection_t other, xpc_connection_t listener) {
    xpc_object_t message = order("connect");
    xpc_dictionary_set_connection(message, "endpoint", listener);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(other, message);
    CHECK(xpc_get_type(reply) == XPC_TYPE_DICTIONARY);
    xpc_release(reply);
    xpc_release(message);
}

static void of_a_peer(const char *how) {
    struct record *named = record_create(), *seen = record_create();
    xpc_connection_t other = other_client(0, named);
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    have_connect(other, listener);
    CHECK(number_of(record_get(seen, 0)) == 0);
    tell(other, how);
    CHECK(record_get(seen, 1) == INVALID);
    check_silence(seen, 2);
    end(other);
    end(listener);
}

static void of_a_peer_at_an_exit(void) { of_a_peer("exit"); }
static void of_a_peer_at_a_crash(void) { of_a_peer("crash"); }

static void of_a_peer_with_a_pending_reply(void) {
    struct record *named = record_create(), *seen = record_create(), *replies = record_create();
    xpc_connection_t other = other_client(0, named);
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    have_connect(other, listener);
    xpc_object_t first = record_get(seen, 0);
    request(xpc_dictionary_get_remote_connection(first), 1, replies); /* its handler does not answer */
    tell(other, "crash");
    CHECK(record_get(seen, 1) == INVALID);
    xpc_object_t told = record_get(replies, 0);
    CHECK(told == INTERRUPTED || told == INVALID); /* it may have been dropped before */
    check_silence(replies, 1);
    end(other);
    end(listener);
}

#define INTERRUPTION "connection.h", "XPC_ERROR_CONNECTION_INTERRUPTED"
#define FROM_ENDPOINT "connection.h", "xpc_connection_create_from_endpoint"

static const struct contract_case cases[] = {
    {"other side exits, client of a named service: INTERRUPTED", INTERRUPTION,
     "Will be delivered to the connection's event handler if the remote service exited", by_name_at_an_exit,
     .others = 1},
    {"other side is killed, client of a named service: INTERRUPTED", INTERRUPTION,
     "The connection is still live even in this case", by_name_at_a_crash, .others = 1},
    {"a named service is started again, its client stays usable", INTERRUPTION,
     "resending a message will cause the service to be launched on-demand", by_name_it_is_reusable, .others = 1},
    {"other side dies, pending reply of a named service: INTERRUPTED", INTERRUPTION,
     "that handler will be invoked with this error", by_name_with_a_pending_reply, .others = 1},
    {"other side dies during a synchronous send: INTERRUPTED", "connection.h",
     "xpc_connection_send_message_with_reply_sync",
     "If the remote service exits prematurely before the reply was received, the XPC_ERROR_CONNECTION_INTERRUPTED "
     "error will be returned",
     while_waiting, .others = 1},
    {"a client of another service gets no event", INTERRUPTION,
     "Will be delivered to the connection's event handler if the remote service exited", others_are_not_concerned,
     .others = 2},
    {"other side exits, client by endpoint: INVALID", FROM_ENDPOINT,
     "this connection will receive XPC_ERROR_CONNECTION_INVALID if the listening side crashes, exits",
     by_endpoint_at_an_exit, .others = 1},
    {"other side is killed, client by endpoint: INVALID", FROM_ENDPOINT, "if the listening side crashes",
     by_endpoint_at_a_crash, .others = 1},
    {"listener cancelled in another process, client by endpoint: INVALID", FROM_ENDPOINT,
     "cancels the listener connection", by_endpoint_when_the_listener_is_cancelled, .others = 1},
    {"other side dies, pending reply by endpoint: INTERRUPTED", "connection.h",
     "xpc_connection_send_message_with_reply",
     "If the remote service exits prematurely before the reply was received, the XPC_ERROR_CONNECTION_INTERRUPTED "
     "error will be returned",
     by_endpoint_with_a_pending_reply, .others = 1},
    {"a client by endpoint cannot be used afterwards", FROM_ENDPOINT, "therefore is not rediscoverable",
     by_endpoint_it_is_not_reusable, .others = 1},
    {"other side exits, server's peer: INVALID", "connection.h", "xpc_connection_get_pid",
     "XPC will deliver an error to your event handler if the remote process goes away", of_a_peer_at_an_exit,
     .others = 1},
    {"other side is killed, server's peer: INVALID", OURS, "XPC_ERROR_CONNECTION_INVALID",
     "other side died INVALID INTERRUPTED, reusable INVALID", of_a_peer_at_a_crash, .others = 1},
    {"other side dies, pending reply of a server's peer: either error", OURS, "XPC_ERROR_CONNECTION_INTERRUPTED",
     "To a reply handler: no reply will come", of_a_peer_with_a_pending_reply, .others = 1},
};

const struct contract_group deaths_group = CONTRACT_GROUP("Ends by the death of another process", cases);
