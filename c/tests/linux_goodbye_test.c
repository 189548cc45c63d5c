/*
 * linux_goodbye_test.c - why a connection has ended, as both sides hear it; and messages over the limits,
 * of which their sender hears.
 */
#include <errno.h>
#include <sys/socket.h>

#include "linux_raw.h"
#include "linux_support.h"

/* ---- The packet ----------------------------------------------------------------------- */

static const char *goodbye_with(uint64_t why, uint32_t length, uint32_t descriptors) {
    struct xl_header header = {.kind = XL_KIND_GOODBYE, .length = length, .descriptors = descriptors, .id = why}, decoded;
    uint8_t bytes[XL_HEADER_BYTES];
    xl_header_encode(&header, bytes);
    const char *problem = xl_header_decode(bytes, XL_HEADER_BYTES + length, &decoded);
    return problem ? problem : "";
}

static void checks_headers(void) {
    for (uint64_t why = XL_GOODBYE_REFUSED; why <= XL_GOODBYE_LACKING; why++) {
        CHECK_TEXT(goodbye_with(why, 0, 0), "");
        CHECK_TEXT(goodbye_with(why, XL_GOODBYE_MAX, 0), "");
    }
    CHECK_TEXT(goodbye_with(0, 10, 0), "the id does not fit the kind");
    CHECK_TEXT(goodbye_with(XL_GOODBYE_LACKING + 1, 10, 0), "the reason of a goodbye is unknown");
    CHECK_TEXT(goodbye_with(1, XL_GOODBYE_MAX + 1, 0), "a goodbye is more than a short text");
    CHECK_TEXT(goodbye_with(1, 10, 1), "a goodbye is more than a short text");
}

/* ---- What is said --------------------------------------------------------------------- */

/* Reads packets until a goodbye or the end. */
static struct xl_packet next_goodbye(int socket) {
    struct xl_packet packet = {0};
    const char *why = NULL;
    while (is_readable(socket)) {
        enum xl_received received = xl_packet_receive(socket, &packet, &why);
        if (received == XL_NOTHING) continue;
        if (received != XL_RECEIVED) break;
        if (packet.header.kind == XL_KIND_GOODBYE) return packet;
        xpc_release(packet.body);
    }
    fprintf(stderr, "no goodbye came: %s\n", why ? why : "the end did");
    CHECK(false);
    return (struct xl_packet){0};
}

static void send_message(int socket) {
    const char *why;
    bool refused;
    xpc_object_t message = message_of(1);
    struct xl_parcel *parcel = xl_parcel_create(XL_KIND_MESSAGE, 0, message, &why, &refused);
    CHECK(xl_parcel_send(socket, parcel, -1) == XL_SENT);
    xl_parcel_free(parcel);
    xpc_release(message);
}

static void check_closed(int socket) {
    char byte;
    CHECK(is_readable(socket) && recv(socket, &byte, 1, 0) == 0);
}

static void of_a_refused_packet(void) {
    for (int announced = 0; announced < 2; announced++) {
        struct record *seen = record_create();
        xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
        int ours = raw_connect(listener);
        xpc_connection_t peer = NULL;
        if (announced) {
            send_message(ours);
            peer = (xpc_connection_t)xpc_retain(xpc_dictionary_get_remote_connection(record_get(seen, 0)));
        }
        CHECK(send(ours, "garbage", 7, MSG_NOSIGNAL) == 7);
        struct xl_packet said = next_goodbye(ours);
        CHECK(said.header.id == XL_GOODBYE_REFUSED);
        CHECK(strstr(said.text, "the header is cut short") != NULL);
        check_closed(ours);
        if (peer) {
            CHECK(record_get(seen, 1) == INVALID);
            check_reason(peer, "a packet was refused: the header is cut short");
            CHECK(xpc_linux_invalidation_errno(peer) == EBADMSG);
            xpc_release(peer);
        }
        close(ours);
        end(listener);
    }
}

/* The socket's buffer is full when the peer is ended, and the last word comes behind what is in it. */
static void of_a_peer_that_does_not_read(void) {
    struct record *seen = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    int ours = raw_connect(listener);
    send_message(ours);
    xpc_connection_t peer = (xpc_connection_t)xpc_retain(xpc_dictionary_get_remote_connection(record_get(seen, 0)));
    uint8_t bytes[60000] = {0};
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_data(message, "data", bytes, sizeof bytes);
    for (int i = 0; i < 1000 && !xpc_linux_invalidation_errno(peer); i++) xpc_connection_send_message(peer, message);
    CHECK(xpc_linux_invalidation_errno(peer) == EXFULL);
    struct xl_packet said = next_goodbye(ours);
    CHECK(said.header.id == XL_GOODBYE_FULL && strstr(said.text, "does not read what was sent to it") != NULL);
    check_closed(ours);
    xpc_release(message);
    xpc_release(peer);
    close(ours);
    end(listener);
}

static void of_a_program(void) {
    struct pair pair = pair_open();
    struct xpc_linux_goodbye said;
    send_number(pair.client, 1);
    xpc_connection_t peer = xpc_dictionary_get_remote_connection(record_get(pair.seen, 0));
    send_number(peer, 5); /* arrives before */
    xpc_linux_connection_cancel_because(peer, EBADMSG, "this is too much");
    check_reason(peer, "this is too much");
    CHECK(xpc_linux_invalidation_errno(peer) == EBADMSG);
    CHECK(number_of(record_get(pair.heard, 0)) == 5);
    CHECK(record_get(pair.heard, 1) == INVALID);
    check_reason(pair.client, "the other side has ended the connection, and says: this is too much");
    CHECK(xpc_linux_invalidation_errno(pair.client) == 0);
    CHECK(xpc_linux_get_goodbye(pair.client, &said) && said.why == EBADMSG);
    CHECK_TEXT(said.reason, "this is too much");
    CHECK(!xpc_linux_get_goodbye(peer, &said) && said.why == 0);
    pair_close(&pair);
}

