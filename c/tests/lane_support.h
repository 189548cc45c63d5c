/*
 * lane_support.h: both halves of a lane in one process, as the tests of lanes need them. Each half has a mapping of its
 * own, a queue of its own, and the other's bell.
 */
#ifndef LANE_SUPPORT_H
#define LANE_SUPPORT_H

#include <sys/socket.h>

#include "bridge_support.h"
#include "lane_word.h"
#include "streamlib_lane.h"

enum { SLOTS = 16 };

struct half {
    struct inbox *inbox;
    slb_handle lane;
    uint8_t *memory;
    uint32_t out, in; /* where the headers of the direction that it writes, and of the other one, start */
};

struct halves {
    struct half host, client;
};

static inline uint32_t header_of(uint32_t direction) { return SLB_LANE_HEADERS + SLB_LANE_HEADER_BYTES * direction; }

static inline uint32_t look(const struct half *half, uint32_t header, uint32_t field) {
    return atomic_load(lane_word(half->memory, header + field));
}

static inline struct half half_of(struct inbox *inbox, slb_handle lane, uint32_t direction) {
    CHECK(lane != 0);
    uint8_t *memory = slb_lane_map(lane);
    CHECK(memory != NULL);
    return (struct half){inbox, lane, memory, header_of(direction), header_of(1 - direction)};
}

/* Gives the bell of one half to the other. */
static inline void connect_bell(const struct half *from, const struct half *to) {
    slb_handle bell = slb_lane_bell(from->lane);
    CHECK(bell != 0);
    CHECK(slb_lane_connect(to->lane, bell) == 0);
    CHECK(slb_release(bell) == 0);
}

/* Both halves, whose bells are not connected. */
static inline struct halves halves_make(uint32_t slots) {
    struct halves both;
    struct inbox *host = inbox_open(), *client = inbox_open();
    both.host = half_of(host, slb_lane_create(host->queue, slots), 0);
    slb_handle memory = slb_lane_take_memory(both.host.lane);
    CHECK(memory != 0);
    both.client = half_of(client, slb_lane_open(client->queue, memory), 1);
    CHECK(slb_release(memory) == 0);
    return both;
}

static inline struct halves halves_open(uint32_t slots) {
    struct halves both = halves_make(slots);
    connect_bell(&both.host, &both.client);
    connect_bell(&both.client, &both.host);
    return both;
}

static inline void half_close(struct half *half) {
    CHECK(slb_release(half->lane) == 0);
    inbox_close(half->inbox);
}

static inline void halves_close(struct halves *both) {
    half_close(&both->host);
    half_close(&both->client);
}

/* Makes a lane as a peer may send it: the layout, with these values in it. */
static inline slb_handle crafted(slb_handle queue, uint64_t bytes, uint32_t magic, uint32_t version, uint32_t slots,
                                 uint32_t slot_bytes) {
    slb_handle region = slb_shmem_create(queue, bytes);
    uint8_t *memory = slb_shmem_map(region);
    CHECK(memory != NULL);
    const uint32_t values[] = {magic, version, slots, slot_bytes};
    for (size_t i = 0; i < 4; i++) atomic_store(lane_word(memory, 4 * i), values[i]);
    return region;
}

#endif
