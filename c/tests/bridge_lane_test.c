/* bridge_lane_test.c: the memory of lanes, their counters, and how long they live. */
#include <pthread.h>

#include "lane_support.h"

/* ---- making and opening ---- */

static void test_a_new_lane_is_what_the_header_says(void) {
    struct halves both = halves_open(256);
    const struct half *seen_by[] = {&both.host, &both.client};
    for (int i = 0; i < 2; i++) {
        uint8_t *memory = seen_by[i]->memory;
        CHECK(memcmp(memory, "SLN1", 4) == 0);
        CHECK(get32(memory + SLB_LANE_AT_MAGIC) == SLB_LANE_MAGIC);
        CHECK(get32(memory + SLB_LANE_AT_VERSION) == SLB_LANE_VERSION);
        CHECK(get32(memory + SLB_LANE_AT_SLOTS) == 256);
        CHECK(get32(memory + SLB_LANE_AT_SLOT_BYTES) == 64);
        CHECK(slb_lane_slots(seen_by[i]->lane) == 256);
        CHECK(slb_lane_bytes(seen_by[i]->lane) == 4096 + 2 * 64 * 256);
        for (uint32_t direction = 0; direction < 2; direction++) {
            CHECK(look(seen_by[i], header_of(direction), SLB_LANE_HEAD) == 0);
            CHECK(look(seen_by[i], header_of(direction), SLB_LANE_TAIL) == 0);
            CHECK(look(seen_by[i], header_of(direction), SLB_LANE_ASLEEP) == 1);
            CHECK(look(seen_by[i], header_of(direction), SLB_LANE_CORE) == 0);
        }
    }
    CHECK(both.host.memory != both.client.memory);
    both.host.memory[SLB_LANE_SLOTS + 64 * 256 + 5] = 77;
    CHECK(both.client.memory[SLB_LANE_SLOTS + 64 * 256 + 5] == 77);
    halves_close(&both);
}

static void test_every_number_of_slots_that_is_no_power_of_two_in_the_range_is_refused(void) {
    struct inbox *inbox = inbox_open();
    static const uint32_t wrong[] = {0, 1, 8, 15, 17, 24, 255, 4095, 4097, 8192, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(slb_lane_create(inbox->queue, wrong[i]) == 0 && slb_error_code() == SLB_E_ARGUMENT);
        slb_handle memory = crafted(inbox->queue, SLB_LANE_BYTES(4096), SLB_LANE_MAGIC, SLB_LANE_VERSION, wrong[i], 64);
        CHECK(slb_lane_open(inbox->queue, memory) == 0 && slb_error_code() == SLB_E_ARGUMENT);
        CHECK(slb_release(memory) == 0);
    }
    for (uint32_t slots = SLB_LANE_MIN_SLOTS; slots <= SLB_LANE_MAX_SLOTS; slots *= 2) {
        struct halves both = halves_make(slots);
        CHECK(slb_lane_slots(both.client.lane) == slots);
        halves_close(&both);
    }
    inbox_close(inbox);
}

