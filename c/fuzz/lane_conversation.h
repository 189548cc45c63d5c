/*
 * lane_conversation.h - one side of a lane, and a hostile other side that does what a script says: it writes any number
 * and any bytes into the memory, rings, and shuts the bell down.
 *
 * After each call of our side its result is checked, and the whole memory: only the numbers that the call is to write
 * may have changed. There is one thread and no waiting, so a script always does the same.
 */
#ifndef FUZZ_LANE_CONVERSATION_H
#define FUZZ_LANE_CONVERSATION_H

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lane_word.h"
#include "must.h"
#include "script.h"
#include "streamlib_bridge.h"
#include "streamlib_lane.h"

/* A bell holds this many rings on every system. */
enum { LANE_STEPS = 400, SURE_RINGS = 32 };

struct conversation {
    slb_handle queue, region, lane;
    uint8_t *memory; /* the hostile side's mapping */
    uint8_t *expected;
    size_t bytes;
    uint32_t out, in; /* where the headers of our direction, and of the other one, start */
    uint32_t slots, head, tail;
    bool is_connected, is_shut;
    int hears;      /* gets our rings */
    int gives;      /* its other end, for our side */
    int rings;      /* rings our side */
    uint32_t heard; /* our rings that were not read yet */
};

static inline uint32_t seen_at(const struct conversation *it, size_t at) { return atomic_load(lane_word(it->memory, at)); }

static inline uint32_t next_word(struct script *script) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value = value << 8 | next_byte(script);
    return value;
}

/* A number in which those near the edges are likely. */
static inline uint32_t next_number(const struct conversation *it, struct script *script) {
    uint8_t kind = next_byte(script);
    const uint32_t likely[] = {0,        1,       UINT32_MAX,    1u << 31,          SLB_LANE_MAGIC, it->slots, it->slots + 1,
                               it->head, it->tail, it->head + 1, it->tail + it->slots};
    size_t count = sizeof likely / sizeof *likely;
    return kind < count ? likely[kind] : kind < 128 ? kind : next_word(script);
}

/* ---- the hostile side ---- */

static inline void hostile_word(const struct conversation *it, struct script *script) {
    static const uint32_t fields[] = {SLB_LANE_HEAD, SLB_LANE_TAIL, SLB_LANE_ASLEEP, SLB_LANE_CORE};
    uint8_t which = next_byte(script);
    size_t at = which & 8 ? (which & 3u) * 4 : (which & 4 ? it->out : it->in) + fields[which & 3];
    atomic_store(lane_word(it->memory, at), next_number(it, script));
}

static inline void hostile_bytes(const struct conversation *it, struct script *script) {
    size_t at = next_word(script) % it->bytes;
    for (int count = next_byte(script) % 16; count >= 0 && at < it->bytes; count--) it->memory[at++] = next_byte(script);
}

