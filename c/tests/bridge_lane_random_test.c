/*
 * bridge_lane_random_test.c: random conversations of a hostile side of a lane with ours. Each has a seed, and a failure
 * names it. Where two threads take part, only what each of them does is the same in every run.
 */
#include <pthread.h>
#include <sched.h>

#include "fuzz/lane_conversation.h"
#include "lane_support.h"

static uint32_t random_word(unsigned *seed) { return (uint32_t)rand_r(seed) << 16 ^ (uint32_t)rand_r(seed); }

/* ---- one thread ---- */

static volatile unsigned conversation;

/* Says which conversation has ended this program. */
static void name_conversation(int signal) {
    char text[40];
    (void)signal;
    int length = snprintf(text, sizeof text, "in conversation %u\n", conversation);
    if (write(STDERR_FILENO, text, (size_t)length) < 0) _exit(2);
}

static void test_a_call_does_what_it_says_whatever_the_other_side_has_written(void) {
    enum { CONVERSATIONS = 500, LENGTH = 1200 };
    uint8_t script[LENGTH];
    void (*before)(int) = signal(SIGABRT, name_conversation);
    for (conversation = 1; conversation <= CONVERSATIONS; conversation++) {
        unsigned seed = conversation * 2654435761u; /* neighbours would begin alike */
        for (int i = 0; i < LENGTH; i++) script[i] = (uint8_t)(rand_r(&seed) >> 8);
        lane_conversation(script, LENGTH);
    }
    signal(SIGABRT, before);
}

/* ---- two threads ---- */

static const uint32_t fields[] = {SLB_LANE_HEAD, SLB_LANE_TAIL, SLB_LANE_ASLEEP, SLB_LANE_CORE};

/* The other side: its mapping of the memory, and our bell. */
struct hostile {
    uint8_t *memory;
    size_t bytes;
    int bell; /* -1: it rings none */
    unsigned seed;
    atomic_bool enough;
};

static uint32_t garbage(unsigned *seed) {
    static const uint32_t likely[] = {0, 1, SLOTS, SLOTS + 1, UINT32_MAX, 1u << 31};
    uint32_t which = random_word(seed) % 16;
    return which < 6 ? likely[which] : random_word(seed);
}

/* Writes every number of both directions, again and again, and any other word of the memory now and then. */
static void *write_garbage(void *context) {
    struct hostile *hostile = context;
    unsigned *seed = &hostile->seed;
    for (uint32_t round = 0; !atomic_load(&hostile->enough); round++) {
        for (uint32_t i = 0; i < 8; i++) {
            atomic_store(lane_word(hostile->memory, header_of(i / 4) + fields[i % 4]), garbage(seed));
        }
        atomic_store(lane_word(hostile->memory, random_word(seed) % (hostile->bytes / 4) * 4), garbage(seed));
        if (hostile->bell >= 0 && round % 8 == 0) send(hostile->bell, "ringring", 1 + random_word(seed) % 8, MSG_DONTWAIT);
        if (round % 4 == 0) sched_yield();
    }
    return NULL;
}

/* One call of our side, with arguments that its contract allows. */
static void one_call(const struct half *ours, unsigned *seed, uint32_t *head, uint32_t *tail) {
    uint32_t seen = random_word(seed) % 2 ? look(ours, ours->in, SLB_LANE_HEAD) : garbage(seed);
    int32_t result;
    switch (random_word(seed) % 6) {
    case 0:
        *head += random_word(seed) % (SLOTS + 1);
        result = slb_lane_publish(ours->lane, *head);
        CHECK(result == 0 || result == 1);
        break;
    case 1:
        *tail += random_word(seed) % (SLOTS + 1);
        CHECK(slb_lane_consume(ours->lane, *tail) == 0);
        break;
    case 2: slb_lane_spin(ours->lane, seen, random_word(seed) % 20000); break;
    case 3:
        result = slb_lane_sleep(ours->lane, seen);
        CHECK(result == 0 || result == 1);
        break;
    case 4: CHECK(slb_lane_wake(ours->lane) == 0); break;
    default:
        result = slb_lane_wait(ours->lane, seen, random_word(seed) % 2);
        CHECK(result == SLB_LANE_TIMEOUT || result == SLB_LANE_MOVED || result == SLB_LANE_FLOOD);
        break;
    }
    CHECK(slb_lane_slots(ours->lane) == SLOTS && slb_lane_bytes(ours->lane) == SLB_LANE_BYTES(SLOTS));
}

