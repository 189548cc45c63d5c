/*
 * linux_budget_test.c - the budgets of the queues, in bytes: each at its limit and one beyond. The
 * attackers here are peers that send and do not read, or send what takes far more when it is decoded.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "bootstrap/attach_linux.h"
#include "linux_raw.h"
#include "linux_support.h"
#include "packet.h"
#include "room.h"

static struct xpc_linux_stats stats(void) {
    struct xpc_linux_stats now;
    xpc_linux_get_stats(&now);
    return now;
}

/* {"a": [dictionaries without content]}; the cost of all but these is 256 + 65 + 128. */
static xpc_object_t many_dictionaries(size_t count) {
    xpc_object_t message = xpc_dictionary_create_empty(), array = xpc_array_create_empty();
    for (size_t i = 0; i < count; i++) {
        xpc_object_t empty = xpc_dictionary_create_empty();
        xpc_array_append_value(array, empty);
        xpc_release(empty);
    }
    xpc_dictionary_set_value(message, "a", array);
    xpc_release(array);
    return message;
}

static xpc_object_t data_of(size_t bytes) {
    void *zeros = calloc(1, bytes);
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_data(message, "d", zeros, bytes);
    free(zeros);
    return message;
}

static void send_data(xpc_connection_t connection, size_t bytes) {
    xpc_object_t message = data_of(bytes);
    xpc_connection_send_message(connection, message);
    xpc_release(message);
}

/* ---- Room ----------------------------------------------------------------------------- */

static void room_is_bounded(void) {
    const uint64_t all = XPC_LINUX_INBOX_MAX, most = all / 4 * 3;
    CHECK(xl_room_taken() == 0);
    CHECK(!xl_room_take(most + 1, false));
    CHECK(xl_room_take(most, false));
    CHECK(!xl_room_take(128 * 1024 + 1, false)); /* large: the last quarter is not for it */
    for (uint64_t left = all - most; left; left -= 128 * 1024) CHECK(xl_room_take(128 * 1024, false));
    CHECK(xl_room_taken() == all);
    CHECK(!xl_room_take(1, false));
    xl_room_give(all);
    xl_room_wait(); /* another connection waits: a large message does not overtake it, a small one does */
    CHECK(!xl_room_take(128 * 1024 + 1, false));
    CHECK(xl_room_take(128 * 1024 + 1, true));
    CHECK(xl_room_take(1, false));
    xl_room_end_wait();
    xl_room_give(128 * 1024 + 2);
    CHECK(xl_room_taken() == 0);
}

/* ---- What one message may cost -------------------------------------------------------- */

enum { MOST_DICTIONARIES = (XPC_LINUX_COST_MAX - 256 - 65 - 128) / 256 };

static void a_message_may_cost_so_much(void) {
    char reason[200];
    xpc_object_t most = many_dictionaries(MOST_DICTIONARIES), more = many_dictionaries(MOST_DICTIONARIES + 1);
    CHECK(xpc_linux_message_check(most, reason, sizeof reason) == 0);
    CHECK(xpc_linux_message_check(more, reason, sizeof reason) == -1);
    CHECK(strstr(reason, "too many values") != NULL);
    xpc_release(most);
    xpc_release(more);
    /* 1 MiB of numbers is what a frame may hold. */
    xpc_object_t numbers = xpc_dictionary_create_empty(), array = xpc_array_create_empty();
    for (int i = 0; i < 116000; i++) xpc_array_set_double(array, XPC_ARRAY_APPEND, i);
    xpc_dictionary_set_value(numbers, "n", array);
    CHECK(xpc_linux_message_check(numbers, reason, sizeof reason) == 0);
    xpc_release(array);
    xpc_release(numbers);
}