static inline void hostile_rings(const struct conversation *it, struct script *script) {
    for (int count = next_byte(script); count >= 0; count--) send(it->rings, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static inline void hostile_shuts(struct conversation *it) {
    it->is_shut = true;
    shutdown(it->rings, SHUT_WR);
}

/* The end that our side rings shares its flags with this one. */
static inline void hostile_blocks(const struct conversation *it) {
    fcntl(it->gives, F_SETFL, fcntl(it->gives, F_GETFL) & ~O_NONBLOCK);
}

static inline void hostile_listens(struct conversation *it) {
    char rings[4096];
    ssize_t got = recv(it->hears, rings, sizeof rings, MSG_DONTWAIT);
    uint32_t count = got > 0 ? (uint32_t)got : 0;
    MUST(count <= it->heard && (count == it->heard || it->heard > SURE_RINGS));
    it->heard = 0;
}

/* ---- our side ---- */

static inline void expect(const struct conversation *it, size_t at, uint32_t value) {
    atomic_store(lane_word(it->expected, at), value);
}

/* What a ring does: the other side is rung if it has announced sleep, and only then. */
static inline bool expect_ring(struct conversation *it) {
    if (!it->is_connected || seen_at(it, it->out + SLB_LANE_ASLEEP) == 0) return false;
    expect(it, it->out + SLB_LANE_ASLEEP, 0);
    it->heard++;
    return true;
}

static inline void our_publish(struct conversation *it, struct script *script) {
    uint8_t step = next_byte(script);
    uint32_t head = it->head + (step < 2 * it->slots ? step : next_word(script)), further = head - it->head;
    bool moves = further > 0 && further <= it->slots, rings = moves && expect_ring(it);
    if (moves) expect(it, it->out + SLB_LANE_HEAD, it->head = head);
    MUST(slb_lane_publish(it->lane, head) == (further > it->slots ? SLB_E_ARGUMENT : rings));
    if (moves) expect(it, it->out + SLB_LANE_CORE, seen_at(it, it->out + SLB_LANE_CORE)); /* whichever it is */
}

static inline void our_consume(struct conversation *it, struct script *script) {
    uint8_t step = next_byte(script);
    uint32_t tail = it->tail + (step < 2 * it->slots ? step : next_word(script)), further = tail - it->tail;
    if (further <= it->slots) expect(it, it->in + SLB_LANE_TAIL, it->tail = tail);
    MUST(slb_lane_consume(it->lane, tail) == (further > it->slots ? SLB_E_ARGUMENT : 0));
}

/* A head that our side may have seen: mostly the one that is there. */
static inline uint32_t next_seen(const struct conversation *it, struct script *script) {
    return next_byte(script) % 4 ? seen_at(it, it->in + SLB_LANE_HEAD) : next_number(it, script);
}

static inline void our_spin(const struct conversation *it, struct script *script) {
    uint32_t seen = next_seen(it, script), most_ns = next_byte(script) * 8u;
    MUST(slb_lane_spin(it->lane, seen, most_ns) == seen_at(it, it->in + SLB_LANE_HEAD));
}

static inline void our_sleep(const struct conversation *it, struct script *script) {
    uint32_t seen = next_seen(it, script);
    bool stays = seen_at(it, it->in + SLB_LANE_HEAD) == seen;
    expect(it, it->in + SLB_LANE_ASLEEP, stays);
    MUST(slb_lane_sleep(it->lane, seen) == stays);
}

static inline void our_wake(const struct conversation *it) {
    expect(it, it->in + SLB_LANE_ASLEEP, 0);
    MUST(slb_lane_wake(it->lane) == 0);
}

static inline void our_wait(const struct conversation *it, struct script *script) {
    uint32_t seen = next_seen(it, script);
    bool has_moved = seen_at(it, it->in + SLB_LANE_HEAD) != seen;
    expect(it, it->in + SLB_LANE_ASLEEP, 0);
    MUST(slb_lane_wait(it->lane, seen, 0) == (has_moved ? SLB_LANE_MOVED : it->is_shut ? SLB_LANE_SHUT : SLB_LANE_TIMEOUT));
}

static inline void our_connect(struct conversation *it) {
    slb_handle fd = slb_fd_create(it->queue, it->gives);
    int32_t result = it->is_connected ? SLB_E_CLOSED : 0;
    it->is_connected = true;
    if (result == 0 && it->head != 0) expect_ring(it);
    MUST(fd != 0 && slb_lane_connect(it->lane, fd) == result && slb_release(fd) == 0);
}

static inline void our_look(const struct conversation *it) {
    MUST(slb_lane_slots(it->lane) == it->slots && slb_lane_bytes(it->lane) == SLB_LANE_BYTES(it->slots));
    MUST(slb_lane_map(it->lane) != NULL && slb_lane_take_memory(it->lane) == 0);
}

/* ---- life ---- */

static inline uint32_t slots_of(uint8_t how) { return (uint32_t)SLB_LANE_MIN_SLOTS << (how / 16 % 4); }

/* Whether our side opens memory with these numbers. */
static inline bool is_lane(const struct conversation *it, size_t bytes) {
    uint32_t slots = seen_at(it, SLB_LANE_AT_SLOTS);
    bool can_be = slots >= SLB_LANE_MIN_SLOTS && slots <= SLB_LANE_MAX_SLOTS && (slots & (slots - 1)) == 0;
    return can_be && seen_at(it, SLB_LANE_AT_MAGIC) == SLB_LANE_MAGIC && seen_at(it, SLB_LANE_AT_VERSION) == SLB_LANE_VERSION &&
           seen_at(it, SLB_LANE_AT_SLOT_BYTES) == SLB_LANE_SLOT_BYTES && bytes >= SLB_LANE_BYTES(slots) &&
           bytes - SLB_LANE_BYTES(slots) < 65536;
}

/* Our side opens memory of the hostile one. False: it must not. */
static inline bool begin_opened(struct conversation *it, struct script *script, uint8_t how) {
    const uint32_t numbers[] = {SLB_LANE_MAGIC, SLB_LANE_VERSION, slots_of(how), SLB_LANE_SLOT_BYTES};
    size_t needed = SLB_LANE_BYTES(numbers[2]), bytes = needed;
    if (how & 8) bytes = how & 64 ? next_word(script) % 200000 + 1 : needed / 2 + next_word(script) % needed;
    it->region = slb_shmem_create(it->queue, bytes);
    it->memory = slb_shmem_map(it->region);
    MUST(it->memory);
    it->bytes = (size_t)slb_shmem_bytes(it->region);
    for (size_t i = 0; i < 4; i++) atomic_store(lane_word(it->memory, 4 * i), numbers[i]);
    if (how & 4) atomic_store(lane_word(it->memory, next_byte(script) % 4u * 4), next_number(it, script));
    it->lane = slb_lane_open(it->queue, it->region);
    MUST((it->lane != 0) == is_lane(it, it->bytes));
    it->slots = seen_at(it, SLB_LANE_AT_SLOTS);
    return it->lane != 0;
}

static inline bool begin_made(struct conversation *it, uint8_t how) {
    it->slots = slots_of(how);
    it->lane = slb_lane_create(it->queue, it->slots);
    it->region = slb_lane_take_memory(it->lane);
    it->memory = slb_shmem_map(it->region);
    MUST(it->memory);
    it->bytes = (size_t)slb_shmem_bytes(it->region);
    return true;
}

static inline void begin_bells(struct conversation *it) {
    int ends[2];
    slb_handle own = slb_lane_bell(it->lane);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    it->hears = ends[0];
    it->gives = ends[1];
    it->rings = slb_fd_dup(own);
    MUST(it->rings >= 0 && slb_release(own) == 0);
}

static inline void one_step(struct conversation *it, struct script *script) {
    uint8_t step = next_byte(script);
    if (step % 16 < 4) hostile_word(it, script);
    else if (step % 16 == 4) hostile_bytes(it, script);
    else if (step % 16 == 5) hostile_listens(it);
    else if (step == 6) hostile_shuts(it);
    else if (step == 22) hostile_blocks(it);
    else if (step % 16 == 6) hostile_rings(it, script);
    if (step % 16 <= 6) return;
    memcpy(it->expected, it->memory, it->bytes);
    switch (step % 16) {
    case 7: our_connect(it); break;
    case 8: our_consume(it, script); break;
    case 9: our_spin(it, script); break;
    case 10: our_sleep(it, script); break;
    case 11: our_wake(it); break;
    case 12: our_wait(it, script); break;
    case 13: our_look(it); break;
    default: our_publish(it, script); break;
    }
    MUST(memcmp(it->expected, it->memory, it->bytes) == 0);
}

/* Plays the script. Leaves nothing behind. */
static inline void lane_conversation(const uint8_t *data, size_t size) {
    struct script script = {data, data + size};
    struct conversation it = {.queue = slb_queue_create()};
    uint8_t how = next_byte(&script);
    uint32_t own = how & 1;
    it.out = SLB_LANE_HEADERS + SLB_LANE_HEADER_BYTES * own;
    it.in = SLB_LANE_HEADERS + SLB_LANE_HEADER_BYTES * (1 - own);
    if (own ? begin_opened(&it, &script, how) : begin_made(&it, how)) {
        begin_bells(&it);
        it.expected = malloc(it.bytes);
        MUST(it.expected);
        for (int i = 0; i < LANE_STEPS && script_left(&script); i++) one_step(&it, &script);
        free(it.expected);
        close(it.hears);
        close(it.gives);
        close(it.rings);
        MUST(slb_release(it.lane) == 0);
    }
    MUST(slb_release(it.region) == 0 && slb_release(it.queue) == 0);
}

#endif
