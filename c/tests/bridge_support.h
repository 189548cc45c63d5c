/*
 * bridge_support.h: common code of the shim's tests: events of a queue, packed messages, a
 * connected pair, and a check that nothing is left.
 */
#ifndef BRIDGE_SUPPORT_H
#define BRIDGE_SUPPORT_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "patience.h"
#include "streamlib_bridge.h"

/* ---- a queue, its bell, and reading events ---- */

struct inbox {
    slb_handle queue;
    int bell;
    uint8_t buffer[2 << 20];
    int32_t filled;
    int32_t at;
};

struct record {
    uint32_t length, event, source, subject, detail;
    const uint8_t *body;
};

static inline uint32_t get32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline struct inbox *inbox_open(void) {
    struct inbox *inbox = calloc(1, sizeof *inbox);
    inbox->queue = slb_queue_create();
    CHECK(inbox->queue != 0);
    inbox->bell = slb_queue_take_bell(inbox->queue);
    CHECK(inbox->bell >= 0);
    return inbox;
}

static inline void inbox_close(struct inbox *inbox) {
    CHECK(slb_release(inbox->queue) == 0);
    close(inbox->bell);
    free(inbox);
}

/* Makes a surface of pixels of `bytes` bytes each. */
static inline slb_handle surface_of_one_plane(slb_handle queue, uint32_t width, uint32_t height, uint32_t bytes,
                                              uint32_t pixel_format) {
    uint32_t plane[3] = {width, height, bytes};
    return slb_surface_create(queue, width, height, pixel_format, plane, 1);
}

/* The next event; waits for the bell. */
static inline struct record inbox_next(struct inbox *inbox) {
    while (inbox->at == inbox->filled) {
        inbox->at = 0;
        inbox->filled = slb_queue_drain(inbox->queue, inbox->buffer, sizeof inbox->buffer);
        CHECK(inbox->filled >= 0);
        if (inbox->filled > 0) break;
        if (!is_readable(inbox->bell)) {
            fprintf(stderr, "no event came within %d s\n", PATIENCE_SECONDS);
            exit(1); /* the next tests would also wait until their deadline */
        }
        char rings[64];
        CHECK(read(inbox->bell, rings, sizeof rings) > 0);
    }
    const uint8_t *at = inbox->buffer + inbox->at;
    struct record record = {get32(at),      get32(at + 4),  get32(at + 8),
                            get32(at + 12), get32(at + 16), at + SLB_EVENT_HEADER_BYTES};
    CHECK(record.length >= SLB_EVENT_HEADER_BYTES);
    inbox->at += (int32_t)record.length;
    return record;
}

/* ---- packed messages: {"k": "v"} and the like ---- */

static const uint8_t HELLO[] = {8, 1, 0, 0, 0, 1, 0, 'k', 5, 1, 0, 0, 0, 'v'};

static inline void check_hello(struct record record) {
    CHECK(record.length == SLB_EVENT_HEADER_BYTES + sizeof HELLO);
    CHECK(memcmp(record.body, HELLO, sizeof HELLO) == 0);
}

/* {"c": capability} */
static inline uint32_t pack_capability(uint8_t *out, uint8_t tag, slb_handle handle) {
    const uint8_t start[] = {8, 1, 0, 0, 0, 1, 0, 'c', tag};
    memcpy(out, start, sizeof start);
    for (int i = 0; i < 4; i++) out[sizeof start + (size_t)i] = (uint8_t)(handle >> (8 * i));
    return sizeof start + 4;
}

static inline slb_handle packed_handle(struct record record) {
    CHECK(record.length == SLB_EVENT_HEADER_BYTES + 13);
    return get32(record.body + 9);
}

/* ---- a connected pair: `client` has said hello, `peer` is active ---- */

struct pair {
    struct inbox *inbox;
    slb_handle listener, client, peer;
};

static inline struct pair pair_open(void) {
    struct pair pair = {.inbox = inbox_open()};
    pair.listener = slb_listener_create(pair.inbox->queue);
    CHECK(slb_connection_activate(pair.listener) == 0);
    slb_handle endpoint = slb_endpoint_create(pair.listener);
    CHECK(endpoint != 0);
    pair.client = slb_connection_create_endpoint(pair.inbox->queue, endpoint);
    CHECK(pair.client != 0);
    CHECK(slb_release(endpoint) == 0);
    CHECK(slb_connection_activate(pair.client) == 0);
    CHECK(slb_connection_send(pair.client, HELLO, sizeof HELLO) == 0);
    struct record record = inbox_next(pair.inbox);
    CHECK(record.event == SLB_EVENT_PEER && record.source == pair.listener);
    pair.peer = record.subject;
    CHECK(slb_connection_activate(pair.peer) == 0);
    record = inbox_next(pair.inbox);
    CHECK(record.event == SLB_EVENT_MESSAGE && record.source == pair.peer && record.subject == 0);
    check_hello(record);
    return pair;
}

static inline void pair_close(struct pair pair) {
    CHECK(slb_release(pair.client) == 0);
    CHECK(slb_release(pair.peer) == 0);
    CHECK(slb_release(pair.listener) == 0);
    inbox_close(pair.inbox);
}

/* The counters of slb_stats after those of each SLB_KIND. */
enum {
    EVENTS_WAITING = 12,
    SURFACES_MAPPED = 16,
    XPC_OBJECTS = 20,
    XPC_CONNECTIONS = 21,
    MAPPINGS_KEPT = 22,
    MAPPING_BYTES_KEPT = 23,
    INBOX_BYTES = 24,
    OUTBOX_BYTES = 25,
    SUSPENDED = 26,
    ENDED_OUTBOX = 27,
};

static inline uint64_t count(int index) {
    uint64_t counters[SLB_STATS_COUNT];
    CHECK(slb_stats(counters, SLB_STATS_COUNT) == SLB_STATS_COUNT);
    return counters[index];
}

/* Waits until XPC's threads have released all objects, and checks the counters. */
static inline void check_nothing_left(void) {
    time_t end = patience_end();
    while ((count(0) || count(XPC_OBJECTS) || count(EVENTS_WAITING)) && look_again(end)) continue;
    CHECK(count(0) == 0);
    CHECK(count(EVENTS_WAITING) == 0);
    CHECK(count(SURFACES_MAPPED) == 0);
    CHECK(count(XPC_OBJECTS) == 0);
    CHECK(count(XPC_CONNECTIONS) == 0);
}

#endif
