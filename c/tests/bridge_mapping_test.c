/* bridge_mapping_test.c: how long an address that the shim has given out is valid. */
#include <errno.h>
#include <pthread.h>

#include "bridge_support.h"

#define RGBA 0x52474241u

static uint8_t *surface_at(slb_handle queue, slb_handle *handle) {
    *handle = surface_of_one_plane(queue, 64, 64, 4, RGBA);
    uint8_t *pixels = slb_surface_map(*handle);
    CHECK(pixels != NULL);
    pixels[0] = 7;
    return pixels;
}

static uint8_t *region_at(slb_handle queue, slb_handle *handle, uint64_t bytes) {
    *handle = slb_shmem_create(queue, bytes);
    uint8_t *start = slb_shmem_map(*handle);
    CHECK(start != NULL);
    start[0] = 8;
    return start;
}

static void check_usable(volatile uint8_t *memory, uint8_t first) {
    CHECK(memory[0] == first);
    memory[1] = 9;
    CHECK(memory[1] == 9);
}

static void test_a_release_unmaps_and_keeps_nothing(void) {
    struct inbox *inbox = inbox_open();
    uint64_t before = count(MAPPINGS_KEPT), bytes = count(MAPPING_BYTES_KEPT);
    slb_handle surface, region;
    surface_at(inbox->queue, &surface);
    region_at(inbox->queue, &region, 4096);
    CHECK(slb_release(surface) == 0 && slb_release(region) == 0);
    CHECK(count(MAPPINGS_KEPT) == before && count(MAPPING_BYTES_KEPT) == bytes);
    inbox_close(inbox);
}

static void test_mappings_outlive_a_queue_that_is_released(void) {
    struct inbox *inbox = inbox_open();
    uint64_t before = count(MAPPINGS_KEPT), bytes = count(MAPPING_BYTES_KEPT);
    slb_handle surface, region, unmapped;
    uint8_t *pixels = surface_at(inbox->queue, &surface), *start = region_at(inbox->queue, &region, 4096);
    unmapped = slb_shmem_create(inbox->queue, 4096);
    CHECK(unmapped != 0);
    inbox_close(inbox);
    CHECK(slb_surface_map(surface) == NULL && slb_shmem_map(region) == NULL); /* the handles are gone */
    check_usable(pixels, 7);
    check_usable(start, 8);
    CHECK(count(MAPPINGS_KEPT) == before + 2);
    CHECK(count(MAPPING_BYTES_KEPT) > bytes);
    CHECK(count(SURFACES_MAPPED) == 0); /* of surfaces that have a handle */
}

struct seen {
    uint8_t *pixels, *start;
};

static void *thread_that_maps(void *context) {
    struct seen *seen = context;
    slb_handle queue = slb_queue_create(), handle;
    close(slb_queue_take_bell(queue));
    seen->pixels = surface_at(queue, &handle);
    seen->start = region_at(queue, &handle, 4096);
    return NULL;
}

static void test_mappings_outlive_the_thread_of_their_queue(void) {
    struct seen seen;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, thread_that_maps, &seen) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    check_usable(seen.pixels, 7);
    check_usable(seen.start, 8);
}

static void test_a_mapping_is_kept_on_request(void) {
    struct inbox *inbox = inbox_open();
    uint64_t before = count(MAPPINGS_KEPT);
    slb_handle surface, region;
    uint8_t *pixels = surface_at(inbox->queue, &surface), *start = region_at(inbox->queue, &region, 4096);
    CHECK(slb_mapping_keep(surface) == 0 && slb_mapping_keep(region) == 0);
    CHECK(slb_release(surface) == 0 && slb_release(region) == 0);
    check_usable(pixels, 7);
    check_usable(start, 8);
    CHECK(count(MAPPINGS_KEPT) == before + 2);
    slb_handle next;
    CHECK(surface_at(inbox->queue, &next) != pixels); /* the address is never used for another one */
    CHECK(slb_release(next) == 0);
    CHECK(slb_mapping_keep(surface) == SLB_E_HANDLE); /* released before */
    CHECK(slb_mapping_keep(inbox->queue) == SLB_E_HANDLE);
    inbox_close(inbox);
}

/* The mapping of one that was received, of which the sender's end is gone. */
static void test_a_received_mapping_outlives_its_sender_and_its_queue(void) {
    struct pair pair = pair_open();
    slb_handle surface;
    uint8_t message[64];
    uint8_t *sent = surface_at(pair.inbox->queue, &surface);
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    slb_handle received = packed_handle(inbox_next(pair.inbox));
    uint8_t *pixels = slb_surface_map(received);
    CHECK(pixels != NULL && pixels != sent);
    CHECK(slb_release(surface) == 0);
    pair_close(pair);
    check_usable(pixels, 7);
}

/* Writing there would be SIGSEGV, so a system call is asked to write: it fails with EFAULT. */
static bool is_writable(void *address) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    bool put = write(ends[1], "\7", 1) == 1;
    bool written = put && read(ends[0], address, 1) == 1;
    CHECK(written || errno == EFAULT);
    close(ends[0]);
    close(ends[1]);
    return written;
}

