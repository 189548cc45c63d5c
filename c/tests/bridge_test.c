/*
 * bridge_test.c: tests the shim through its ABI, with both ends in this process.
 * Each message goes through the kernel nevertheless.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bridge_support.h"
#include "program.h"

/* ---- tests ---- */

static void test_version_and_limits(void) {
    CHECK(slb_abi_version() == SLB_ABI_VERSION);
}

static void test_a_sleep_takes_its_time(void) {
    double before = slb_clock_ms();
    slb_sleep_us(2000);
    CHECK(slb_clock_ms() - before >= 2);
    CHECK(slb_sleep_us(0) == 0);
}

static void test_the_clock_of_timestamps_never_goes_back(void) {
    struct timespec reference;
    uint64_t before = slb_now_ns();
    clock_gettime(CLOCK_MONOTONIC, &reference);
    uint64_t after = slb_now_ns();
    CHECK(before > 0 && before <= after);
#ifndef __APPLE__ /* there the reference goes on while the system sleeps */
    uint64_t between = (uint64_t)reference.tv_sec * 1000000000u + (uint64_t)reference.tv_nsec;
    CHECK(before <= between && between <= after);
#endif
}

static void test_wrong_handles_are_errors(void) {
    uint8_t text[SLB_MAX_TEXT_BYTES];
    const slb_handle wrong[] = {0, 1, 12345, 0xffffffffu};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(slb_release(wrong[i]) == SLB_E_HANDLE);
        CHECK(slb_connection_activate(wrong[i]) == SLB_E_HANDLE);
        CHECK(slb_connection_send(wrong[i], HELLO, sizeof HELLO) == SLB_E_HANDLE);
        CHECK(slb_surface_map(wrong[i]) == NULL);
        CHECK(slb_surface_native(wrong[i]) == SLB_E_HANDLE);
        CHECK(slb_listener_create(wrong[i]) == 0);
        CHECK(slb_error_copy(text, sizeof text) > 0);
    }
    struct inbox *inbox = inbox_open();
    slb_handle surface = surface_of_one_plane(inbox->queue, 4, 4, 4, 0x52474241);
    CHECK(surface != 0);
    CHECK(slb_connection_activate(surface) == SLB_E_HANDLE); /* of another kind */
    CHECK(slb_release(surface) == 0);
    CHECK(slb_release(surface) == SLB_E_HANDLE); /* released before */
    slb_handle next = surface_of_one_plane(inbox->queue, 4, 4, 4, 0x52474241);
    CHECK(next != surface); /* the slot is used again, but with another handle */
    CHECK(slb_surface_map(surface) == NULL);
    CHECK(slb_release(next) == 0);
    inbox_close(inbox);
}

static void test_messages_requests_and_replies(void) {
    struct pair pair = pair_open();
    CHECK(slb_connection_request(pair.client, HELLO, sizeof HELLO, 77) == 0);
    struct record record = inbox_next(pair.inbox);
    CHECK(record.event == SLB_EVENT_MESSAGE && record.subject != 0);
    slb_handle reply = record.subject;
    CHECK(slb_reply_send(reply, HELLO, sizeof HELLO) == 0);
    CHECK(slb_reply_send(reply, HELLO, sizeof HELLO) == SLB_E_HANDLE); /* one answer */
    record = inbox_next(pair.inbox);
    CHECK(record.event == SLB_EVENT_REPLY && record.source == pair.client);
    CHECK(record.subject == 77 && record.detail == 0);
    check_hello(record);
    int32_t who[4];
    CHECK(slb_connection_peer(pair.peer, who) == 0);
    CHECK(who[0] == getpid() && who[1] == (int32_t)geteuid());
    pair_close(pair);
}