/* Sends a body of `count` empty dictionaries in an array, spilled, which the sender's own check would refuse. */
static void send_costly(int socket, enum xl_kind kind, uint64_t id, uint32_t count) {
    static const uint8_t start[] = {XL_TAG_DICTIONARY, 1, 0, 0, 0, 1, 0, 0, 0, 'a', XL_TAG_ARRAY};
    size_t length = sizeof start + 4 + (size_t)count * 5;
    uint8_t *body = calloc(1, length), header[XL_HEADER_BYTES];
    memcpy(body, start, sizeof start);
    memcpy(body + sizeof start, &count, 4);
    for (size_t i = 0; i < count; i++) body[sizeof start + 4 + i * 5] = XL_TAG_DICTIONARY;
    int fd = memfd_create("costly", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(write(fd, body, length) == (ssize_t)length);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
    struct xl_header fields = {.kind = kind, .spilled = true, .length = (uint32_t)length, .id = id};
    xl_header_encode(&fields, header);
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec vector = {.iov_base = header, .iov_len = sizeof header};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};
    attach_control(&message, SCM_RIGHTS, &fd, sizeof fd);
    CHECK(sendmsg(socket, &message, MSG_NOSIGNAL) == sizeof header);
    close(fd);
    free(body);
}

static void a_message_that_costs_too_much_has_no_content(void) {
    struct record *seen = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    int ours = raw_connect(listener);
    send_costly(ours, XL_KIND_MESSAGE, 0, MOST_DICTIONARIES);
    send_costly(ours, XL_KIND_REQUEST, 1, MOST_DICTIONARIES + 1);
    send_costly(ours, XL_KIND_MESSAGE, 0, 209700);
    CHECK(record_wait(seen, 3));
    CHECK(xpc_linux_message_problem(record_get(seen, 0)) == NULL);
    CHECK(xpc_array_get_count(xpc_dictionary_get_value(record_get(seen, 0), "a")) == MOST_DICTIONARIES);
    for (size_t i = 1; i < 3; i++) {
        CHECK(xpc_linux_message_problem(record_get(seen, i)) != NULL);
        CHECK(xpc_dictionary_get_count(record_get(seen, i)) == 0);
    }
    answer(record_get(seen, 1)); /* the request can be answered */
    CHECK(is_readable(ours));
    close(ours);
    end(listener);
}

/* ---- The inbox of the process --------------------------------------------------------- */

enum { PEERS = 100 };

struct crowd {
    struct record *seen;
    _Atomic int delivered;
};

static void keep_message(void *context, xpc_object_t event) {
    struct crowd *crowd = context;
    if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) return;
    xpc_linux_message_keep(event);
    record_event(crowd->seen, event);
    crowd->delivered++;
}

static void accept_keeping(void *context, xpc_object_t event) {
    struct crowd *crowd = context;
    if (xpc_get_type(event) != XPC_TYPE_CONNECTION) return;
    start(event, keep_message, crowd);
}

/* A hundred peers send one message each that decodes to 4 MiB. A small one is served all the same. */
static void messages_that_wait_are_bounded_in_all(void) {
    struct crowd crowd = {.seen = record_create()};
    int ours[PEERS];
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_keeping, &crowd);
    for (int i = 0; i < PEERS; i++) {
        ours[i] = raw_connect(listener);
        send_costly(ours[i], XL_KIND_MESSAGE, 0, 16384);
        CHECK(stats().inbox_bytes <= XPC_LINUX_INBOX_MAX);
    }
    CHECK(record_wait(crowd.seen, 8));
    lapse_ms(200); /* more would arrive now, if nothing bounded them */
    CHECK(stats().inbox_bytes <= XPC_LINUX_INBOX_MAX);
    size_t before = record_count(crowd.seen);
    CHECK(before < PEERS / 2);
    xpc_connection_t honest = start(connect_to_listener(listener), record_event, record_create());
    send_number(honest, 7);
    CHECK(record_wait(crowd.seen, before + 1));
    bool served = false;
    for (size_t i = before; i < record_count(crowd.seen); i++) served |= number_of(record_get(crowd.seen, i)) == 7;
    CHECK(served);
    time_t patience = patience_end();
    while (crowd.delivered < PEERS + 1 && look_again(patience)) { /* as they are released, all others come */
        CHECK(stats().inbox_bytes <= XPC_LINUX_INBOX_MAX);
        record_clear(crowd.seen);
    }
    CHECK(crowd.delivered == PEERS + 1);
    for (int i = 0; i < PEERS; i++) close(ours[i]);
    end(honest);
    end(listener);
}

/* ---- The outbox ----------------------------------------------------------------------- */

