/* bridge_lane_wait_test.c: how the two sides of a lane wait for each other, and a thread without an event loop for its queue. */
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include "lane_support.h"

/* The number of rings that are in a bell. */
static long rings_in(int bell) {
    char rings[4096];
    long all = 0;
    for (ssize_t got; (got = read(bell, rings, sizeof rings)) > 0;) all += got;
    return all;
}

/* ---- announcing and ringing ---- */

static void test_a_publish_rings_once_for_each_announcement(void) {
    struct halves both = halves_open(SLOTS);
    int bell = slb_lane_take_bell(both.client.lane);
    CHECK(slb_lane_publish(both.host.lane, 1) == 1); /* a lane starts as announced */
    CHECK(slb_lane_publish(both.host.lane, 2) == 0);
    CHECK(rings_in(bell) == 1);
    CHECK(slb_lane_wake(both.client.lane) == 0);
    CHECK(slb_lane_sleep(both.client.lane, 2) == 1);
    CHECK(look(&both.host, both.host.out, SLB_LANE_ASLEEP) == 1);
    CHECK(slb_lane_publish(both.host.lane, 2) == 0); /* nothing new */
    CHECK(slb_lane_publish(both.host.lane, 3) == 1);
    CHECK(slb_lane_publish(both.host.lane, 4) == 0);
    CHECK(rings_in(bell) == 1);
    CHECK(slb_lane_sleep(both.client.lane, 3) == 0); /* it has moved */
    CHECK(look(&both.host, both.host.out, SLB_LANE_ASLEEP) == 0);
    CHECK(slb_lane_publish(both.host.lane, 5) == 0);
    CHECK(slb_lane_sleep(both.client.lane, 5) == 1 && slb_lane_wake(both.client.lane) == 0);
    CHECK(slb_lane_publish(both.host.lane, 6) == 0);
    CHECK(rings_in(bell) == 0);
    close(bell);
    halves_close(&both);
}

static void test_a_publish_before_the_bell_is_connected_rings_when_it_is(void) {
    struct halves both = halves_make(SLOTS);
    int bell = slb_lane_take_bell(both.client.lane);
    CHECK(slb_lane_publish(both.host.lane, 1) == 0);
    CHECK(look(&both.client, both.client.in, SLB_LANE_ASLEEP) == 1);
    connect_bell(&both.client, &both.host);
    CHECK(rings_in(bell) == 1 && look(&both.client, both.client.in, SLB_LANE_ASLEEP) == 0);
    connect_bell(&both.host, &both.client);
    int none = slb_lane_take_bell(both.host.lane);
    CHECK(rings_in(none) == 0); /* nothing was published in that direction */
    close(none);
    close(bell);
    halves_close(&both);
}

/* ---- waiting awake ---- */

static void test_a_spin_sees_what_was_published_and_gives_up_otherwise(void) {
    struct halves both = halves_open(SLOTS);
    CHECK(slb_lane_spin(both.client.lane, 0, 0) == 0);
    CHECK(slb_lane_spin(both.client.lane, 0, 100000) == 0);
    CHECK(slb_lane_publish(both.host.lane, 4) == 1);
    CHECK(slb_lane_spin(both.client.lane, 0, 0) == 4);
    CHECK(slb_lane_spin(both.client.lane, 4, UINT32_MAX) == 4); /* the other side is on this core, or the average is not long */
    for (uint32_t core = 0; core < 4; core++) {
        atomic_store(lane_word(both.host.memory, both.host.out + SLB_LANE_CORE), core == 3 ? UINT32_MAX : core);
        CHECK(slb_lane_spin(both.client.lane, 4, 20000) == 4);
    }
    halves_close(&both);
}

static void *publish_when_awake(void *context) {
    const struct halves *both = context;
    while (atomic_load(lane_word(both->host.memory, both->host.out + SLB_LANE_TAIL)) == 0) sched_yield();
    slb_lane_publish(both->host.lane, 1);
    return NULL;
}

static void test_a_spin_ends_when_another_thread_publishes(void) {
    struct halves both = halves_open(SLOTS);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, publish_when_awake, &both) == 0);
    CHECK(slb_lane_consume(both.client.lane, 1) == 0); /* starts it */
    time_t end = patience_end();
    while (slb_lane_spin(both.client.lane, 0, 50000) == 0 && look_again(end)) continue;
    CHECK(slb_lane_spin(both.client.lane, 0, 0) == 1);
    CHECK(pthread_join(thread, NULL) == 0);
    halves_close(&both);
}

/* ---- waiting without an event loop ---- */

static void test_a_wait_returns_what_is_there_already(void) {
    struct halves both = halves_open(SLOTS);
    CHECK(slb_lane_wait(both.client.lane, 0, 0) == SLB_LANE_TIMEOUT);
    CHECK(slb_lane_wait(both.client.lane, 0, 1) == SLB_LANE_TIMEOUT);
    CHECK(look(&both.host, both.host.out, SLB_LANE_ASLEEP) == 0); /* a wait ends awake */
    CHECK(slb_lane_publish(both.host.lane, 1) == 0);
    CHECK(slb_lane_wait(both.client.lane, 0, 0) == SLB_LANE_MOVED);
    CHECK(slb_lane_wait(both.client.lane, 0, UINT32_MAX) == SLB_LANE_MOVED);
    halves_close(&both);
}