/* ---- What is heard -------------------------------------------------------------------- */

static void of_the_other_side_is_harmless(void) {
    struct record *seen = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    int ours = raw_connect(listener);
    struct xpc_linux_goodbye said;
    char long_text[400];
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text, "\033[31mred\r\n\302\233", 12);
    long_text[399] = 0;
    send_message(ours);
    xpc_connection_t peer = (xpc_connection_t)xpc_retain(xpc_dictionary_get_remote_connection(record_get(seen, 0)));
    xl_goodbye_send(ours, XL_GOODBYE_FULL, long_text);
    CHECK(record_get(seen, 1) == INVALID);
    CHECK(xpc_linux_get_goodbye(peer, &said) && said.why == EXFULL);
    CHECK(strncmp(said.reason, "?[31mred????x", 13) == 0 && strlen(said.reason) == XL_GOODBYE_MAX);
    xpc_release(peer);
    close(ours);
    end(listener);
}

static void of_a_stranger_is_no_message(void) {
    struct record *seen = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    int ours = raw_connect(listener);
    xl_goodbye_send(ours, XL_GOODBYE_FULL, "never mind");
    CHECK(strstr(next_goodbye(ours).text, "the first packet is no message") != NULL);
    check_closed(ours);
    CHECK(record_count(seen) == 0);
    close(ours);
    end(listener);
}

/* ---- A client by name ----------------------------------------------------------------- */

#define SERVICE "com.example.goodbye"

static xpc_connection_t introduce(xpc_connection_t client, struct record *seen) {
    size_t before = record_count(seen);
    send_number(client, 0);
    return xpc_dictionary_get_remote_connection(record_get(seen, before));
}

static void of_an_interruption(void) {
    enter_home();
    struct record *seen = record_create(), *heard = record_create();
    struct xpc_linux_goodbye said;
    xpc_connection_t listener = start(
        xpc_connection_create_mach_service(SERVICE, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER), accept_into, seen);
    xpc_connection_t client = start(xpc_connection_create_mach_service(SERVICE, NULL, 0), record_event, heard);
    xpc_linux_connection_cancel_because(introduce(client, seen), EXFULL, "too slow");
    CHECK(record_get(heard, 0) == INTERRUPTED);
    CHECK(xpc_linux_get_goodbye(client, &said) && said.why == EXFULL);
    CHECK_TEXT(said.reason, "too slow");
    CHECK(record_wait(seen, 2)); /* INVALID of the first peer */
    xpc_connection_cancel(introduce(client, seen));
    CHECK(record_get(heard, 1) == INTERRUPTED);
    CHECK(!xpc_linux_get_goodbye(client, &said));
    end(client);
    end(listener);
    leave_home();
}

/* ---- Messages over the limits --------------------------------------------------------- */

static void send_too_long(xpc_connection_t connection) {
    uint8_t *bytes = calloc(1, XPC_LINUX_MESSAGE_MAX);
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_data(message, "data", bytes, XPC_LINUX_MESSAGE_MAX);
    xpc_connection_send_message(connection, message);
    xpc_release(message);
    free(bytes);
}

/* What `body` writes to stderr. */
static char *written(void (*body)(struct pair *), struct pair *pair) {
    static char text[2000];
    int ends[2], before = dup(2);
    CHECK(pipe(ends) == 0 && before >= 0);
    dup2(ends[1], 2);
    body(pair);
    dup2(before, 2);
    close(before);
    close(ends[1]);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    text[length > 0 ? length : 0] = 0;
    close(ends[0]);
    return text;
}

static void send_three(struct pair *pair) {
    send_number(pair->client, 1);
    send_too_long(pair->client);
    CHECK(record_get(pair->heard, 0) == INTERRUPTED);
    send_too_long(pair->client);
    CHECK(record_get(pair->heard, 1) == INTERRUPTED);
    send_number(pair->client, 2);
    CHECK(number_of(record_get(pair->seen, 1)) == 2);
    send_too_long(xpc_dictionary_get_remote_connection(record_get(pair->seen, 1)));
}

static void too_long_messages_are_told(void) {
    struct pair pair = pair_open();
    const char *text = written(send_three, &pair);
    CHECK(strstr(text, "libxpc: a message was not sent: the message is longer than 1048576 bytes") == text);
    CHECK(strchr(text, '\n') == strrchr(text, '\n')); /* one line per process */
    send_number(pair.client, 3);
    CHECK(record_wait(pair.seen, 3));
    CHECK(number_of(record_get(pair.seen, 2)) == 3); /* a peer's handler is not told */
    CHECK(record_count(pair.heard) == 2);
    pair_close(&pair);
}

static const struct test tests[] = {
    {"checks headers", checks_headers},
    {"of a refused packet", of_a_refused_packet},
    {"of a peer that does not read", of_a_peer_that_does_not_read},
    {"of a program", of_a_program},
    {"of the other side is harmless", of_the_other_side_is_harmless},
    {"of a stranger is no message", of_a_stranger_is_no_message},
    {"of an interruption", of_an_interruption},
    {"too long messages are told", too_long_messages_are_told},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