/* A connection that is not active sends nothing, so the sum is exact. */
static void an_outbox_is_bounded(void) {
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, record_create());
    xpc_connection_t client = connect_to_listener(listener);
    struct record *heard = record_create();
    xpc_connection_set_event_handler(client, BLOCK(record_event, heard));
    uint64_t ended = stats().ended_over_budget;
    send_data(client, 60000);
    uint64_t each = stats().outbox_bytes, count = XPC_LINUX_OUTBOX_MAX / each;
    for (uint64_t i = 1; i < count; i++) send_data(client, 60000);
    CHECK(stats().outbox_bytes == each * count);
    size_t left = XPC_LINUX_OUTBOX_MAX - each * count, overhead = each - 60000;
    CHECK(left > overhead);
    send_data(client, left - overhead);
    CHECK(stats().outbox_bytes == XPC_LINUX_OUTBOX_MAX);
    CHECK(stats().ended_over_budget == ended);
    send_number(client, 1);
    CHECK(stats().outbox_bytes == 0);
    CHECK(stats().ended_over_budget == ended + 1);
    check_reason(client, "does not read what was sent to it");
    CHECK(xpc_linux_invalidation_errno(client) == EXFULL);
    xpc_connection_activate(client);
    xpc_release(client);
    end(listener);
}

/* Messages in memory files: the kernel's queue has room for hundreds, and holds 1 MiB for each. */
static void what_the_kernel_holds_is_bounded(void) {
    struct record *seen = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    int ours = raw_connect(listener);
    send_costly(ours, XL_KIND_REQUEST, 1, 20000);
    CHECK(record_wait(seen, 1));
    uint64_t before = stats().spill_bytes_sent;
    xpc_connection_t peer = xpc_dictionary_get_remote_connection(record_get(seen, 0));
    for (int i = 0; i < 20; i++) send_data(peer, 1000000);
    CHECK(is_readable(ours));
    lapse_ms(200); /* the others would be sent now */
    uint64_t flying = stats().spill_bytes_sent - before;
    CHECK(flying > 0 && flying <= XPC_LINUX_FLIGHT_MAX);
    int arrived = 0;
    while (arrived < 20 && is_readable(ours)) { /* and they come when these are read */
        struct xl_packet packet;
        const char *why = NULL;
        if (xl_packet_receive(ours, &packet, &why) != XL_RECEIVED) break;
        xpc_release(packet.body);
        arrived++;
    }
    CHECK(arrived == 20);
    close(ours);
    end(listener);
}

/* ---- Limits of this process ----------------------------------------------------------- */

static void a_lack_of_descriptors_is_its_own(void) {
    if (under_valgrind()) IGNORE("valgrind uses descriptors of its own");
    struct pair pair = pair_open();
    send_number(pair.client, 1);
    CHECK(record_wait(pair.seen, 1));
    xpc_connection_t peer = (xpc_connection_t)xpc_retain(xpc_dictionary_get_remote_connection(record_get(pair.seen, 0)));
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_fd(message, "fd", 0);
    struct rlimit before, none;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    xpc_connection_send_message(pair.client, message);
    CHECK(record_wait(pair.seen, 2));
    CHECK(record_get(pair.seen, 1) == INVALID);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    check_reason(peer, "this process has no free descriptor: its limit is 3");
    CHECK(xpc_linux_invalidation_errno(peer) == EMFILE);
    struct xpc_linux_goodbye said;
    CHECK(record_get(pair.heard, 0) == INVALID);
    CHECK(xpc_linux_get_goodbye(pair.client, &said) && said.why == ENOMEM);
    CHECK(strstr(said.reason, "this process has no free descriptor") != NULL);
    xpc_release(message);
    xpc_release(peer);
    pair_close(&pair);
}

static const struct test tests[] = {
    {"room is bounded", room_is_bounded},
    {"a message may cost so much", a_message_may_cost_so_much},
    {"a message that costs too much has no content", a_message_that_costs_too_much_has_no_content},
    {"messages that wait are bounded in all", messages_that_wait_are_bounded_in_all},
    {"an outbox is bounded", an_outbox_is_bounded},
    {"what the kernel holds is bounded", what_the_kernel_holds_is_bounded},
    {"a lack of descriptors is its own", a_lack_of_descriptors_is_its_own},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
