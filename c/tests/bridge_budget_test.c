/*
 * bridge_budget_test.c: the budgets of the shim's queues, in bytes, and the fairness of draining, as
 * an order of events.
 */
#include "bridge_support.h"

/* What {"d": data} costs in a queue besides its data: message, dictionary, entry with a key of one byte, data. */
enum { DATA_OVERHEAD = 512 + 256 + 64 + 1 + 256 };
/* What it takes in the outbox besides its data: message, and 13 bytes of packed form. */
enum { SENT_OVERHEAD = 512 + 13 };
/* What {"a": [..]} costs besides a message, without the elements. */
enum { ARRAY_OVERHEAD = 256 + 64 + 1 + 128 };

/* ---- packed messages ---- */

static uint8_t message[SLB_MAX_MESSAGE_BYTES + 100];

static uint32_t start_message(char key, uint8_t tag, uint32_t number) {
    const uint8_t start[] = {8, 1, 0, 0, 0, 1, 0, (uint8_t)key, tag};
    memcpy(message, start, sizeof start);
    for (int i = 0; i < 4; i++) message[sizeof start + (size_t)i] = (uint8_t)(number >> (8 * i));
    return sizeof start + 4;
}

static uint32_t pack_data(uint32_t bytes) {
    uint32_t at = start_message('d', 6, bytes);
    memset(message + at, 0, bytes);
    return at + bytes;
}

static uint32_t pack_elements(uint32_t count, uint8_t tag, uint32_t payload) {
    uint32_t at = start_message('a', 7, count);
    for (uint32_t i = 0; i < count; i++) {
        message[at] = tag;
        memset(message + at + 1, 0, payload);
        at += 1 + payload;
    }
    return at;
}

static int32_t send_data(slb_handle connection, uint32_t bytes) {
    return slb_connection_send(connection, message, pack_data(bytes));
}

/* A pair whose ends have queues of their own, so that one end can stop to read. */
struct apart {
    struct inbox *server, *reader;
    slb_handle listener, client, peer;
};

static slb_handle connect_apart(struct inbox *reader, slb_handle listener) {
    slb_handle endpoint = slb_endpoint_create(listener);
    slb_handle client = slb_connection_create_endpoint(reader->queue, endpoint);
    CHECK(slb_release(endpoint) == 0);
    CHECK(slb_connection_activate(client) == 0);
    return client;
}

static slb_handle next_peer(struct inbox *server) {
    struct record record = inbox_next(server);
    CHECK(record.event == SLB_EVENT_PEER);
    CHECK(slb_connection_activate(record.subject) == 0);
    return record.subject;
}

static struct apart apart_open(void) {
    struct apart apart = {.server = inbox_open(), .reader = inbox_open()};
    apart.listener = slb_listener_create(apart.server->queue);
    CHECK(slb_connection_activate(apart.listener) == 0);
    apart.client = connect_apart(apart.reader, apart.listener);
    CHECK(slb_connection_send(apart.client, HELLO, sizeof HELLO) == 0);
    apart.peer = next_peer(apart.server);
    check_hello(inbox_next(apart.server));
    return apart;
}

static void apart_close(struct apart apart) {
    inbox_close(apart.server);
    inbox_close(apart.reader);
}

static uint64_t queue_of(slb_handle connection, int index) {
    uint64_t values[4];
    CHECK(slb_connection_queues(connection, values) == 0);
    return values[index];
}

static void check_reason(slb_handle connection, const char *part) {
    char text[SLB_MAX_TEXT_BYTES + 1] = {0};
    slb_connection_reason_copy(connection, (uint8_t *)text, SLB_MAX_TEXT_BYTES);
    if (!strstr(text, part)) fprintf(stderr, "the reason is \"%s\"\n", text);
    CHECK(strstr(text, part) != NULL);
}

/* ---- one message ---- */