static void test_memory_that_is_no_lane_is_refused_by_name(void) {
    struct inbox *inbox = inbox_open();
    static const struct {
        uint64_t bytes;
        uint32_t magic, version, slots, slot_bytes;
        const char *says;
    } wrong[] = {
        {1, SLB_LANE_MAGIC, 1, 16, 64, "has 4096 bytes"}, /* where a page is not larger */
        {4096, SLB_LANE_MAGIC, 1, 16, 64, "has 4096 bytes, and 6144 are needed"},
        {32768, SLB_LANE_MAGIC, 1, 4096, 64, "has 32768 bytes, and 528384 are needed"},
        {1u << 20, SLB_LANE_MAGIC, 1, 16, 64, "has 1048576 bytes, and 6144 are needed"},
        {8192, 0, 1, 16, 64, "starts with 0x00000000"},
        {8192, SLB_LANE_MAGIC, 2, 16, 64, "of version 2"},
        {8192, SLB_LANE_MAGIC, 0, 16, 64, "of version 0"},
        {8192, SLB_LANE_MAGIC, 1, 16, 0, "slots of 0 bytes"},
        {8192, SLB_LANE_MAGIC, 1, 16, 128, "slots of 128 bytes"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char says[SLB_MAX_TEXT_BYTES + 1];
        slb_handle memory =
            crafted(inbox->queue, wrong[i].bytes, wrong[i].magic, wrong[i].version, wrong[i].slots, wrong[i].slot_bytes);
        CHECK(slb_lane_open(inbox->queue, memory) == 0 && slb_error_code() == SLB_E_ARGUMENT);
        says[slb_error_copy((uint8_t *)says, SLB_MAX_TEXT_BYTES)] = 0;
        if (!strstr(says, wrong[i].says) && sysconf(_SC_PAGESIZE) == 4096) CHECK_TEXT(says, wrong[i].says);
        CHECK(slb_release(memory) == 0);
    }
    CHECK(slb_lane_open(inbox->queue, inbox->queue) == 0 && slb_error_code() == SLB_E_HANDLE);
    inbox_close(inbox);
}

static void test_a_peer_that_changes_the_layout_later_changes_nothing(void) {
    struct halves both = halves_open(SLOTS);
    for (size_t i = 0; i < 4; i++) atomic_store(lane_word(both.client.memory, 4 * i), UINT32_MAX);
    CHECK(slb_lane_slots(both.host.lane) == SLOTS && slb_lane_slots(both.client.lane) == SLOTS);
    CHECK(slb_lane_bytes(both.host.lane) == SLB_LANE_BYTES(SLOTS));
    CHECK(slb_lane_publish(both.host.lane, SLOTS + 1) == SLB_E_ARGUMENT);
    CHECK(slb_lane_publish(both.host.lane, SLOTS) == 1);
    halves_close(&both);
}

static void test_a_lane_over_xpc_is_the_same_memory(void) {
    struct pair pair = pair_open();
    slb_handle lane = slb_lane_create(pair.inbox->queue, SLOTS), memory = slb_lane_take_memory(lane);
    uint8_t message[64];
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 10, memory)) == 0);
    slb_handle received = packed_handle(inbox_next(pair.inbox));
    slb_handle other = slb_lane_open(pair.inbox->queue, received);
    CHECK(other != 0);
    slb_handle bell = slb_lane_bell(other);
    CHECK(slb_connection_send(pair.peer, message, pack_capability(message, 11, bell)) == 0);
    slb_handle received_bell = packed_handle(inbox_next(pair.inbox));
    CHECK(slb_lane_connect(lane, received_bell) == 0);
    CHECK(slb_lane_publish(lane, 3) == 1);
    CHECK(slb_lane_wait(other, 0, 0) == SLB_LANE_MOVED);
    CHECK(slb_lane_spin(other, 0, 0) == 3);
    const slb_handle mine[] = {lane, memory, received, other, bell, received_bell};
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) CHECK(slb_release(mine[i]) == 0);
    pair_close(pair);
}

/* ---- counters ---- */

static void test_what_is_published_and_consumed_is_seen_by_the_other_side(void) {
    struct halves both = halves_open(SLOTS);
    CHECK(slb_lane_publish(both.host.lane, 5) == 1);
    CHECK(look(&both.client, both.client.in, SLB_LANE_HEAD) == 5);
    CHECK(look(&both.client, both.client.in, SLB_LANE_ASLEEP) == 0);
    CHECK(look(&both.client, both.client.in, SLB_LANE_CORE) > 0);
    CHECK(look(&both.client, both.client.out, SLB_LANE_HEAD) == 0);
    CHECK(slb_lane_consume(both.client.lane, 5) == 0);
    CHECK(look(&both.host, both.host.out, SLB_LANE_TAIL) == 5);
    CHECK(slb_lane_publish(both.client.lane, 1) == 1);
    CHECK(look(&both.host, both.host.in, SLB_LANE_HEAD) == 1);
    halves_close(&both);
}

static void test_counters_go_all_the_way_round(void) {
    struct halves both = halves_open(4096);
    uint32_t at = 0;
    do {
        at += 4096;
        if (slb_lane_publish(both.host.lane, at) < 0 || slb_lane_consume(both.client.lane, at) != 0) break;
    } while (at != 0);
    CHECK(at == 0);
    CHECK(slb_lane_publish(both.host.lane, 7) == 0 && look(&both.client, both.client.in, SLB_LANE_HEAD) == 7);
    halves_close(&both);
}

static void test_a_counter_is_never_more_than_a_ring_further(void) {
    struct halves both = halves_open(SLOTS);
    static const uint32_t wrong[] = {SLOTS + 1, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(slb_lane_publish(both.host.lane, wrong[i]) == SLB_E_ARGUMENT);
        CHECK(slb_lane_consume(both.host.lane, wrong[i]) == SLB_E_ARGUMENT);
    }
    CHECK(look(&both.client, both.client.in, SLB_LANE_HEAD) == 0);
    CHECK(look(&both.client, both.client.out, SLB_LANE_TAIL) == 0);
    CHECK(slb_lane_publish(both.host.lane, SLOTS) == 1);
    CHECK(slb_lane_publish(both.host.lane, SLOTS - 1) == SLB_E_ARGUMENT); /* nor back */
    halves_close(&both);
}