static void test_a_pending_request_ends_with_its_peer(void) {
    struct pair pair = pair_open();
    CHECK(slb_connection_request(pair.client, HELLO, sizeof HELLO, 5) == 0);
    struct record record = inbox_next(pair.inbox);
    CHECK(slb_release(record.subject) == 0); /* never answered */
    CHECK(slb_connection_cancel(pair.peer) == 0);
    bool replied = false, ended = false;
    while (!replied || !ended) {
        record = inbox_next(pair.inbox);
        if (record.source != pair.client) continue;
        if (record.event == SLB_EVENT_REPLY) {
            CHECK(!replied && record.subject == 5 && record.detail != 0);
            replied = true;
        } else {
            CHECK(record.event == SLB_EVENT_ERROR && record.detail == SLB_ERROR_INVALID);
            ended = true;
        }
    }
    pair_close(pair);
}

static void test_malformed_bytes_are_refused(void) {
    struct pair pair = pair_open();
    uint8_t bytes[sizeof HELLO + 1];
    for (uint32_t length = 0; length < sizeof HELLO; length++) {
        uint8_t *exact = malloc(length ? length : 1); /* so that ASan sees a read past the end */
        memcpy(exact, HELLO, length);
        CHECK(slb_connection_send(pair.client, exact, length) == SLB_E_ARGUMENT);
        free(exact);
    }
    memcpy(bytes, HELLO, sizeof HELLO);
    CHECK(slb_connection_send(pair.client, bytes, sizeof bytes) == SLB_E_ARGUMENT); /* one byte too many */
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        memcpy(bytes, HELLO, sizeof HELLO);
        for (int flips = 1 + rand_r(&seed) % 3; flips > 0; flips--)
            bytes[(size_t)rand_r(&seed) % sizeof HELLO] = (uint8_t)rand_r(&seed);
        int32_t result = slb_connection_request(pair.client, bytes, sizeof HELLO, 9);
        CHECK(result == 0 || result == SLB_E_ARGUMENT);
        if (result != 0) continue;
        struct record record = inbox_next(pair.inbox);
        CHECK(record.event == SLB_EVENT_MESSAGE);
        CHECK(slb_reply_send(record.subject, HELLO, sizeof HELLO) == 0);
        CHECK(inbox_next(pair.inbox).event == SLB_EVENT_REPLY);
    }
    pair_close(pair);
}

static void test_capabilities_cross(void) {
    struct pair pair = pair_open();
    uint8_t message[32];

    slb_handle surface = surface_of_one_plane(pair.inbox->queue, 67, 13, 4, 0x52474241);
    uint32_t layout[SLB_SURFACE_VALUES], seen[SLB_SURFACE_VALUES];
    CHECK(slb_surface_layout(surface, layout) == 0);
    CHECK(layout[0] == 67 && layout[1] == 13 && layout[2] >= 67 * 4); /* how rows are aligned is the system's choice */
    memset(slb_surface_map(surface), 42, layout[2] * layout[1]);
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    slb_handle other = packed_handle(inbox_next(pair.inbox));
    CHECK(slb_surface_layout(other, seen) == 0);
    CHECK(memcmp(layout, seen, sizeof layout) == 0); /* the same memory: the id is in it */
    uint8_t *pixels = slb_surface_map(other); /* on Linux another address; a Mac maps a surface once in a process */
    for (uint32_t i = 0; i < layout[2] * layout[1]; i++) CHECK(pixels[i] == 42);
    CHECK(slb_release(surface) == 0);
    pixels[0] = 43; /* the receiver's mapping stays */
    CHECK(slb_release(other) == 0);

    slb_handle shmem = slb_shmem_create(pair.inbox->queue, 5000);
    CHECK(shmem != 0);
    memcpy(slb_shmem_map(shmem), "shared", 6);
    CHECK(slb_shmem_bytes(shmem) >= 5000);
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 10, shmem)) == 0);
    other = packed_handle(inbox_next(pair.inbox));
    CHECK(memcmp(slb_shmem_map(other), "shared", 6) == 0);
    CHECK(slb_release(shmem) == 0);
    CHECK(slb_release(other) == 0);

    int ends[2];
    CHECK(pipe(ends) == 0);
    slb_handle fd = slb_fd_create(pair.inbox->queue, ends[1]);
    CHECK(fd != 0);
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 11, fd)) == 0);
    other = packed_handle(inbox_next(pair.inbox));
    int written = slb_fd_dup(other);
    CHECK(written >= 0 && write(written, "x", 1) == 1);
    char byte;
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
    close(written);
    close(ends[0]);
    close(ends[1]);
    CHECK(slb_release(fd) == 0);
    CHECK(slb_release(other) == 0);

    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, pair.client)) == SLB_E_ARGUMENT);
    pair_close(pair);
}