static void test_what_a_message_may_cost(void) {
    struct pair pair = pair_open();
    uint32_t most = (SLB_MAX_MESSAGE_COST - ARRAY_OVERHEAD) / 256;
    CHECK(slb_connection_send(pair.client, message, pack_elements(most + 1, 8, 4)) == SLB_E_ARGUMENT);
    uint32_t length = pack_elements(most, 8, 4);
    CHECK(slb_connection_send(pair.client, message, length) == 0);
    slb_handle queue = pair.inbox->queue;
    time_t end = patience_end();
    while (!slb_queue_next_bytes(queue) && look_again(end)) continue;
    CHECK(slb_queue_next_bytes(queue) == SLB_EVENT_HEADER_BYTES + length);
    uint8_t *buffer = malloc(SLB_EVENT_HEADER_BYTES + length);
    CHECK(slb_queue_drain(queue, buffer, SLB_EVENT_HEADER_BYTES + length) == (int32_t)(SLB_EVENT_HEADER_BYTES + length));
    CHECK(get32(buffer + 4) == SLB_EVENT_MESSAGE);
    CHECK(get32(buffer + 20) == 512 + ARRAY_OVERHEAD + most * 256);
    free(buffer);
    /* 1 MiB of numbers is what a frame may hold; XPC's own encoding is a few bytes longer. */
    CHECK(slb_connection_send(pair.client, message, pack_elements((SLB_MAX_MESSAGE_BYTES - 32) / 9, 4, 8)) == 0);
    CHECK(inbox_next(pair.inbox).event == SLB_EVENT_MESSAGE);
    /* What XPC would not send is refused here, not lost. */
    uint32_t longest = (SLB_MAX_MESSAGE_BYTES - 13) / 9;
    CHECK(slb_connection_send(pair.client, message, pack_elements(longest, 4, 8)) == SLB_E_ARGUMENT);
    pair_close(pair);
}

/* ---- the outbox ---- */

/* A connection that is not active sends nothing, so the sum is exact. */
static void test_an_outbox_is_bounded(void) {
    struct inbox *inbox = inbox_open();
    slb_handle listener = slb_listener_create(inbox->queue);
    slb_handle endpoint = slb_endpoint_create(listener);
    slb_handle client = slb_connection_create_endpoint(inbox->queue, endpoint);
    uint32_t each = 1000000 + SENT_OVERHEAD, left = SLB_MAX_OUTBOX_BYTES;
    uint64_t ended = count(ENDED_OUTBOX);
    for (; left >= 2 * each; left -= each) CHECK(send_data(client, 1000000) == 0);
    CHECK(send_data(client, left - each - SENT_OVERHEAD) == 0);
    CHECK(send_data(client, 1000000) == 0);
    CHECK(queue_of(client, 2) == SLB_MAX_OUTBOX_BYTES && count(OUTBOX_BYTES) == SLB_MAX_OUTBOX_BYTES);
    CHECK(count(ENDED_OUTBOX) == ended);
    CHECK(send_data(client, 0) == SLB_E_OUTBOX);
    CHECK(count(ENDED_OUTBOX) == ended + 1 && count(OUTBOX_BYTES) == 0);
    struct record record = inbox_next(inbox);
    CHECK(record.event == SLB_EVENT_ERROR && record.source == client);
    CHECK(record.subject == SLB_REASON_OUTBOX && record.detail == SLB_ERROR_INVALID);
    check_reason(client, "does not read what was sent to it");
    CHECK(send_data(client, 0) == 0); /* lost, as on any connection that has ended */
    inbox_close(inbox);
}

static void test_a_peer_that_does_not_read_is_ended(void) {
    struct apart apart = apart_open();
    int32_t sent = 0;
    uint64_t total = 0;
    /* What the reader's process takes, what the kernel holds, and the outbox: far less than this. */
    while (sent == 0 && total < 100000000) {
        sent = send_data(apart.peer, 200000);
        total += 200000;
        CHECK(count(OUTBOX_BYTES) <= SLB_MAX_OUTBOX_BYTES);
        CHECK(count(INBOX_BYTES) <= SLB_MAX_INBOX_BYTES + 200000 + DATA_OVERHEAD);
    }
    CHECK(sent == SLB_E_OUTBOX);
    struct record record = inbox_next(apart.server);
    CHECK(record.event == SLB_EVENT_ERROR && record.source == apart.peer && record.subject == SLB_REASON_OUTBOX);
    /* When it reads again, it finds the reason behind what was sent. */
    do record = inbox_next(apart.reader);
    while (record.event == SLB_EVENT_MESSAGE);
    CHECK(record.event == SLB_EVENT_ERROR && record.source == apart.client);
    CHECK(record.subject == (SLB_REASON_TOLD | SLB_REASON_OUTBOX));
    check_reason(apart.client, "the other side has ended the connection, and says: process ");
    check_reason(apart.client, "does not read what was sent to it");
    apart_close(apart);
}

