/*
 * activation.c - new connections are inactive; activate, suspend, resume.
 */
#include "events.h"

static void inactive_at_birth(void) {
    struct pair pair = pair_open();
    struct record *heard = record_create();
    xpc_connection_t client = connect_to_listener(pair.listener);
    xpc_connection_set_event_handler(client, HANDLER(record_event, heard));
    send_number(client, 7);
    let_everything_pass();
    CHECK(record_count(pair.seen) == 0);
    start(client, record_event, heard);
    CHECK(number_of(record_get(pair.seen, 0)) == 7);
    end(client);
    pair_close(&pair);
}

static void queues_in_order_until_activation(void) {
    struct pair pair = pair_open();
    struct record *heard = record_create(), *replies = record_create();
    xpc_connection_t client = connect_to_listener(pair.listener);
    for (uint64_t i = 0; i < 20; i++) send_number(client, i);
    request(client, 20, replies);
    start(client, record_event, heard);
    for (uint64_t i = 0; i <= 20; i++) CHECK(number_of(record_get(pair.seen, i)) == i);
    answer(record_get(pair.seen, 20));
    CHECK(xpc_dictionary_get_uint64(record_get(replies, 0), "echo") == 20);
    end(client);
    pair_close(&pair);
}

static void activates_once(void) {
    struct pair pair = pair_open();
    xpc_connection_activate(pair.client);
    xpc_connection_suspend(pair.client);
    xpc_connection_activate(pair.client); /* does not resume */
    send_number(pair.client, 1);
    let_everything_pass();
    CHECK(record_count(pair.seen) == 0);
    xpc_connection_resume(pair.client);
    CHECK(number_of(record_get(pair.seen, 0)) == 1);
    pair_close(&pair);
}

static void resume_activates(void) {
    struct pair pair = pair_open();
    struct record *heard = record_create();
    xpc_connection_t client = connect_to_listener(pair.listener);
    xpc_connection_set_event_handler(client, HANDLER(record_event, heard));
    xpc_connection_resume(client);
    send_number(client, 1);
    CHECK(number_of(record_get(pair.seen, 0)) == 1);
    end(client);
    pair_close(&pair);
}

static void a_name_is_looked_up_at_activation(void) {
    struct record *heard = record_create();
    xpc_connection_t client = xpc_connection_create_mach_service("com.example.contract.nobody", NULL, 0);
    CHECK(client != NULL);
    let_everything_pass();
    CHECK(record_count(heard) == 0);
    start(client, record_event, heard);
    CHECK(record_get(heard, 0) == INVALID);
    end(client);
}

static void suspended_hears_nothing(void) {
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    send_number(peer, 1);
    CHECK(number_of(record_get(pair.heard, 0)) == 1);
    xpc_connection_suspend(pair.client);
    let_everything_pass(); /* a suspension is asynchronous */
    send_number(peer, 2);
    let_everything_pass();
    CHECK(record_count(pair.heard) == 1);
    xpc_connection_resume(pair.client);
    CHECK(number_of(record_get(pair.heard, 1)) == 2);
    pair_close(&pair);
}

static void suspended_sends_nothing(void) {
    struct pair pair = pair_open();
    pair_introduce(&pair);
    xpc_connection_suspend(pair.client);
    let_everything_pass();
    send_number(pair.client, 1);
    send_number(pair.client, 2);
    let_everything_pass();
    CHECK(record_count(pair.seen) == 1);
    xpc_connection_resume(pair.client);
    CHECK(number_of(record_get(pair.seen, 1)) == 1 && number_of(record_get(pair.seen, 2)) == 2);
    pair_close(&pair);
}

static void suspensions_add_up(void) {
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_suspend(pair.client);
    xpc_connection_suspend(pair.client);
    let_everything_pass();
    send_number(pair.client, 1);
    send_number(peer, 2);
    xpc_connection_resume(pair.client);
    let_everything_pass();
    CHECK(record_count(pair.seen) == 1 && record_count(pair.heard) == 0);
    xpc_connection_resume(pair.client);
    CHECK(number_of(record_get(pair.seen, 1)) == 1);
    CHECK(number_of(record_get(pair.heard, 0)) == 2);
    pair_close(&pair);
}

struct pauser {
    struct record *record;
    xpc_connection_t connection;
};

static void suspend_in_handler(void *context, xpc_object_t event) {
    struct pauser *pauser = context;
    if (number_of(event) == 1) xpc_connection_suspend(pauser->connection);
    record_event(pauser->record, event);
}

static void suspends_in_the_handler(void) {
    struct pair pair = pair_open();
    static struct pauser pauser; /* static: it may be used after the case */
    pauser = (struct pauser){.record = record_create(), .connection = pair.client};
    xpc_connection_t peer = pair_introduce(&pair);
    xpc_connection_set_event_handler(pair.client, HANDLER(suspend_in_handler, &pauser));
    send_number(peer, 1);
    send_number(peer, 2);
    CHECK(number_of(record_get(pauser.record, 0)) == 1);
    let_everything_pass();
    CHECK(record_count(pauser.record) == 1);
    xpc_connection_resume(pair.client);
    CHECK(number_of(record_get(pauser.record, 1)) == 2);
    pair_close(&pair);
}

static const struct contract_case cases[] = {
    {"a new connection is inactive", "connection.h", "xpc_connection_activate",
     "call xpc_connection_activate() on a connection before it will send or receive any messages", inactive_at_birth},
    {"what is sent before activation is sent then, in order", "connection.h", "xpc_connection_activate",
     "Connections start in an inactive state", queues_in_order_until_activation},
    {"activation is idempotent", "connection.h", "xpc_connection_activate",
     "Calling xpc_connection_activate() on an active connection has no effect", activates_once},
    {"resume activates", "connection.h", "xpc_connection_resume",
     "on an inactive and not otherwise suspended xpc connection has the same effect as calling "
     "xpc_connection_activate()",
     resume_activates},
    {"a name is looked up at activation", "connection.h", "xpc_connection_create_mach_service",
     "This method will succeed even if the named service does not exist", a_name_is_looked_up_at_activation},
    {"a suspended connection receives nothing", "connection.h", "xpc_connection_suspend",
     "Suspends the connection so that the event handler block will not fire", suspended_hears_nothing},
    {"a suspended connection sends nothing", "connection.h", "xpc_connection_suspend",
     "the connection will not attempt to send any messages it has in its queue", suspended_sends_nothing},
    {"suspensions are balanced by resumes", "connection.h", "xpc_connection_resume",
     "every call to xpc_connection_suspend() must be balanced with a call to xpc_connection_resume()",
     suspensions_add_up},
    {"a handler may suspend its connection", "connection.h", "xpc_connection_suspend",
     "it is safe to call xpc_connection_suspend() from within the event handler block", suspends_in_the_handler},
};

const struct contract_group activation_group = CONTRACT_GROUP("Activation and suspension", cases);
