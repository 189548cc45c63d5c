/* bridge_lane_litmus_test.c: announcing sleep and publishing at the same time, on two processors. */
#include <pthread.h>
#include <sched.h>

#include "lane_support.h"
#include "program.h"

/*
 * Each round, one thread publishes and the other announces sleep, at the same time. Either the publisher sees the
 * announcement and rings, or the sleeper sees the publish and stays awake. Compiled with -DPLAIN_STORES, both use the
 * memory without sequential consistency instead, as JavaScript does with plain stores: then some 4 to 12 % are lost, on x86 too.
 */
enum { LONGEST_PAUSE = 20000, SOME_LOOKS = 20000, ROUNDS = 100000, ROUNDS_IN_TURNS = 1000 };

/* Keeps this thread on one of the processors that it may use, the first or the last. Two busy threads may else share one. */
static void stay_on(bool last) {
#ifdef __linux__
    cpu_set_t allowed, one;
    CPU_ZERO(&one);
    CHECK(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    size_t chosen = CPU_SETSIZE;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && (last || chosen == CPU_SETSIZE)) chosen = cpu;
    }
    CPU_SET(chosen, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
#else
    (void)last;
#endif
}

struct litmus {
    struct halves both;
    _Atomic uint32_t go, done;
    uint32_t rounds, lost;
    int32_t rang;
};

#ifdef PLAIN_STORES
static int32_t show(const struct litmus *litmus, uint32_t head) {
    atomic_store_explicit(lane_word(litmus->both.host.memory, litmus->both.host.out + SLB_LANE_HEAD), head, memory_order_relaxed);
    return atomic_load_explicit(lane_word(litmus->both.host.memory, litmus->both.host.out + SLB_LANE_ASLEEP), memory_order_relaxed) == 1;
}
static int32_t announce_sleep(const struct litmus *litmus, uint32_t seen) {
    uint8_t *memory = litmus->both.client.memory;
    atomic_store_explicit(lane_word(memory, litmus->both.client.in + SLB_LANE_ASLEEP), 1, memory_order_relaxed);
    return atomic_load_explicit(lane_word(memory, litmus->both.client.in + SLB_LANE_HEAD), memory_order_relaxed) == seen;
}
#else
static int32_t show(const struct litmus *litmus, uint32_t head) { return slb_lane_publish(litmus->both.host.lane, head); }
static int32_t announce_sleep(const struct litmus *litmus, uint32_t seen) { return slb_lane_sleep(litmus->both.client.lane, seen); }
#endif

static void *publish_at_the_same_time(void *context) {
    struct litmus *litmus = context;
    stay_on(true);
    for (uint32_t round = 1; round <= litmus->rounds; round++) {
        for (int looks = 0; atomic_load(&litmus->go) != round; looks++) {
            if (looks > SOME_LOOKS) sched_yield();
        }
        litmus->rang = show(litmus, round);
        atomic_store(&litmus->done, round);
    }
    return NULL;
}

static void *sleep_at_the_same_time(void *context) {
    struct litmus *litmus = context;
    uint32_t pause = 0;
    stay_on(false);
    for (uint32_t round = 1; round <= litmus->rounds; round++) {
        slb_lane_wake(litmus->both.client.lane);
        atomic_store(&litmus->go, round);
        for (volatile uint32_t i = 0; i < pause; i++) continue;
        bool asleep = announce_sleep(litmus, round - 1) == 1;
        for (int looks = 0; atomic_load(&litmus->done) != round; looks++) {
            if (looks > SOME_LOOKS) sched_yield();
        }
        if (asleep && litmus->rang != 1) litmus->lost++;
        /* Whoever was first is later in the next round, so that they meet. */
        uint32_t step = 1 + round % 7;
        if (litmus->rang == 1) pause = pause < LONGEST_PAUSE ? pause + step : 0;
        else pause = pause > step ? pause - step : 0;
    }
    return NULL;
}

static void test_no_ring_is_lost_when_both_sides_move_at_the_same_time(void) {
    /* Valgrind runs one thread at a time: there the sides never meet, and only the memory is checked. */
    struct litmus litmus = {.both = halves_make(SLOTS), .rounds = under_valgrind() ? ROUNDS_IN_TURNS : ROUNDS};
    connect_bell(&litmus.both.client, &litmus.both.host); /* nobody reads it: once it is full, a ring takes no time */
    pthread_t publisher, sleeper;
    CHECK(pthread_create(&publisher, NULL, publish_at_the_same_time, &litmus) == 0);
    CHECK(pthread_create(&sleeper, NULL, sleep_at_the_same_time, &litmus) == 0);
    CHECK(pthread_join(publisher, NULL) == 0 && pthread_join(sleeper, NULL) == 0);
    CHECK(litmus.lost == 0);
    if (litmus.lost) fprintf(stderr, "%u of %u rings were lost\n", litmus.lost, litmus.rounds);
    halves_close(&litmus.both);
}

static const struct test tests[] = {
    {"no ring is lost when both sides move at the same time", test_no_ring_is_lost_when_both_sides_move_at_the_same_time},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
