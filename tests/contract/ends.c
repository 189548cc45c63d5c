/*
 * ends.c - the ends of connections within one process: own cancel, cancel by the other side, cancel
 * of the listener, no such name. Ends by the death of a process are in deaths.c.
 */
#include "other.h"

/* Checks, as the last step of a case, that no event follows. */
static void check_silence(struct record *record, size_t count) {
    let_everything_pass();
    CHECK(record_count(record) == count);
}

static bool is_error(xpc_object_t event) { return event == INTERRUPTED || event == INVALID; }

/* ---- Own cancel ----------------------------------------------------------------------- */

static void own_of_a_client_by_endpoint(void) {
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_cancel(pair.client);
    xpc_connection_cancel(pair.client);
    CHECK(record_get(pair.heard, 0) == INVALID);
    send_number(peer, 1);
    check_silence(pair.heard, 1);
    pair_close(&pair);
}

static void own_of_a_client_by_name(void) {
    struct record *heard = record_create();
    xpc_connection_t other = other_client(0, heard);
    CHECK(pid_of(other) > 0);
    xpc_connection_cancel(other);
    CHECK(record_get(heard, 0) == INVALID);
    check_silence(heard, 1);
    xpc_release(other);
}

static void own_of_a_peer(void) {
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_cancel(peer);
    CHECK(record_get(pair.seen, 1) == INVALID);
    send_number(pair.client, 1);
    let_everything_pass();
    for (size_t i = 2; i < record_count(pair.seen); i++) { /* the client may have connected again */
        CHECK(xpc_dictionary_get_remote_connection(record_get(pair.seen, i)) != peer);
    }
    pair_close(&pair);
}

static void own_of_a_listener(void) {
    struct pair pair = pair_open();
    xpc_connection_cancel(pair.listener);
    CHECK(record_get(pair.seen, 0) == INVALID);
    send_number(pair.client, 1);
    check_silence(pair.seen, 1);
    pair_close(&pair);
}

static void own_with_pending_replies(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    for (uint64_t i = 0; i < 5; i++) request(pair.client, i, replies);
    CHECK(record_wait(pair.seen, 5));
    xpc_connection_cancel(pair.client);
    for (size_t i = 0; i < 5; i++) CHECK(record_get(replies, i) == INVALID);
    check_silence(replies, 5);
    pair_close(&pair);
}

static void requests_after_it(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    xpc_connection_cancel(pair.client);
    CHECK(record_get(pair.heard, 0) == INVALID);
    request(pair.client, 1, replies);
    CHECK(record_get(replies, 0) == INVALID);
    xpc_object_t reply = request_sync(pair.client, 2);
    CHECK(reply == INVALID);
    xpc_release(reply);
    check_silence(replies, 1);
    pair_close(&pair);
}

static void cancel_at_the_first(void *context, xpc_object_t event) {
    record_event(context, event);
    if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) xpc_connection_cancel(xpc_dictionary_get_remote_connection(event));
}

static void in_the_handler(void) {
    struct record *heard = record_create();
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_set_event_handler(pair.client, HANDLER(cancel_at_the_first, heard));
    for (uint64_t i = 1; i <= 100; i++) send_number(peer, i);
    CHECK(number_of(record_get(heard, 0)) == 1);
    CHECK(record_get(heard, 1) == INVALID);
    check_silence(heard, 2);
    pair_close(&pair);
}

/* ---- The other side cancels ----------------------------------------------------------- */

static void remote_of_a_client_by_endpoint(void) {
    struct pair pair = pair_open();
    xpc_connection_cancel(pair_introduce(&pair));
    CHECK(is_lost(pair.heard, 0));
    check_silence(pair.heard, 1);
    pair_close(&pair);
}

static void remote_of_a_client_by_name(void) {
    struct record *heard = record_create();
    xpc_connection_t other = other_client(0, heard);
    tell(other, "cancel peer");
    CHECK(record_get(heard, 0) == INTERRUPTED);
    CHECK(pid_of(other) > 0); /* usable */
    check_silence(heard, 1);
    end(other);
}

