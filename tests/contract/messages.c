/*
 * messages.c - messages: copies, order, contents, and the identity of the sender.
 */
#include <unistd.h>

#include "other.h"

static void copied_at_send(void) {
    struct pair pair = pair_open();
    xpc_object_t message = message_of(1);
    xpc_connection_suspend(pair.client); /* the message stays in the queue */
    xpc_connection_send_message(pair.client, message);
    xpc_dictionary_set_uint64(message, "number", 2);
    xpc_dictionary_set_bool(message, "more", true);
    xpc_connection_resume(pair.client);
    xpc_object_t received = record_get(pair.seen, 0);
    CHECK(number_of(received) == 1 && xpc_dictionary_get_count(received) == 1);
    xpc_release(message);
    pair_close(&pair);
}

static void first_in_first_out(void) {
    enum { COUNT = 2000 };
    struct pair pair = pair_open();
    for (uint64_t i = 0; i < COUNT; i++) send_number(pair.client, i);
    CHECK(record_wait(pair.seen, COUNT));
    for (uint64_t i = 0; i < COUNT; i++) CHECK(number_of(record_get(pair.seen, i)) == i);
    pair_close(&pair);
}

static void both_ways(void) {
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    for (uint64_t i = 1; i < 100; i++) {
        send_number(pair.client, i);
        send_number(peer, i);
    }
    for (uint64_t i = 1; i < 100; i++) {
        CHECK(number_of(record_get(pair.seen, i)) == i);
        CHECK(number_of(record_get(pair.heard, i - 1)) == i);
    }
    pair_close(&pair);
}

static void arrives_equal(void) {
    const uint8_t uuid[16] = {1, 2, 3};
    struct pair pair = pair_open();
    xpc_object_t message = message_of(UINT64_MAX), array = xpc_array_create_empty(), null = xpc_null_create();
    xpc_array_append_value(array, null);
    xpc_array_set_double(array, XPC_ARRAY_APPEND, -0.5);
    xpc_array_set_string(array, XPC_ARRAY_APPEND, "");
    xpc_dictionary_set_value(message, "array", array);
    xpc_dictionary_set_value(message, "", null);
    xpc_dictionary_set_bool(message, "bool", true);
    xpc_dictionary_set_int64(message, "int64", INT64_MIN);
    xpc_dictionary_set_date(message, "date", -1);
    xpc_dictionary_set_data(message, "data", "a\0b", 3);
    xpc_dictionary_set_string(message, "string", "gr\xc3\xbc\xc3\x9f");
    xpc_dictionary_set_uuid(message, "uuid", uuid);
    xpc_connection_send_message(pair.client, message);
    xpc_object_t received = record_get(pair.seen, 0);
    CHECK(received && xpc_equal(message, received));
    xpc_release(null);
    xpc_release(array);
    xpc_release(message);
    pair_close(&pair);
}

static void long_messages(size_t length) {
    struct pair pair = pair_open();
    uint8_t *bytes = malloc(length);
    size_t received = 0;
    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(i * 7 + i / 251);
    xpc_object_t message = message_of(1);
    xpc_dictionary_set_data(message, "data", bytes, length);
    xpc_connection_send_message(pair.client, message);
    send_number(pair.client, 2); /* ends the wait if the long message does not arrive */
    CHECK(number_of(record_get(pair.seen, 0)) == 1);
    const void *data = xpc_dictionary_get_data(record_get(pair.seen, 0), "data", &received);
    CHECK(data && received == length && memcmp(data, bytes, length) == 0);
    xpc_release(message);
    free(bytes);
    pair_close(&pair);
}

static void of_a_megabyte(void) { long_messages(1000 * 1000); }
static void of_four_megabytes(void) { long_messages(4 * 1024 * 1024); }

static void knows_where_it_came_from(void) {
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    CHECK(peer != NULL && xpc_get_type(peer) == XPC_TYPE_CONNECTION);
    send_number(peer, 1);
    CHECK(xpc_dictionary_get_remote_connection(record_get(pair.heard, 0)) == pair.client);
    pair_close(&pair);
}

static void others_came_from_nowhere(void) {
    xpc_object_t message = message_of(1);
    CHECK(xpc_dictionary_get_remote_connection(message) == NULL);
    xpc_release(message);
}

/* ---- The identity of the other side --------------------------------------------------- */

static void tells_the_pid(void) {
    struct record *heard = record_create();
    xpc_connection_t other = other_client(0, heard);
    pid_t pid = pid_of(other);
    CHECK(pid != getpid() && xpc_connection_get_pid(other) == pid);
    end(other);
}