/* ---- handles ---- */

static void check_is_no_lane(slb_handle handle) {
    CHECK(slb_lane_slots(handle) == 0 && slb_error_code() == SLB_E_HANDLE);
    CHECK(slb_lane_map(handle) == NULL && slb_lane_bytes(handle) == 0);
    CHECK(slb_lane_take_memory(handle) == 0 && slb_error_code() == SLB_E_HANDLE);
    CHECK(slb_lane_bell(handle) == 0 && slb_error_code() == SLB_E_HANDLE);
    CHECK(slb_lane_connect(handle, 0) == SLB_E_HANDLE && slb_lane_take_bell(handle) == SLB_E_HANDLE);
    CHECK(slb_lane_publish(handle, 1) == SLB_E_HANDLE && slb_lane_consume(handle, 1) == SLB_E_HANDLE);
    CHECK(slb_lane_spin(handle, 12345, 1000) == 12345);
    CHECK(slb_lane_sleep(handle, 0) == SLB_E_HANDLE && slb_lane_wake(handle) == SLB_E_HANDLE);
    CHECK(slb_lane_wait(handle, 0, 1000) == SLB_E_HANDLE);
}

static void test_handles_that_name_no_lane_are_refused_everywhere(void) {
    struct halves both = halves_make(SLOTS);
    slb_handle region = slb_shmem_create(both.host.inbox->queue, 4096);
    check_is_no_lane(0);
    check_is_no_lane(UINT32_MAX);
    check_is_no_lane(both.host.lane + 1000); /* an index that was never used */
    check_is_no_lane(region);
    check_is_no_lane(both.host.inbox->queue);
    CHECK(slb_lane_connect(both.host.lane, region) == SLB_E_HANDLE);
    CHECK(slb_lane_connect(both.host.lane, 0) == SLB_E_HANDLE);
    CHECK(slb_lane_create(region, SLOTS) == 0 && slb_error_code() == SLB_E_HANDLE);
    CHECK(slb_lane_open(region, region) == 0 && slb_error_code() == SLB_E_HANDLE);
    CHECK(slb_release(region) == 0);
    halves_close(&both);
}

static void test_the_handle_of_a_released_lane_is_refused_also_when_its_memory_is_used_again(void) {
    enum { ROUNDS = 600 }; /* more than a leaf of the table has */
    struct inbox *inbox = inbox_open();
    slb_handle stale[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        stale[i] = slb_lane_create(inbox->queue, SLOTS);
        CHECK(stale[i] != 0 && slb_lane_publish(stale[i], 1) == 0);
        CHECK(slb_release(stale[i]) == 0);
        CHECK(slb_lane_publish(stale[i], 2) == SLB_E_HANDLE);
    }
    slb_handle live = slb_lane_create(inbox->queue, SLOTS);
    for (int i = 0; i < ROUNDS; i += 37) check_is_no_lane(stale[i]);
    CHECK(slb_lane_spin(live, 5, 0) == 0 && slb_lane_publish(live, 1) == 0);
    CHECK(slb_release(live) == 0);
    inbox_close(inbox);
}

static void test_many_lanes_live_at_once(void) {
    enum { LANES = 150 };
    struct inbox *inbox = inbox_open();
    slb_handle lanes[LANES];
    for (uint32_t i = 0; i < LANES; i++) {
        lanes[i] = slb_lane_create(inbox->queue, SLOTS);
        CHECK(lanes[i] != 0 && slb_lane_publish(lanes[i], 1 + i % SLOTS) == 0);
    }
    CHECK(count(SLB_KIND_LANE) == LANES);
    for (uint32_t i = 0; i < LANES; i++) CHECK(get32((uint8_t *)slb_lane_map(lanes[i]) + header_of(0)) == 1 + i % SLOTS);
    inbox_close(inbox); /* which releases them */
    CHECK(count(SLB_KIND_LANE) == 0);
    for (uint32_t i = 0; i < LANES; i++) CHECK(slb_lane_publish(lanes[i], 0) == SLB_E_HANDLE);
}