static void remote_of_a_peer(void) {
    struct pair pair = pair_open();
    pair_introduce(&pair);
    xpc_connection_cancel(pair.client);
    CHECK(record_get(pair.seen, 1) == INVALID);
    check_silence(pair.seen, 2);
    pair_close(&pair);
}

static void remote_with_pending_replies(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    request(pair.client, 0, replies);
    xpc_object_t received = record_get(pair.seen, 0);
    xpc_connection_cancel(xpc_dictionary_get_remote_connection(received));
    CHECK(is_error(record_get(replies, 0)));
    CHECK(is_lost(pair.heard, 0));
    check_silence(replies, 1);
    pair_close(&pair);
}

static void what_was_sent_before_arrives(void) {
    struct record *sent = record_create();
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    for (uint64_t i = 0; i < 100; i++) send_number(peer, i);
    xpc_connection_send_barrier(peer, BARRIER(record_barrier, sent));
    CHECK(record_wait(sent, 1));
    xpc_connection_cancel(peer);
    for (uint64_t i = 0; i < 100; i++) CHECK(number_of(record_get(pair.heard, i)) == i);
    CHECK(is_lost(pair.heard, 100));
    pair_close(&pair);
}

/* ---- The listener is cancelled -------------------------------------------------------- */

static void listener_of_a_client_by_endpoint(void) {
    struct pair pair = pair_open();
    pair_introduce(&pair);
    xpc_connection_cancel(pair.listener);
    CHECK(is_lost(pair.heard, 0));
    check_silence(pair.heard, 1);
    pair_close(&pair);
}

static void listener_with_pending_replies(void) {
    struct record *replies = record_create();
    struct pair pair = pair_open();
    request(pair.client, 0, replies);
    CHECK(record_wait(pair.seen, 1));
    xpc_connection_cancel(pair.listener);
    CHECK(is_error(record_get(replies, 0)));
    check_silence(replies, 1);
    pair_close(&pair);
}

static void listener_of_a_newcomer(void) {
    struct record *heard = record_create();
    struct pair pair = pair_open();
    xpc_connection_t newcomer = connect_to_listener(pair.listener);
    xpc_connection_cancel(pair.listener);
    CHECK(record_get(pair.seen, 0) == INVALID);
    start(newcomer, record_event, heard);
    send_number(newcomer, 1);
    CHECK(record_get(heard, 0) == INVALID);
    check_silence(heard, 1);
    end(newcomer);
    pair_close(&pair);
}

/* ---- No such name --------------------------------------------------------------------- */

#define NOBODY "com.example.contract.nobody"

static void no_such_service(void) {
    struct record *heard = record_create();
    xpc_connection_t client = start(xpc_connection_create_mach_service(NOBODY, NULL, 0), record_event, heard);
    send_number(client, 1);
    CHECK(record_get(heard, 0) == INVALID);
    check_silence(heard, 1);
    end(client);
}

static void no_such_bundled_service(void) {
    struct record *heard = record_create();
    xpc_connection_t client = start(xpc_connection_create(NOBODY, NULL), record_event, heard);
    send_number(client, 1);
    CHECK(record_get(heard, 0) == INVALID);
    check_silence(heard, 1);
    end(client);
}

static void no_such_service_with_pending_replies(void) {
    struct record *heard = record_create(), *replies = record_create();
    xpc_connection_t client = xpc_connection_create_mach_service(NOBODY, NULL, 0);
    request(client, 1, replies);
    start(client, record_event, heard);
    CHECK(record_get(heard, 0) == INVALID);
    CHECK(record_get(replies, 0) == INVALID);
    check_silence(replies, 1);
    end(client);
}

#define CANCEL "connection.h", "xpc_connection_cancel"
#define IS_INVALID "connection.h", "XPC_ERROR_CONNECTION_INVALID"