static void tells_the_user(void) {
    struct record *heard = record_create();
    xpc_connection_t other = other_client(0, heard);
    CHECK(pid_of(other) > 0);
    CHECK(xpc_connection_get_euid(other) == geteuid());
    CHECK(xpc_connection_get_egid(other) == getegid());
    end(other);
}

static void a_peer_is_known_with_its_first_message(void) {
    struct pair pair = pair_open();
    xpc_connection_t peer = pair_introduce(&pair);
    CHECK(xpc_connection_get_pid(peer) == getpid());
    CHECK(xpc_connection_get_euid(peer) == geteuid() && xpc_connection_get_egid(peer) == getegid());
    send_number(peer, 1);
    CHECK(number_of(record_get(pair.heard, 0)) == 1);
    CHECK(xpc_connection_get_pid(pair.client) == getpid());
    pair_close(&pair);
}

static void a_listener_is_known_before_it_speaks(void) {
    struct pair pair = pair_open();
    pair_introduce(&pair);
    CHECK(xpc_connection_get_euid(pair.client) == geteuid());
    pair_close(&pair);
}

static void has_its_name(void) {
    struct record *heard = record_create();
    xpc_connection_t client = xpc_connection_create_mach_service("com.example.contract.nobody", NULL, 0);
    CHECK_TEXT(xpc_connection_get_name(client), "com.example.contract.nobody");
    end(start(client, record_event, heard));
}

static void a_peer_has_no_name(void) {
    struct pair pair = pair_open();
    CHECK(xpc_connection_get_name(pair_introduce(&pair)) == NULL);
    pair_close(&pair);
}

static const struct contract_case cases[] = {
    {"a message is copied when it is sent", "connection.h", "xpc_connection_send_message",
     "it is safe to modify the dictionary after this call", copied_at_send},
    {"messages arrive in the order sent", "connection.h", "xpc_connection_send_message",
     "Messages are delivered in FIFO order", first_in_first_out},
    {"messages go both ways", "xpc.h", "XPC_TYPE_CONNECTION",
     "This connection is bidirectional and can be used to both send and receive messages", both_ways},
    {"a message arrives equal", "connection.h", "xpc_connection_send_message",
     "Sends a message over the connection to the destination service", arrives_equal},
    {"a message of 1 MB arrives", "connection.h", "xpc_connection_send_message",
     "Sends a message over the connection to the destination service", of_a_megabyte},
    {"a message of 4 MiB arrives", "connection.h", "xpc_connection_send_message",
     "Sends a message over the connection to the destination service", of_four_megabytes,
     .differs = "a message over 1 MiB, 16 descriptors or 32 levels is not sent, and its reply handler, or the client's "
                "event handler, gets INTERRUPTED: what is long goes in shared memory"},
    {"a received message has a remote connection", "xpc.h", "xpc_dictionary_get_remote_connection",
     "a connection object over which a reply message can be sent is returned", knows_where_it_came_from},
    {"any other dictionary has no remote connection", "xpc.h", "xpc_dictionary_get_remote_connection",
     "For any other dictionary, NULL is returned", others_came_from_nowhere},
    {"the other side's pid", "connection.h", "xpc_connection_get_pid", "The PID of the remote peer", tells_the_pid,
     .others = 1},
    {"the other side's user and group", "connection.h", "xpc_connection_get_euid",
     "The EUID of the remote peer at the time the connection was made", tells_the_user, .others = 1},
    {"a peer is known with its first message", "xpc.h", "XPC_TYPE_CONNECTION",
     "A connection carries the credentials of the remote service provider", a_peer_is_known_with_its_first_message},
    {"a listener is known before its first message", "connection.h", "xpc_connection_get_euid",
     "The EUID of the remote peer at the time the connection was made", a_listener_is_known_before_it_speaks,
     .differs = "a client by endpoint knows the other side after its first message; until then pid 0, ids -1"},
    {"the other side's audit session", "connection.h", "xpc_connection_get_asid",
     "The audit session ID of the remote peer", NULL, .differs = "always 0: Linux has no such sessions"},
    {"a connection has the name that it was created with", "connection.h", "xpc_connection_get_name",
     "Returns the name of the service with which the connection was created", has_its_name},
    {"a listener's peer has no name", "connection.h", "xpc_connection_get_name",
     "through an invocation of another connection's event handler, NULL is returned", a_peer_has_no_name},
};

const struct contract_group messages_group = CONTRACT_GROUP("Messages", cases);
