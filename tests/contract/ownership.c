/*
 * ownership.c - what the caller owns, what is borrowed, and what a container retains.
 *
 * Checked by witnesses on both systems. On Linux, as after every case, no object may be left.
 */
#include <unistd.h>

#include "counting.h"
#include "events.h"

static void created_once(void) {
    struct witness witness = witness_create();
    CHECK(witness_is_held(&witness));
    xpc_release(witness.object);
    CHECK(witness_is_gone(&witness));
    witness_close(&witness);
}

static void retains_are_balanced(void) {
    struct witness witness = witness_create();
    CHECK(xpc_retain(witness.object) == witness.object);
    xpc_release(witness.object);
    CHECK(witness_is_held(&witness));
    xpc_release(witness.object);
    CHECK(witness_is_gone(&witness));
    witness_close(&witness);
}

static void an_array_retains(void) {
    struct witness given = witness_create(), set = witness_create(), appended = witness_create();
    xpc_object_t array = xpc_array_create(&given.object, 1);
    xpc_array_append_value(array, appended.object);
    xpc_array_append_value(array, set.object);
    xpc_array_set_value(array, 0, set.object);
    xpc_release(given.object);
    xpc_release(set.object);
    xpc_release(appended.object);
    CHECK(witness_is_gone(&given));
    CHECK(witness_is_held(&set) && witness_is_held(&appended));
    xpc_release(array);
    CHECK(witness_is_gone(&set) && witness_is_gone(&appended));
    witness_close(&given);
    witness_close(&set);
    witness_close(&appended);
}

static void get_value_of_an_array_borrows(void) {
    struct witness witness = witness_create();
    xpc_object_t array = xpc_array_create(&witness.object, 1);
    xpc_release(witness.object);
    CHECK(xpc_array_get_value(array, 0) == witness.object);
    xpc_release(array);
    CHECK(witness_is_gone(&witness));
    witness_close(&witness);
}

static void a_dictionary_retains(void) {
    struct witness witness = witness_create();
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    xpc_dictionary_set_value(dictionary, "key", witness.object);
    xpc_release(witness.object);
    CHECK(witness_is_held(&witness));
    xpc_release(dictionary);
    CHECK(witness_is_gone(&witness));
    witness_close(&witness);
}

static void a_dictionary_retains_what_it_is_created_with(void) {
    struct witness witness = witness_create();
    const char *key = "key";
    xpc_object_t dictionary = xpc_dictionary_create(&key, &witness.object, 1);
    xpc_release(witness.object);
    CHECK(witness_is_held(&witness));
    xpc_release(dictionary);
    CHECK(witness_is_gone(&witness));
    witness_close(&witness);
}

static void what_is_overwritten_is_released(void) {
    struct witness over = witness_create(), deleted = witness_create();
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    xpc_dictionary_set_value(dictionary, "over", over.object);
    xpc_dictionary_set_value(dictionary, "deleted", deleted.object);
    xpc_release(over.object);
    xpc_release(deleted.object);
    xpc_dictionary_set_int64(dictionary, "over", 1);
    xpc_dictionary_set_value(dictionary, "deleted", NULL);
    CHECK(witness_is_gone(&over) && witness_is_gone(&deleted));
    xpc_release(dictionary);
    witness_close(&over);
    witness_close(&deleted);
}

static void get_value_of_a_dictionary_borrows(void) {
    struct witness witness = witness_create();
    xpc_object_t inner = xpc_dictionary_create_empty(), outer = xpc_dictionary_create_empty();
    xpc_dictionary_set_value(inner, "key", witness.object);
    xpc_dictionary_set_value(outer, "inner", inner);
    xpc_release(witness.object);
    xpc_release(inner);
    CHECK(xpc_dictionary_get_value(outer, "inner") == inner);
    CHECK(xpc_dictionary_get_dictionary(outer, "inner") == inner);
    xpc_release(outer);
    CHECK(witness_is_gone(&witness));
    witness_close(&witness);
}

static void a_copy_is_owned(void) {
    xpc_object_t one = message_of(1), copy = xpc_copy(one);
    xpc_release(one);
    CHECK(number_of(copy) == 1);
    xpc_release(copy);
}

static void a_duplicate_outlives_its_box(void) {
    struct witness witness = witness_create();
    int fd = xpc_fd_dup(witness.object);
    xpc_release(witness.object);
    CHECK(witness_is_held(&witness));
    close(fd);
    CHECK(witness_is_gone(&witness));
    witness_close(&witness);
}

/* Sends a message with the witness and releases it here, so that only the message holds it. */
static void send_witness(xpc_connection_t connection, struct witness *witness) {
    xpc_object_t message = message_of(1);
    xpc_dictionary_set_value(message, "witness", witness->object);
    xpc_release(witness->object);
    xpc_connection_send_message(connection, message);
    xpc_release(message);
}

static void a_sent_message_is_let_go(void) {
    struct witness witness = witness_create();
    struct pair pair = pair_open();
    send_witness(pair.client, &witness);
    CHECK(record_wait(pair.seen, 1));
    CHECK(witness_is_held(&witness)); /* by the receiver's copy, in the record */
    records_clear();
    CHECK(witness_is_gone(&witness));
    witness_close(&witness);
    pair_close(&pair);
}