static void *publish_after_announcement(void *context) {
    const struct halves *both = context;
    while (look(&both->host, both->host.out, SLB_LANE_ASLEEP) == 0) sched_yield();
    CHECK(slb_lane_publish(both->host.lane, 1) == 1);
    return NULL;
}

static void test_a_wait_is_woken_by_a_publish(void) {
    struct halves both = halves_open(SLOTS);
    CHECK(slb_lane_wake(both.client.lane) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, publish_after_announcement, &both) == 0);
    CHECK(slb_lane_wait(both.client.lane, 0, UINT32_MAX) == SLB_LANE_MOVED);
    CHECK(pthread_join(thread, NULL) == 0);
    halves_close(&both);
}

static void test_rings_of_before_do_not_end_a_wait(void) {
    struct halves both = halves_open(SLOTS);
    for (uint32_t head = 1; head <= SLOTS; head++) {
        CHECK(slb_lane_publish(both.host.lane, head) == 1);
        CHECK(slb_lane_sleep(both.client.lane, head) == 1); /* without a look at the bell */
    }
    CHECK(slb_lane_wait(both.client.lane, SLOTS, 20) == SLB_LANE_TIMEOUT);
    int bell = slb_lane_take_bell(both.client.lane);
    CHECK(rings_in(bell) == 0); /* they were read */
    close(bell);
    halves_close(&both);
}

/* A lane whose queue is that of a connected pair. */
struct served {
    struct pair pair;
    struct half host, client;
};

static struct served served_open(void) {
    struct served served = {.pair = pair_open()};
    slb_handle queue = served.pair.inbox->queue;
    served.host = half_of(served.pair.inbox, slb_lane_create(queue, SLOTS), 0);
    slb_handle memory = slb_lane_take_memory(served.host.lane);
    served.client = half_of(served.pair.inbox, slb_lane_open(queue, memory), 1);
    CHECK(slb_release(memory) == 0);
    connect_bell(&served.client, &served.host);
    return served;
}

static void served_close(struct served *served) {
    CHECK(slb_release(served->host.lane) == 0 && slb_release(served->client.lane) == 0);
    pair_close(served->pair);
}

static void test_a_wait_is_woken_by_an_event_which_the_event_loop_still_hears_of(void) {
    struct served served = served_open();
    struct inbox *inbox = served.pair.inbox;
    for (int round = 0; round < 3; round++) {
        CHECK(slb_connection_send(served.pair.client, HELLO, sizeof HELLO) == 0);
        CHECK(slb_lane_wait(served.client.lane, 0, UINT32_MAX) == SLB_LANE_EVENTS);
        CHECK(slb_lane_wait(served.client.lane, 0, UINT32_MAX) == SLB_LANE_EVENTS); /* it is still there */
        CHECK(is_readable(inbox->bell));
        check_hello(inbox_next(inbox));
        CHECK(slb_lane_wait(served.client.lane, 0, 1) == SLB_LANE_TIMEOUT);
    }
    served_close(&served);
}

static void test_a_wait_that_has_read_an_older_ring_loses_no_event(void) {
    struct served served = served_open();
    struct inbox *inbox = served.pair.inbox;
    CHECK(slb_connection_send(served.pair.client, HELLO, sizeof HELLO) == 0);
    CHECK(slb_lane_wait(served.client.lane, 0, UINT32_MAX) == SLB_LANE_EVENTS);
    CHECK(slb_queue_drain(inbox->queue, inbox->buffer, sizeof inbox->buffer) > 0); /* its ring stays unread */
    CHECK(slb_lane_wait(served.client.lane, 0, 20) == SLB_LANE_TIMEOUT);
    CHECK(rings_in(inbox->bell) == 0);
    CHECK(slb_connection_send(served.pair.client, HELLO, sizeof HELLO) == 0);
    CHECK(is_readable(inbox->bell)); /* the next event rings again */
    check_hello(inbox_next(inbox));
    served_close(&served);
}

static void *send_hello_after_announcement(void *context) {
    const struct served *served = context;
    while (look(&served->host, served->host.out, SLB_LANE_ASLEEP) == 0) sched_yield();
    lapse_ms(20);
    CHECK(slb_connection_send(served->pair.client, HELLO, sizeof HELLO) == 0);
    return NULL;
}

static void test_an_event_during_a_wait_wakes_it_and_the_event_loop_still_hears_of_it(void) {
    struct served served = served_open();
    CHECK(slb_lane_wake(served.client.lane) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, send_hello_after_announcement, &served) == 0);
    CHECK(slb_lane_wait(served.client.lane, 0, UINT32_MAX) == SLB_LANE_EVENTS);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(is_readable(served.pair.inbox->bell));
    check_hello(inbox_next(served.pair.inbox));
    served_close(&served);
}