static void test_replies_that_nobody_reads_end_the_peer(void) {
    struct apart apart = apart_open();
    enum { REQUESTS = 200 };
    slb_handle requests[REQUESTS];
    for (uint32_t i = 0; i < REQUESTS; i++) CHECK(slb_connection_request(apart.client, HELLO, sizeof HELLO, i + 1) == 0);
    for (int i = 0; i < REQUESTS; i++) {
        struct record record = inbox_next(apart.server);
        CHECK(record.event == SLB_EVENT_MESSAGE && record.subject != 0);
        requests[i] = record.subject;
    }
    int32_t sent = 0;
    for (int i = 0; sent == 0 && i < REQUESTS; i++) { /* 40 MB in all */
        uint64_t replies = count(SLB_KIND_REPLY);
        sent = slb_reply_send(requests[i], message, pack_data(200000));
        CHECK(count(SLB_KIND_REPLY) == replies - 1); /* released in any case */
    }
    CHECK(sent == SLB_E_OUTBOX);
    check_reason(apart.peer, "does not read");
    apart_close(apart);
}

static void test_an_outbox_that_is_read_is_empty(void) {
    struct apart apart = apart_open();
    for (int i = 0; i < 200; i++) { /* 40 MB in all */
        CHECK(send_data(apart.peer, 200000) == 0);
        uint8_t *buffer = malloc(300000);
        time_t end = patience_end();
        int32_t drained;
        while ((drained = slb_queue_drain(apart.reader->queue, buffer, 300000)) == 0 && look_again(end)) continue;
        CHECK(drained > 200000);
        free(buffer);
    }
    time_t end = patience_end();
    while (count(OUTBOX_BYTES) > SLB_OUTBOX_STEP_BYTES && look_again(end)) continue;
    CHECK(count(OUTBOX_BYTES) <= SLB_OUTBOX_STEP_BYTES);
    apart_close(apart);
}

/* ---- the inbox ---- */

static void test_an_inbox_is_bounded_in_bytes(void) {
    struct apart apart = apart_open();
    enum { MESSAGES = 100, BYTES = 150000 };
    for (int i = 0; i < MESSAGES; i++) CHECK(send_data(apart.client, BYTES) == 0);
    time_t end = patience_end();
    while (!queue_of(apart.peer, 3) && look_again(end)) continue;
    CHECK(queue_of(apart.peer, 3) == 1 && count(SUSPENDED) == 1);
    lapse_ms(100); /* the others would arrive now, if nothing bounded them */
    uint64_t waiting = queue_of(apart.peer, 0);
    CHECK(waiting >= SLB_MAX_INBOX_BYTES && waiting < SLB_MAX_INBOX_BYTES + BYTES + DATA_OVERHEAD);
    CHECK(count(INBOX_BYTES) == waiting);
    CHECK(queue_of(apart.peer, 1) == waiting / (BYTES + DATA_OVERHEAD));
    uint8_t *buffer = malloc(SLB_EVENT_HEADER_BYTES + BYTES + 100);
    for (int i = 0; i < MESSAGES; i++) {
        end = patience_end();
        while (slb_queue_drain(apart.server->queue, buffer, SLB_EVENT_HEADER_BYTES + BYTES + 100) == 0 && look_again(end))
            continue;
    }
    free(buffer);
    CHECK(queue_of(apart.peer, 0) == 0 && queue_of(apart.peer, 3) == 0 && count(SUSPENDED) == 0);
    apart_close(apart);
}