static void test_a_reader_that_is_slow_holds_up_its_peer_not_memory(void) {
    struct pair pair = pair_open();
    enum { MESSAGES = 5000 };
    for (int i = 0; i < MESSAGES; i++) CHECK(slb_connection_send(pair.client, HELLO, sizeof HELLO) == 0);
    time_t end = patience_end();
    while (count(EVENTS_WAITING) < SLB_MAX_PENDING_EVENTS && look_again(end)) continue;
    CHECK(count(EVENTS_WAITING) >= SLB_MAX_PENDING_EVENTS);
    lapse_ms(50); /* the other messages would arrive now, if there were no back-pressure */
    CHECK(count(EVENTS_WAITING) <= SLB_MAX_PENDING_EVENTS + 1);
    for (int i = 0; i < MESSAGES; i++) {
        struct record record = inbox_next(pair.inbox);
        CHECK(record.event == SLB_EVENT_MESSAGE && record.source == pair.peer);
        check_hello(record);
    }
    pair_close(pair);
}

static void test_a_buffer_that_is_too_small(void) {
    struct pair pair = pair_open();
    CHECK(slb_connection_send(pair.client, HELLO, sizeof HELLO) == 0);
    time_t end = patience_end(); /* the bell may still ring for an earlier event */
    while (slb_queue_next_bytes(pair.inbox->queue) == 0 && look_again(end)) continue;
    CHECK(is_readable(pair.inbox->bell));
    uint8_t small[SLB_EVENT_HEADER_BYTES];
    CHECK(slb_queue_drain(pair.inbox->queue, small, sizeof small) == SLB_E_BUFFER);
    CHECK(slb_queue_next_bytes(pair.inbox->queue) == SLB_EVENT_HEADER_BYTES + sizeof HELLO);
    check_hello(inbox_next(pair.inbox));
    CHECK(slb_queue_next_bytes(pair.inbox->queue) == 0);
    pair_close(pair);
}

static void test_a_queue_takes_everything_with_it(void) {
    struct pair pair = pair_open();
    CHECK(surface_of_one_plane(pair.inbox->queue, 64, 64, 4, 0x52474241) != 0);
    CHECK(slb_shmem_create(pair.inbox->queue, 10) != 0);
    for (int i = 0; i < 100; i++) CHECK(slb_connection_request(pair.client, HELLO, sizeof HELLO, 1) == 0);
    inbox_close(pair.inbox); /* requests under way, events waiting, nothing released */
    CHECK(slb_connection_send(pair.client, HELLO, sizeof HELLO) == SLB_E_HANDLE);
}

static void *thread_that_leaves(void *arrived) {
    struct pair pair = pair_open();
    for (int i = 0; i < 50; i++) CHECK(slb_connection_send(pair.client, HELLO, sizeof HELLO) == 0);
    close(pair.inbox->bell);
    free(pair.inbox);
    return arrived;
}

