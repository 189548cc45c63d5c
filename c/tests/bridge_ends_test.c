/*
 * bridge_ends_test.c - the ends of connections, as libxpc does them on either system: what was sent leaves
 * before a release, and a peer by endpoint that is gone is gone for good.
 */
#include "bridge_support.h"

/* A message of that many bytes: {"d": data}. */
static uint32_t pack_data(uint8_t *out, uint32_t bytes) {
    const uint8_t start[] = {8, 1, 0, 0, 0, 1, 0, 'd', 6, (uint8_t)bytes, (uint8_t)(bytes >> 8), 0, 0};
    memcpy(out, start, sizeof start);
    memset(out + sizeof start, 7, bytes);
    return (uint32_t)sizeof start + bytes;
}

/* More than the kernel holds, to a peer that is not active yet: some of it is unsent at the release. */
static void what_was_sent_before_a_release_arrives(void) {
    enum { MESSAGES = 100, BYTES = 30000 };
    static uint8_t message[BYTES + 16];
    uint32_t length = pack_data(message, BYTES);
    struct inbox *inbox = inbox_open();
    slb_handle listener = slb_listener_create(inbox->queue), endpoint = slb_endpoint_create(listener);
    slb_handle client = slb_connection_create_endpoint(inbox->queue, endpoint);
    CHECK(slb_connection_activate(listener) == 0);
    CHECK(slb_connection_activate(client) == 0);
    for (int i = 0; i < MESSAGES; i++) CHECK(slb_connection_send(client, message, length) == 0);
    CHECK(slb_release(client) == 0);
    struct record record = inbox_next(inbox);
    slb_handle peer = record.subject;
    CHECK(record.event == SLB_EVENT_PEER && slb_connection_activate(peer) == 0);
    for (int i = 0; i < MESSAGES; i++) {
        record = inbox_next(inbox);
        CHECK(record.event == SLB_EVENT_MESSAGE && record.source == peer && record.length > BYTES);
    }
    record = inbox_next(inbox);
    CHECK(record.event == SLB_EVENT_ERROR && record.source == peer && record.detail == SLB_ERROR_INVALID);
    CHECK(slb_release(peer) == 0);
    CHECK(slb_release(endpoint) == 0);
    CHECK(slb_release(listener) == 0);
    inbox_close(inbox);
}

#ifdef __APPLE__
static void who_does_not_read_keeps_few_connections(void) { IGNORE("Apple's libxpc does not count its connections"); }
#else
/* The listener's peers are never activated, so nothing is read. */
static void who_does_not_read_keeps_few_connections(void) {
    enum { CLIENTS = SLB_MAX_FAREWELLS + 4, MESSAGES = 20, BYTES = 60000 };
    static uint8_t message[BYTES + 16];
    uint32_t length = pack_data(message, BYTES);
    struct inbox *inbox = inbox_open();
    slb_handle listener = slb_listener_create(inbox->queue), peers[CLIENTS], endpoint = slb_endpoint_create(listener);
    CHECK(slb_connection_activate(listener) == 0);
    for (int i = 0; i < CLIENTS; i++) {
        slb_handle client = slb_connection_create_endpoint(inbox->queue, endpoint);
        CHECK(slb_connection_activate(client) == 0);
        for (int j = 0; j < MESSAGES; j++) CHECK(slb_connection_send(client, message, length) == 0);
        struct record record = inbox_next(inbox);
        CHECK(record.event == SLB_EVENT_PEER);
        peers[i] = record.subject;
        CHECK(slb_release(client) == 0);
    }
    enum { LEFT = 1 + CLIENTS + SLB_MAX_FAREWELLS };
    time_t end = patience_end();
    while (count(XPC_CONNECTIONS) > LEFT && look_again(end)) continue;
    CHECK(count(XPC_CONNECTIONS) == LEFT);
    for (int i = 0; i < CLIENTS; i++) CHECK(slb_release(peers[i]) == 0);
    CHECK(slb_release(endpoint) == 0);
    CHECK(slb_release(listener) == 0);
    inbox_close(inbox);
}
#endif

/* Apple's libxpc may report INTERRUPTED, and connect again at the next send: to the listener, as a new peer. */
static void a_peer_that_is_gone_is_gone(void) {
    struct pair pair = pair_open();
    uint8_t reason[SLB_MAX_TEXT_BYTES];
    CHECK(slb_connection_cancel(pair.peer) == 0);
    bool told = false, own = false;
    while (!told || !own) {
        struct record record = inbox_next(pair.inbox);
        CHECK(record.event == SLB_EVENT_ERROR && record.detail == SLB_ERROR_INVALID);
        if (record.source == pair.client) told = true;
        else own = true;
    }
    CHECK(slb_connection_reason_copy(pair.client, reason, sizeof reason) > 0);
    CHECK(slb_connection_send(pair.client, HELLO, sizeof HELLO) == 0); /* it is lost */
    slb_handle endpoint = slb_endpoint_create(pair.listener);
    slb_handle other = slb_connection_create_endpoint(pair.inbox->queue, endpoint);
    CHECK(slb_connection_activate(other) == 0);
    CHECK(slb_connection_request(other, HELLO, sizeof HELLO, 1) == 0);
    struct record record = inbox_next(pair.inbox);
    CHECK(record.event == SLB_EVENT_PEER && record.source == pair.listener);
    CHECK(slb_connection_activate(record.subject) == 0);
    record = inbox_next(pair.inbox);
    CHECK(record.event == SLB_EVENT_MESSAGE && record.subject != 0); /* the request of the other client */
    CHECK(slb_release(endpoint) == 0);
    CHECK(slb_release(other) == 0);
    pair_close(pair);
}

static const struct test tests[] = {
    {"what was sent before a release arrives", what_was_sent_before_a_release_arrives},
    {"who does not read keeps few connections", who_does_not_read_keeps_few_connections},
    {"a peer that is gone is gone", a_peer_that_is_gone_is_gone},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