/* ---- fairness ---- */

enum { CROWD = 20, EACH = 10, BODY = 6000 };

/*
 * Twenty peers have many large messages waiting when another one sends a small message. Draining goes
 * round: before the small one, each of the others is served no more than its turn.
 */
static void test_a_small_message_waits_one_turn(void) {
    struct apart apart = apart_open();
    slb_handle clients[CROWD], peers[CROWD];
    uint32_t served[CROWD] = {0}, next = 0;
    for (int i = 0; i < CROWD; i++) {
        clients[i] = connect_apart(apart.reader, apart.listener);
        CHECK(slb_connection_send(clients[i], HELLO, sizeof HELLO) == 0);
        peers[i] = next_peer(apart.server);
        check_hello(inbox_next(apart.server));
    }
    for (int i = 0; i < CROWD; i++) {
        for (int n = 0; n < EACH; n++) CHECK(send_data(clients[i], BODY) == 0);
    }
    time_t end = patience_end();
    while (count(EVENTS_WAITING) < CROWD * EACH && look_again(end)) continue;
    CHECK(slb_connection_send(apart.client, HELLO, sizeof HELLO) == 0);
    while (queue_of(apart.peer, 1) == 0 && look_again(end)) continue;
    for (;; next++) {
        slb_handle source = inbox_next(apart.server).source;
        if (source == apart.peer) break;
        for (int i = 0; i < CROWD; i++) served[i] += peers[i] == source;
    }
    for (int i = 0; i < CROWD; i++) CHECK(served[i] * (BODY + DATA_OVERHEAD) <= SLB_DRAIN_TURN_BYTES);
    CHECK(next <= CROWD * (SLB_DRAIN_TURN_BYTES / BODY));
    apart_close(apart);
}

/* One call gives no more than its bytes, but always an event. */
static void test_a_call_drains_a_bounded_cost(void) {
    struct apart apart = apart_open();
    enum { NUMBERS = 220, BYTES = NUMBERS * 9 }; /* each message costs 14,080 and more */
    for (int i = 0; i < 4; i++) CHECK(slb_connection_send(apart.client, message, pack_elements(NUMBERS, 4, 8)) == 0);
    time_t end = patience_end();
    while (count(EVENTS_WAITING) < 4 && look_again(end)) continue;
    uint8_t *buffer = malloc(1 << 20);
    int32_t drained = slb_queue_drain(apart.server->queue, buffer, 1 << 20);
    CHECK(drained > BYTES && drained < 3 * BYTES); /* two messages: three would cost over 32 KiB */
    free(buffer);
    apart_close(apart);
}

static void test_a_connection_may_take_shorter_messages_only(void) {
    struct apart apart = apart_open();
    enum { LIMIT = 4096 };
    CHECK(slb_connection_limit(apart.peer, LIMIT) == 0);
    CHECK(send_data(apart.client, LIMIT) == 0);
    struct record refused = inbox_next(apart.server);
    CHECK(refused.source == apart.peer && refused.event == SLB_EVENT_MALFORMED);
    CHECK(send_data(apart.client, LIMIT / 2) == 0);
    CHECK(inbox_next(apart.server).event == SLB_EVENT_MESSAGE);
    CHECK(slb_connection_limit(0, LIMIT) == SLB_E_HANDLE);
    apart_close(apart);
}

static const struct test tests[] = {
    {"what a message may cost", test_what_a_message_may_cost},
    {"an outbox is bounded", test_an_outbox_is_bounded},
    {"a peer that does not read is ended", test_a_peer_that_does_not_read_is_ended},
    {"replies that nobody reads end the peer", test_replies_that_nobody_reads_end_the_peer},
    {"an outbox that is read is empty", test_an_outbox_that_is_read_is_empty},
    {"an inbox is bounded in bytes", test_an_inbox_is_bounded_in_bytes},
    {"a small message waits one turn", test_a_small_message_waits_one_turn},
    {"a call drains a bounded cost", test_a_call_drains_a_bounded_cost},
    {"a connection may take shorter messages only", test_a_connection_may_take_shorter_messages_only},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