static void test_memory_and_bell_are_taken_once(void) {
    struct halves both = halves_open(SLOTS);
    CHECK(slb_lane_take_memory(both.host.lane) == 0 && slb_error_code() == SLB_E_CLOSED);
    CHECK(slb_lane_take_memory(both.client.lane) == 0 && slb_error_code() == SLB_E_CLOSED);
    int bell = slb_lane_take_bell(both.host.lane);
    CHECK(bell >= 0);
    CHECK(slb_lane_take_bell(both.host.lane) == SLB_E_CLOSED);
    close(bell);
    slb_handle own = slb_lane_bell(both.host.lane);
    CHECK(slb_lane_connect(both.client.lane, own) == SLB_E_CLOSED); /* it has one */
    CHECK(slb_release(own) == 0);
    halves_close(&both);
}

/* ---- life ---- */

static int next_descriptor(void) {
    int lowest = dup(0);
    close(lowest);
    return lowest;
}

static void test_a_release_gives_everything_back(void) {
    uint64_t kept = count(MAPPINGS_KEPT);
    struct halves warm = halves_open(SLOTS);
    halves_close(&warm);
    int before = next_descriptor();
    for (int i = 0; i < 20; i++) {
        struct halves both = halves_open(SLOTS);
        int bell = slb_lane_take_bell(both.host.lane);
        slb_lane_publish(both.host.lane, 1);
        halves_close(&both);
        close(bell);
    }
    CHECK(next_descriptor() == before);
    CHECK(count(MAPPINGS_KEPT) == kept);
}

static void test_each_half_outlives_the_other(void) {
    struct halves both = halves_open(SLOTS);
    half_close(&both.host);
    CHECK(slb_lane_publish(both.client.lane, 1) == 1); /* rings a bell that nobody reads: no SIGPIPE */
    CHECK(slb_lane_wait(both.client.lane, 0, 1) == SLB_LANE_TIMEOUT); /* and its own bell has not ended */
    half_close(&both.client);
}

static void *make_lane_and_end(void *context) {
    struct half *half = context;
    slb_handle queue = slb_queue_create();
    half->lane = slb_lane_create(queue, SLOTS);
    half->memory = slb_lane_map(half->lane);
    return NULL;
}

static void test_the_memory_outlives_the_thread_of_its_queue(void) {
    uint64_t kept = count(MAPPINGS_KEPT);
    struct half half = {0};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, make_lane_and_end, &half) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(slb_lane_publish(half.lane, 1) == SLB_E_HANDLE);
    CHECK(get32(half.memory) == SLB_LANE_MAGIC);
    half.memory[SLB_LANE_SLOTS] = 9;
    CHECK(half.memory[SLB_LANE_SLOTS] == 9 && count(MAPPINGS_KEPT) == kept + 1);
}

static void test_the_memory_is_kept_on_request(void) {
    uint64_t kept = count(MAPPINGS_KEPT);
    struct halves both = halves_open(SLOTS);
    uint8_t *memory = both.host.memory;
    CHECK(slb_mapping_keep(both.host.lane) == 0);
    halves_close(&both);
    CHECK(get32(memory) == SLB_LANE_MAGIC && count(MAPPINGS_KEPT) == kept + 1);
}

static const struct test tests[] = {
    {"a new lane is what the header says", test_a_new_lane_is_what_the_header_says},
    {"every number of slots that is no power of two in the range is refused",
     test_every_number_of_slots_that_is_no_power_of_two_in_the_range_is_refused},
    {"memory that is no lane is refused by name", test_memory_that_is_no_lane_is_refused_by_name},
    {"a peer that changes the layout later changes nothing", test_a_peer_that_changes_the_layout_later_changes_nothing},
    {"a lane over XPC is the same memory", test_a_lane_over_xpc_is_the_same_memory},
    {"what is published and consumed is seen by the other side",
     test_what_is_published_and_consumed_is_seen_by_the_other_side},
    {"counters go all the way round", test_counters_go_all_the_way_round},
    {"a counter is never more than a ring further", test_a_counter_is_never_more_than_a_ring_further},
    {"handles that name no lane are refused everywhere", test_handles_that_name_no_lane_are_refused_everywhere},
    {"the handle of a released lane is refused, also when its memory is used again",
     test_the_handle_of_a_released_lane_is_refused_also_when_its_memory_is_used_again},
    {"many lanes live at once", test_many_lanes_live_at_once},
    {"memory and bell are taken once", test_memory_and_bell_are_taken_once},
    {"a release gives everything back", test_a_release_gives_everything_back},
    {"each half outlives the other", test_each_half_outlives_the_other},
    {"the memory outlives the thread of its queue", test_the_memory_outlives_the_thread_of_its_queue},
    {"the memory is kept on request", test_the_memory_is_kept_on_request},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