static void test_a_read_only_map_is_beside_the_other(void) {
    struct inbox *inbox = inbox_open();
    slb_handle surface, region;
    uint8_t *pixels = surface_at(inbox->queue, &surface), *start = region_at(inbox->queue, &region, 4096);
    volatile uint8_t *seen_pixels = slb_surface_map_read(surface), *seen = slb_shmem_map_read(region);
    CHECK(seen_pixels && seen && seen != start);
    CHECK(slb_surface_map_read(surface) == seen_pixels && slb_shmem_map_read(region) == seen);
    CHECK(slb_surface_map(surface) == pixels && slb_shmem_map(region) == start);
    CHECK(seen_pixels[0] == 7 && seen[0] == 8);
    pixels[0] = start[0] = 9;
    CHECK(seen_pixels[0] == 9 && seen[0] == 9);
    CHECK(!is_writable((void *)seen) && is_writable(start));
#ifdef __linux__
    CHECK(seen_pixels != pixels && !is_writable((void *)seen_pixels)); /* on macOS a surface has one mapping */
#endif
    CHECK(slb_shmem_bytes(region) >= 4096);
    CHECK(count(SURFACES_MAPPED) == 1);
    CHECK(slb_release(surface) == 0 && slb_release(region) == 0);
    CHECK(count(SURFACES_MAPPED) == 0);
    inbox_close(inbox);
}

static void test_a_read_only_map_alone_is_kept_too(void) {
    struct inbox *inbox = inbox_open();
    uint64_t before = count(MAPPINGS_KEPT);
    slb_handle region = slb_shmem_create(inbox->queue, 4096);
    volatile uint8_t *seen = slb_shmem_map_read(region);
    CHECK(seen && slb_shmem_bytes(region) >= 4096);
    inbox_close(inbox);
    CHECK(seen[0] == 0 && !is_writable((void *)seen));
    CHECK(count(MAPPINGS_KEPT) == before + 1);
}

/* What a peer has sent, and changes meanwhile. */
static void test_a_received_map_can_be_read_only(void) {
    struct pair pair = pair_open();
    slb_handle surface;
    uint8_t message[64];
    uint8_t *sent = surface_at(pair.inbox->queue, &surface);
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    slb_handle received = packed_handle(inbox_next(pair.inbox));
    volatile uint8_t *pixels = slb_surface_map_read(received);
    CHECK(pixels && pixels != sent && pixels[0] == 7);
    sent[0] = 8;
    CHECK(pixels[0] == 8);
    CHECK(slb_release(surface) == 0 && slb_release(received) == 0);
    pair_close(pair);
}

static void test_what_is_kept_is_bounded_and_its_address_stays_valid(void) {
    enum { REGIONS = 6 };
    const uint64_t bytes = 64 << 20;
    struct inbox *inbox = inbox_open();
    uint64_t before = count(MAPPINGS_KEPT);
    uint8_t *start[REGIONS];
    for (int i = 0; i < REGIONS; i++) {
        slb_handle region;
        start[i] = region_at(inbox->queue, &region, bytes);
        start[i][bytes - 1] = 8;
        CHECK(slb_mapping_keep(region) == 0 && slb_release(region) == 0);
        CHECK(count(MAPPING_BYTES_KEPT) <= SLB_MAX_KEPT_BYTES);
    }
    CHECK(count(MAPPINGS_KEPT) == before + REGIONS);
    for (int i = 0; i < REGIONS; i++) {
        uint8_t content = (uint64_t)(REGIONS - i) * bytes <= SLB_MAX_KEPT_BYTES ? 8 : 0;
        check_usable(start[i], content);
        CHECK(start[i][bytes - 1] == content);
    }
    inbox_close(inbox);
}

static void test_many_small_mappings_are_kept_only_up_to_their_number(void) {
    struct inbox *inbox = inbox_open();
    uint8_t *first = NULL, *last = NULL;
    for (int i = 0; i <= SLB_MAX_KEPT_MAPPINGS; i++) {
        slb_handle region;
        last = region_at(inbox->queue, &region, 4096);
        if (!first) first = last;
        CHECK(slb_mapping_keep(region) == 0 && slb_release(region) == 0);
    }
    check_usable(first, 0);
    check_usable(last, 8);
    inbox_close(inbox);
}

static void test_sizes_beyond_the_limit_are_refused(void) {
    struct inbox *inbox = inbox_open();
    static const uint64_t wrong[] = {0, SLB_MAX_MEMORY_BYTES + 1, 1ull << 32, UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(slb_shmem_create(inbox->queue, wrong[i]) == 0);
        CHECK(slb_error_code() == SLB_E_ARGUMENT);
    }
    slb_handle largest = slb_shmem_create(inbox->queue, SLB_MAX_MEMORY_BYTES);
    CHECK(largest != 0 && slb_shmem_map(largest) != NULL);
    CHECK(slb_release(largest) == 0);
    inbox_close(inbox);
}

static const struct test tests[] = {
    {"a release unmaps, and keeps nothing", test_a_release_unmaps_and_keeps_nothing},
    {"mappings outlive a queue that is released", test_mappings_outlive_a_queue_that_is_released},
    {"mappings outlive the thread of their queue", test_mappings_outlive_the_thread_of_their_queue},
    {"a mapping is kept on request", test_a_mapping_is_kept_on_request},
    {"a received mapping outlives its sender and its queue", test_a_received_mapping_outlives_its_sender_and_its_queue},
    {"a read-only map is beside the other", test_a_read_only_map_is_beside_the_other},
    {"a read-only map alone is kept too", test_a_read_only_map_alone_is_kept_too},
    {"a received map can be read-only", test_a_received_map_can_be_read_only},
    {"what is kept is bounded, and its address stays valid", test_what_is_kept_is_bounded_and_its_address_stays_valid},
    {"many small mappings are kept only up to their number", test_many_small_mappings_are_kept_only_up_to_their_number},
    {"sizes beyond the limit are refused", test_sizes_beyond_the_limit_are_refused},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