static void test_a_thread_that_ends_takes_its_queue_with_it(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, thread_that_leaves, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void test_closing_in_any_order(void) {
    for (int order = 0; order < 6; order++) {
        struct pair pair = pair_open();
        for (int i = 0; i < 20; i++) CHECK(slb_connection_request(pair.client, HELLO, sizeof HELLO, 1) == 0);
        slb_handle parties[3] = {pair.client, pair.peer, pair.listener};
        static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        for (int i = 0; i < 3; i++) {
            CHECK(slb_connection_cancel(parties[orders[order][i]]) == 0);
            CHECK(slb_connection_cancel(parties[orders[order][i]]) == 0); /* twice */
            CHECK(slb_release(parties[orders[order][i]]) == 0);
        }
        inbox_close(pair.inbox);
        }
}

static void test_never_activated(void) {
    struct inbox *inbox = inbox_open();
    slb_handle listener = slb_listener_create(inbox->queue);
    slb_handle endpoint = slb_endpoint_create(listener);
    slb_handle client = slb_connection_create_endpoint(inbox->queue, endpoint);
    CHECK(slb_connection_send(client, HELLO, sizeof HELLO) == 0);
    CHECK(slb_release(client) == 0);
    CHECK(slb_release(endpoint) == 0);
    CHECK(slb_release(listener) == 0);
    inbox_close(inbox);
}

#ifdef __APPLE__
static void test_a_name_in_use_is_told_by_its_code(void) { IGNORE("Apple's libxpc gives no code"); }
#else
static void test_a_name_in_use_is_told_by_its_code(void) {
    char home[] = "/tmp/slb_XXXXXX", runs[sizeof home + 4];
    CHECK(mkdtemp(home) != NULL);
    setenv("STREAMLIB_HOME", home, 1);
    struct inbox *inbox = inbox_open();
    static const uint8_t name[] = "bridge.test";
    slb_handle listeners[2];
    for (int i = 0; i < 2; i++) {
        listeners[i] = slb_listener_create_service(inbox->queue, name, sizeof name - 1);
        CHECK(slb_connection_activate(listeners[i]) == 0);
    }
    struct record record = inbox_next(inbox);
    CHECK(record.event == SLB_EVENT_ERROR && record.source == listeners[1]);
    CHECK(record.subject == SLB_REASON_IN_USE && record.detail == SLB_ERROR_INVALID);
    CHECK(slb_connection_cancel(listeners[0]) == 0);
    record = inbox_next(inbox);
    CHECK(record.event == SLB_EVENT_ERROR && record.source == listeners[0]);
    CHECK(record.subject == SLB_REASON_UNKNOWN && record.detail == SLB_ERROR_INVALID);
    inbox_close(inbox);
    snprintf(runs, sizeof runs, "%s/run", home);
    CHECK(rmdir(runs) == 0 && rmdir(home) == 0);
    unsetenv("STREAMLIB_HOME");
}
#endif

/* The rows of all planes: their offsets count from the one that is first in memory. */
static void fill_planes(slb_handle surface, uint8_t (*byte)(uint32_t plane, uint32_t y, uint32_t x), bool check) {
    uint32_t values[SLB_SURFACE_VALUES];
    CHECK(slb_surface_layout(surface, values) == 0);
    CHECK(slb_surface_lock(surface, check) == 0);
    uint8_t *pixels = slb_surface_map(surface);
    for (uint32_t plane = 0; plane < values[10]; plane++) {
        const uint32_t *at = values + 12 + 5 * plane;
        for (uint32_t y = 0; y < at[3]; y++) {
            for (uint32_t x = 0; x < at[2]; x++) {
                uint8_t *pixel = pixels + (at[0] - values[12]) + y * at[4] + x;
                if (check) CHECK(*pixel == byte(plane, y, x));
                else *pixel = byte(plane, y, x);
            }
        }
    }
    CHECK(slb_surface_unlock(surface, check) == 0);
}

static uint8_t byte_at(uint32_t plane, uint32_t y, uint32_t x) { return (uint8_t)(1 + 40 * plane + 7 * y + x); }

static void test_planes_cross(void) {
    static const uint32_t sizes[][3][3] = {
        {{33, 17, 1}, {17, 9, 1}, {17, 9, 1}}, {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, {{854, 480, 1}, {427, 240, 1}, {427, 240, 1}}};
    struct pair pair = pair_open();
    uint8_t message[32];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint32_t values[SLB_SURFACE_VALUES], seen[SLB_SURFACE_VALUES];
        slb_handle surface =
            slb_surface_create(pair.inbox->queue, sizes[i][0][0], sizes[i][0][1], 0x79343230, &sizes[i][0][0], 3);
        CHECK(slb_surface_layout(surface, values) == 0);
        CHECK(values[0] == sizes[i][0][0] && values[1] == sizes[i][0][1] && values[3] == 0x79343230);
        CHECK(values[2] == values[16] && values[8] == 0 && values[9] == 0 && values[10] == 3);
        for (uint32_t plane = 0; plane < 3; plane++) {
            const uint32_t *at = values + 12 + 5 * plane;
            CHECK(at[1] == 0 && at[2] == sizes[i][plane][0] && at[3] == sizes[i][plane][1] && at[4] >= at[2]);
            CHECK(at[0] + at[4] * at[3] <= (plane < 2 ? at[5] : values[4])); /* none reaches into the next */
        }
        for (uint32_t unused = 12 + 5 * 3; unused < SLB_SURFACE_VALUES; unused++) CHECK(values[unused] == 0);
        fill_planes(surface, byte_at, false);
        CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
        CHECK(slb_release(surface) == 0);
        slb_handle other = packed_handle(inbox_next(pair.inbox));
        CHECK(slb_surface_layout(other, seen) == 0);
        CHECK(memcmp(values, seen, sizeof values) == 0);
        fill_planes(other, byte_at, true);
        CHECK(slb_release(other) == 0);
    }
    pair_close(pair);
}

static void test_a_surface_has_a_handle_of_the_system(void) {
    struct inbox *inbox = inbox_open();
    slb_handle surface = surface_of_one_plane(inbox->queue, 4, 4, 4, 0x52474241);
    int64_t native = slb_surface_native(surface);
    CHECK(native > 0 && slb_surface_native(surface) == native);
#ifdef __linux__
    uint8_t *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, (int)native, 0);
    CHECK(memory != MAP_FAILED);
    ((uint8_t *)slb_surface_map(surface))[5] = 7;
    CHECK(memory[5] == 7);
    munmap(memory, 4096);
    CHECK(fcntl((int)native, F_GETFD) == FD_CLOEXEC);
#endif
    CHECK(slb_release(surface) == 0);
#ifdef __linux__
    CHECK(fcntl((int)native, F_GETFD) == -1);
#endif
    CHECK(slb_surface_native(surface) == SLB_E_HANDLE);
    inbox_close(inbox);
}