/* Plays one of the two sides, while the other one writes. */
static void play(bool is_host, unsigned seed) {
    enum { CALLS = 2000 };
    struct halves both = halves_open(SLOTS);
    struct half *ours = is_host ? &both.host : &both.client, *other = is_host ? &both.client : &both.host;
    slb_handle bell = slb_lane_bell(ours->lane);
    struct hostile hostile = {other->memory, SLB_LANE_BYTES(SLOTS), slb_fd_dup(bell), seed, false};
    CHECK(hostile.bell >= 0 && slb_release(bell) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, write_garbage, &hostile) == 0);
    uint32_t head = 0, tail = 0;
    for (int call = 0; call < CALLS; call++) one_call(ours, &seed, &head, &tail);
    atomic_store(&hostile.enough, true);
    CHECK(pthread_join(thread, NULL) == 0);
    close(hostile.bell);
    /* What it has written had no effect on what our side has of its own. */
    CHECK(slb_lane_publish(ours->lane, head + 1) >= 0 && look(ours, ours->out, SLB_LANE_HEAD) == head + 1);
    CHECK(slb_lane_consume(ours->lane, tail + 1) == 0 && look(ours, ours->in, SLB_LANE_TAIL) == tail + 1);
    halves_close(&both);
}

static void test_a_side_goes_on_while_the_other_one_writes_into_every_number(void) {
    for (unsigned seed = 1; seed <= 3; seed++) {
        play(true, seed);
        play(false, seed);
    }
}

static void *change_layout(void *context) {
    static const uint32_t right[] = {SLB_LANE_MAGIC, SLB_LANE_VERSION, SLOTS, SLB_LANE_SLOT_BYTES};
    struct hostile *hostile = context;
    while (!atomic_load(&hostile->enough)) {
        uint32_t which = random_word(&hostile->seed) % 4, slots = 1u << random_word(&hostile->seed) % 14;
        atomic_store(lane_word(hostile->memory, 4 * which), which == 2 ? slots : garbage(&hostile->seed));
        sched_yield();
        for (size_t i = 0; i < 4; i++) atomic_store(lane_word(hostile->memory, 4 * i), right[i]);
    }
    return NULL;
}

static void test_a_lane_that_changes_while_it_is_opened_is_refused_or_within_its_memory(void) {
    enum { OPENED = 400 };
    struct inbox *inbox = inbox_open();
    slb_handle region = crafted(inbox->queue, SLB_LANE_BYTES(512), SLB_LANE_MAGIC, SLB_LANE_VERSION, SLOTS, SLB_LANE_SLOT_BYTES);
    struct hostile hostile = {slb_shmem_map(region), SLB_LANE_BYTES(512), -1, 1, false};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, change_layout, &hostile) == 0);
    for (int i = 0; i < OPENED; i++) {
        slb_handle lane = slb_lane_open(inbox->queue, region);
        if (!lane) {
            CHECK(slb_error_code() == SLB_E_ARGUMENT);
            continue;
        }
        uint32_t slots = slb_lane_slots(lane);
        CHECK(slots >= SLB_LANE_MIN_SLOTS && slots <= 512 && (slots & (slots - 1)) == 0);
        CHECK(slb_lane_bytes(lane) == SLB_LANE_BYTES(slots));
        CHECK(slb_lane_publish(lane, slots) == 0 && slb_lane_publish(lane, 2 * slots + 1) == SLB_E_ARGUMENT);
        CHECK(slb_release(lane) == 0);
    }
    atomic_store(&hostile.enough, true);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(slb_release(region) == 0);
    inbox_close(inbox);
}

static const struct test tests[] = {
    {"a call does what it says, whatever the other side has written",
     test_a_call_does_what_it_says_whatever_the_other_side_has_written},
    {"a side goes on while the other one writes into every number",
     test_a_side_goes_on_while_the_other_one_writes_into_every_number},
    {"a lane that changes while it is opened is refused, or within its memory",
     test_a_lane_that_changes_while_it_is_opened_is_refused_or_within_its_memory},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