static void count_event(void *context, xpc_object_t event) {
    xpc_object_t null = xpc_null_create();
    if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) record_event(context, null);
}

static void accept_and_count(void *context, xpc_object_t event) {
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) start(event, count_event, context);
}

static void an_event_is_borrowed(void) {
    struct witness witness = witness_create();
    struct record *counted = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_and_count, counted);
    xpc_connection_t client = start(connect_to_listener(listener), count_event, counted);
    send_witness(client, &witness);
    CHECK(record_wait(counted, 1));
    CHECK(witness_is_gone(&witness)); /* no handler has retained it */
    witness_close(&witness);
    end(client);
    end(listener);
}

static void an_event_may_be_retained(void) {
    struct pair pair = pair_open();
    send_number(pair.client, 1);
    xpc_object_t kept = record_get(pair.seen, 0); /* used after its handler has returned */
    pair_close(&pair);
    CHECK(record_wait(pair.seen, 3));
    CHECK(number_of(kept) == 1);
}

static void a_discarded_message_is_let_go(void) {
    struct witness witness = witness_create();
    struct pair pair = pair_open();
    pair_introduce(&pair);
    xpc_connection_suspend(pair.client);
    send_witness(pair.client, &witness);
    CHECK(witness_is_held(&witness));
    xpc_connection_cancel(pair.client);
    xpc_connection_resume(pair.client);
    CHECK(record_get(pair.heard, 0) == INVALID);
    CHECK(witness_is_gone(&witness));
    CHECK(record_get(pair.seen, 1) == INVALID); /* it was not received */
    witness_close(&witness);
    pair_close(&pair);
}

static void a_reply_of_the_synchronous_kind_is_owned(void) {
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_and_answer, NULL);
    xpc_connection_t client = start(connect_to_listener(listener), answer_event, NULL);
    xpc_object_t reply = request_sync(client, 7);
    end(client);
    end(listener);
    CHECK(xpc_dictionary_get_uint64(reply, "echo") == 7); /* it is still valid, because it is owned */
    xpc_release(reply);
}

static void connections_of_a_dictionary_are_owned(void) {
    struct record *seen = record_create(), *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    xpc_dictionary_set_connection(dictionary, "listener", listener);
    xpc_connection_t client = start(xpc_dictionary_create_connection(dictionary, "listener"), record_event, heard);
    xpc_release(dictionary);
    send_number(client, 3);
    CHECK(number_of(record_get(seen, 0)) == 3);
    end(client); /* after the case the suite waits for its finalizer */
    end(listener);
}

static const struct contract_case cases[] = {
    {"what is created is released once", "xpc.h", "xpc_release",
     "it is the caller's responsibility to call xpc_release() on those objects", created_once},
    {"retains are balanced by releases", "xpc.h", "xpc_retain",
     "Calls to xpc_retain() must be balanced with calls to xpc_release()", retains_are_balanced},
    {"an array retains its values", "xpc.h", "xpc_array_set_value", "This value is retained by the array",
     an_array_retains},
    {"a value from an array is borrowed", "xpc.h", "xpc_array_get_value",
     "the caller is not responsible for releasing the object", get_value_of_an_array_borrows},
    {"a dictionary retains its values", "xpc.h", "xpc_dictionary_set_value",
     "The object is retained by the dictionary", a_dictionary_retains},
    {"a dictionary retains the values it is created with", "xpc.h", "xpc_dictionary_create",
     "Each element in this array is retained", a_dictionary_retains_what_it_is_created_with},
    {"what is overwritten or deleted is released", "xpc.h", "xpc_dictionary_set_value",
     "the old value is released and overwritten by the new value", what_is_overwritten_is_released},
    {"a value from a dictionary is borrowed", "xpc.h", "xpc_dictionary_get_value",
     "This method does not grant the caller a reference to the underlying object", get_value_of_a_dictionary_borrows},
    {"a copy is the caller's", "xpc.h", "xpc_copy", "The new object", a_copy_is_owned},
    {"a duplicated descriptor is the caller's", "xpc.h", "xpc_fd_dup",
     "The caller is responsible for calling close(2) on the returned descriptor", a_duplicate_outlives_its_box},
    {"a sent message is released", "connection.h", "xpc_connection_send_message",
     "This dictionary is logically copied by the connection", a_sent_message_is_let_go},
    {"a handler's event is borrowed", "connection.h", "xpc_connection_set_event_handler",
     "ownership of the event object is NOT implicitly transferred", an_event_is_borrowed},
    {"a handler's event may be retained", "connection.h", "xpc_connection_set_event_handler",
     "it is safe to call xpc_retain() on the object to obtain a reference to it", an_event_may_be_retained},
    {"a message that was never sent is released", "connection.h", "xpc_connection_cancel",
     "any messages that have not yet been sent will be discarded", a_discarded_message_is_let_go},
    {"a synchronous reply is the caller's", "connection.h", "xpc_connection_send_message_with_reply_sync",
     "You are responsible for releasing the returned object", a_reply_of_the_synchronous_kind_is_owned},
    {"a connection created from a dictionary is the caller's", "xpc.h", "xpc_dictionary_create_connection",
     "You are responsible for calling xpc_release() on the returned connection",
     connections_of_a_dictionary_are_owned},
};

const struct contract_group ownership_group = CONTRACT_GROUP("Ownership", cases);