static void test_surface_locks_are_paired(void) {
    struct inbox *inbox = inbox_open();
    slb_handle surface = surface_of_one_plane(inbox->queue, 4, 4, 4, 0x52474241);
    for (uint32_t read_only = 0; read_only < 2; read_only++) {
        CHECK(slb_surface_unlock(surface, read_only) == SLB_E_ARGUMENT);
        CHECK(slb_surface_lock(surface, read_only) == 0);
        CHECK(slb_surface_lock(surface, read_only) == 0);
        CHECK(slb_surface_unlock(surface, !read_only) == SLB_E_ARGUMENT);
        CHECK(slb_surface_unlock(surface, read_only) == 0);
        CHECK(slb_surface_unlock(surface, read_only) == 0);
        CHECK(slb_surface_unlock(surface, read_only) == SLB_E_ARGUMENT);
    }
    CHECK(slb_surface_lock(surface, 0) == 0);
    CHECK(slb_release(surface) == 0);
    CHECK(slb_surface_lock(surface, 0) == SLB_E_HANDLE);
    CHECK(slb_surface_unlock(surface, 0) == SLB_E_HANDLE);
    inbox_close(inbox);
}

static void test_surface_arguments(void) {
    struct inbox *inbox = inbox_open();
    CHECK(surface_of_one_plane(inbox->queue, 0, 1, 4, 1) == 0);
    CHECK(surface_of_one_plane(inbox->queue, 1, 0, 4, 1) == 0);
    CHECK(surface_of_one_plane(inbox->queue, 1, 1, 0, 1) == 0);
    CHECK(surface_of_one_plane(inbox->queue, 32769, 1, 4, 1) == 0);
    CHECK(surface_of_one_plane(inbox->queue, 1, 1, 17, 1) == 0);
    CHECK(surface_of_one_plane(inbox->queue, 32768, 32768, 4, 1) == 0); /* 4 GiB */
    uint32_t planes[15] = {4, 4, 1, 2, 2, 2};
    slb_handle two = slb_surface_create(inbox->queue, 4, 4, 1, planes, 2);
    CHECK(two != 0 && slb_release(two) == 0);
    CHECK(slb_surface_create(inbox->queue, 4, 4, 1, planes, 0) == 0);
    CHECK(slb_surface_create(inbox->queue, 4, 4, 1, planes, 3) == 0); /* the third is empty */
    CHECK(slb_surface_create(inbox->queue, 4, 4, 1, planes, SLB_MAX_PLANES + 1) == 0);
    CHECK(slb_surface_create(inbox->queue, 4, 4, 1, planes, UINT32_MAX) == 0);
    CHECK(slb_surface_create(inbox->queue, 4, 4, 1, NULL, 1) == 0);
    CHECK(slb_surface_create(inbox->queue, 3, 4, 1, planes, 2) == 0); /* a plane is wider than the surface */
    CHECK(slb_surface_create(inbox->queue, 4, 3, 1, planes, 2) == 0);
    planes[5] = 17;
    CHECK(slb_surface_create(inbox->queue, 4, 4, 1, planes, 2) == 0);
    CHECK(slb_surface_create(1234, 4, 4, 1, planes, 1) == 0);
    CHECK(slb_surface_layout(1234, planes) == SLB_E_HANDLE);
    CHECK(slb_shmem_create(inbox->queue, 0) == 0);
    CHECK(slb_shmem_create(inbox->queue, UINT64_MAX) == 0);
    CHECK(slb_fd_create(inbox->queue, -1) == 0);
    inbox_close(inbox);
}