static void *send_hello_later(void *context) {
    const struct served *served = context;
    lapse_ms(20);
    CHECK(slb_connection_send(served->pair.client, HELLO, sizeof HELLO) == 0);
    return NULL;
}

static void test_a_wait_for_a_queue_ends_with_an_event_which_the_event_loop_still_hears_of(void) {
    struct served served = served_open();
    struct inbox *inbox = served.pair.inbox;
    CHECK(slb_queue_wait(inbox->queue, 0) == 0 && slb_queue_wait(inbox->queue, 1) == 0);
    for (int round = 0; round < 3; round++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, send_hello_later, &served) == 0);
        CHECK(slb_queue_wait(inbox->queue, UINT32_MAX) == 1);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(slb_queue_wait(inbox->queue, 0) == 1); /* it is still there */
        CHECK(is_readable(inbox->bell));
        check_hello(inbox_next(inbox));
        CHECK(slb_queue_wait(inbox->queue, 20) == 0); /* also if an older ring was left */
        CHECK(rings_in(inbox->bell) == 0);
    }
    CHECK(slb_queue_wait(0, 0) == SLB_E_HANDLE && slb_queue_wait(served.host.lane, 0) == SLB_E_HANDLE);
    served_close(&served);
}

static atomic_bool waits_enough;

static void *wait_again_and_again(void *context) {
    const struct inbox *inbox = context;
    while (!atomic_load(&waits_enough)) CHECK(slb_queue_wait(inbox->queue, 1) >= 0);
    return NULL;
}

static void test_another_thread_waits_for_a_queue_and_takes_no_ring_of_an_event(void) {
    struct served served = served_open();
    struct inbox *inbox = served.pair.inbox;
    pthread_t thread;
    atomic_store(&waits_enough, false);
    CHECK(pthread_create(&thread, NULL, wait_again_and_again, inbox) == 0);
    for (int round = 0; round < 1000; round++) {
        CHECK(slb_connection_send(served.pair.client, HELLO, sizeof HELLO) == 0);
        while (slb_queue_drain(inbox->queue, inbox->buffer, sizeof inbox->buffer) == 0) {
            CHECK(is_readable(inbox->bell)); /* waits until it has rung, or been rung again */
            rings_in(inbox->bell);
        }
    }
    atomic_store(&waits_enough, true);
    CHECK(pthread_join(thread, NULL) == 0);
    served_close(&served);
}

/* ---- two processes ---- */

enum { TURNS = 2000 };

/* Reads the slot of this turn, when it comes. */
static bool receive(slb_handle lane, uint32_t turn) {
    return slb_lane_wait(lane, turn, PATIENCE_SECONDS * 1000) == SLB_LANE_MOVED && slb_lane_spin(lane, turn, 0) == turn + 1 &&
           slb_lane_consume(lane, turn + 1) == 0;
}

static void test_two_processes_wake_each_other(void) {
    struct halves both = halves_open(SLOTS);
    fflush(stdout);
    pid_t child = fork();
    uint32_t turn = 0;
    if (child == 0) {
        while (turn < TURNS && receive(both.client.lane, turn) && slb_lane_publish(both.client.lane, turn + 1) >= 0) turn++;
        _exit(turn == TURNS ? 0 : 1);
    }
    while (turn < TURNS && slb_lane_publish(both.host.lane, turn + 1) >= 0 && receive(both.host.lane, turn)) turn++;
    CHECK(turn == TURNS);
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    halves_close(&both);
}

static const struct test tests[] = {
    {"a publish rings once for each announcement", test_a_publish_rings_once_for_each_announcement},
    {"a publish before the bell is connected rings when it is", test_a_publish_before_the_bell_is_connected_rings_when_it_is},
    {"a spin sees what was published, and gives up otherwise", test_a_spin_sees_what_was_published_and_gives_up_otherwise},
    {"a spin ends when another thread publishes", test_a_spin_ends_when_another_thread_publishes},
    {"a wait returns what is there already", test_a_wait_returns_what_is_there_already},
    {"a wait is woken by a publish", test_a_wait_is_woken_by_a_publish},
    {"rings of before do not end a wait", test_rings_of_before_do_not_end_a_wait},
    {"a wait is woken by an event, which the event loop still hears of",
     test_a_wait_is_woken_by_an_event_which_the_event_loop_still_hears_of},
    {"a wait that has read an older ring loses no event", test_a_wait_that_has_read_an_older_ring_loses_no_event},
    {"an event during a wait wakes it, and the event loop still hears of it",
     test_an_event_during_a_wait_wakes_it_and_the_event_loop_still_hears_of_it},
    {"a wait for a queue ends with an event, which the event loop still hears of",
     test_a_wait_for_a_queue_ends_with_an_event_which_the_event_loop_still_hears_of},
    {"another thread waits for a queue, and takes no ring of an event",
     test_another_thread_waits_for_a_queue_and_takes_no_ring_of_an_event},
    {"two processes wake each other", test_two_processes_wake_each_other},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