static const struct contract_case cases[] = {
    {"own cancel, client by endpoint: INVALID once, then nothing", CANCEL,
     "After that invocation, there will be no further invocations of the event handler", own_of_a_client_by_endpoint},
    {"own cancel, client of a named service: INVALID once, then nothing", CANCEL,
     "a final invocation of the event handler to be scheduled with the XPC_ERROR_CONNECTION_INVALID error",
     own_of_a_client_by_name, .others = 1},
    {"own cancel, server's peer: INVALID once, then nothing", IS_INVALID,
     "This error may be given to any type of connection", own_of_a_peer},
    {"own cancel, listener: INVALID once, then nothing", CANCEL,
     "After that invocation, there will be no further invocations of the event handler", own_of_a_listener},
    {"own cancel, pending replies: INVALID", CANCEL,
     "they will have their reply handlers invoked with the XPC_ERROR_CONNECTION_INVALID error",
     own_with_pending_replies},
    {"own cancel, requests after it: INVALID", "connection.h", "xpc_connection_send_message_with_reply_sync",
     "If the connection went invalid before the message could be sent, the XPC_ERROR_CONNECTION_INVALID error will be "
     "returned",
     requests_after_it},
    {"own cancel in the handler: only INVALID follows", CANCEL,
     "this method will not interrupt the execution of an already-running event handler block", in_the_handler},
    {"remote cancels, client by endpoint: INVALID", OURS, "XPC_ERROR_CONNECTION_INVALID", "remote cancelled INVALID",
     remote_of_a_client_by_endpoint},
    {"remote cancels, client of a named service: INTERRUPTED, reusable", OURS, "XPC_ERROR_CONNECTION_INTERRUPTED",
     "remote cancelled INVALID INTERRUPTED, reusable", remote_of_a_client_by_name, .others = 1},
    {"remote cancels, server's peer: INVALID", OURS, "XPC_ERROR_CONNECTION_INVALID",
     "remote cancelled INVALID INTERRUPTED, reusable INVALID", remote_of_a_peer},
    {"remote cancels, pending replies: either error", OURS, "XPC_ERROR_CONNECTION_INTERRUPTED",
     "To a reply handler: no reply will come", remote_with_pending_replies},
    {"remote cancels: what was sent before arrives first", "connection.h", "xpc_connection_send_message",
     "Messages are delivered in FIFO order", what_was_sent_before_arrives},
    {"listener cancelled, client by endpoint: INVALID", "connection.h", "xpc_connection_create_from_endpoint",
     "if the listening side crashes, exits or cancels the listener connection", listener_of_a_client_by_endpoint},
    {"listener cancelled, pending replies: either error", IS_INVALID,
     "will be given to outstanding reply handlers and the connection's event handler",
     listener_with_pending_replies},
    {"listener cancelled, a client that comes later: INVALID", "connection.h", "xpc_connection_create_from_endpoint",
     "is not associated with a name (and therefore is not rediscoverable)", listener_of_a_newcomer},
    {"no such name, client of a named service: INVALID", IS_INVALID,
     "The connection is useless and should be disposed of", no_such_service},
    {"no such name, client of a bundled service: INVALID", IS_INVALID,
     "could not be found in the XPC service namespace", no_such_bundled_service},
    {"no such name, pending replies: INVALID", IS_INVALID, "Any messages in the queue to be sent will be unwound",
     no_such_service_with_pending_replies},
    {"a client of a bundled service", "connection.h", "xpc_connection_create",
     "the name of the service with which to connect", NULL,
     .differs = "there are no bundles: the service is a program that runs, or that a service manager starts, with "
                "the name in XPC_SERVICE_NAME"},
    {"a listener for a name that nobody has advertised", "connection.h", "XPC_CONNECTION_MACH_SERVICE_LISTENER",
     "You may not use this flag to dynamically add services", NULL,
     .differs = "a process may serve any name of its user that no other process serves"},
    {"a requirement on the peer's code signature", "connection.h", "xpc_connection_set_peer_code_signing_requirement",
     "All messages received on this connection will be checked", NULL,
     .differs = "always refused with ENOTSUP: Linux has no code signatures"},
    {"the system is about to end the process", "connection.h", "XPC_ERROR_TERMINATION_IMMINENT",
     "when the XPC runtime has determined that the program should exit", NULL,
     .differs = "never delivered: XPC does not ask processes to end"},
};

const struct contract_group ends_group = CONTRACT_GROUP("Ends within one process", cases);