static const struct test tests[] = {
    {"version and limits", test_version_and_limits},
    {"a sleep takes its time", test_a_sleep_takes_its_time},
    {"the clock of timestamps never goes back", test_the_clock_of_timestamps_never_goes_back},
    {"wrong handles are errors", test_wrong_handles_are_errors},
    {"messages requests and replies", test_messages_requests_and_replies},
    {"a pending request ends with its peer", test_a_pending_request_ends_with_its_peer},
    {"malformed bytes are refused", test_malformed_bytes_are_refused},
    {"capabilities cross", test_capabilities_cross},
    {"a reader that is slow holds up its peer not memory", test_a_reader_that_is_slow_holds_up_its_peer_not_memory},
    {"a buffer that is too small", test_a_buffer_that_is_too_small},
    {"a queue takes everything with it", test_a_queue_takes_everything_with_it},
    {"a thread that ends takes its queue with it", test_a_thread_that_ends_takes_its_queue_with_it},
    {"closing in any order", test_closing_in_any_order},
    {"never activated", test_never_activated},
    {"a name in use is told by its code", test_a_name_in_use_is_told_by_its_code},
    {"planes cross", test_planes_cross},
    {"a surface has a handle of the system", test_a_surface_has_a_handle_of_the_system},
    {"surface locks are paired", test_surface_locks_are_paired},
    {"surface arguments", test_surface_arguments},
};

int main(int argc, char **argv) {
    return RUN_TESTS(tests, check_nothing_left, argc, argv);
}
