/*
 * iosurface_memory_test.c: memory of a kind that only macOS has: surfaces that prohibit uses or begin at an
 * offset, and large regions of which only the first part is shared. For these, xpc_shmem_map is replaced by
 * one that maps no more than that.
 */
#include "iosurface_support.h"

#define WRAP(name) __typeof__(name) __real_##name, __wrap_##name
WRAP(xpc_shmem_map);

static size_t most;

size_t __wrap_xpc_shmem_map(xpc_object_t shmem, void **mapping) {
    size_t mapped = __real_xpc_shmem_map(shmem, mapping);
    if (mapped <= most) return mapped;
    munmap((char *)*mapping + most, mapped - most);
    return most;
}

static void test_a_region_that_is_shared_in_part_is_refused(void) {
    struct inbox *inbox = inbox_open();
    char text[SLB_MAX_TEXT_BYTES + 1] = {0};
    most = SLB_SHARED_WHOLE_BYTES;
    CHECK(slb_shmem_create(inbox->queue, SLB_SHARED_WHOLE_BYTES + 1) == 0);
    CHECK(slb_error_code() == SLB_E_SYSTEM);
    slb_error_copy((uint8_t *)text, SLB_MAX_TEXT_BYTES);
    CHECK(strstr(text, "the system shares only 134217728 of them; use regions of at most 134217728") != NULL);
    slb_handle whole = slb_shmem_create(inbox->queue, SLB_SHARED_WHOLE_BYTES);
    CHECK(whole != 0 && slb_shmem_map(whole) != NULL && slb_shmem_bytes(whole) == SLB_SHARED_WHOLE_BYTES);
    most = SIZE_MAX;
    slb_handle large = slb_shmem_create(inbox->queue, SLB_SHARED_WHOLE_BYTES + 1);
    CHECK(large != 0);
    CHECK(slb_release(whole) == 0 && slb_release(large) == 0);
    inbox_close(inbox);
}

static uint32_t id_of(slb_handle surface) {
    uint32_t layout[SLB_SURFACE_VALUES];
    CHECK(slb_surface_layout(surface, layout) == 0);
    return layout[6];
}

static void test_a_surface_that_prohibits_uses_is_not_counted(void) {
    struct pair pair = pair_open();
    uint8_t message[32];
    slb_handle surface = surface_of_one_plane(pair.inbox->queue, 67, 13, 4, 0x42475241u);
    control()->geometry(id_of(surface))->prohibits_uses = true;
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    slb_handle other = packed_handle(inbox_next(pair.inbox));
    CHECK(slb_surface_lock(other, 1) == 0 && slb_surface_map(other) != NULL);
    CHECK(slb_surface_unlock(other, 1) == 0);
    CHECK(slb_release(other) == 0);
    CHECK(slb_release(surface) == 0);
    pair_close(pair);
}

/* The base address is shifted by the offset, so the pixels end that much later in the memory. */
static void test_an_offset_counts(void) {
    struct pair pair = pair_open();
    uint8_t message[32];
    slb_handle surface = surface_of_one_plane(pair.inbox->queue, 67, 13, 4, 0x42475241u);
    struct iosurface_geometry *geometry = control()->geometry(id_of(surface));
    size_t spare = geometry->alloc_size - geometry->bytes_per_row * geometry->height;
    CHECK(spare > 0);
    geometry->offset = spare;
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    slb_handle other = packed_handle(inbox_next(pair.inbox));
    CHECK(slb_surface_lock(other, 0) == 0);
    memset(slb_surface_map(other), 1, geometry->bytes_per_row * geometry->height);
    CHECK(slb_surface_unlock(other, 0) == 0);
    CHECK(slb_release(other) == 0);
    geometry->offset = spare + 1;
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    CHECK(inbox_next(pair.inbox).event == SLB_EVENT_MALFORMED);
    char text[SLB_MAX_TEXT_BYTES + 1] = {0};
    slb_error_copy((uint8_t *)text, SLB_MAX_TEXT_BYTES);
    CHECK(strstr(text, "from byte") != NULL);
    CHECK(slb_release(surface) == 0);
    pair_close(pair);
}

static const struct test tests[] = {
    {"a surface that prohibits uses is not counted", test_a_surface_that_prohibits_uses_is_not_counted},
    {"an offset counts", test_an_offset_counts},
    {"a region that is shared in part is refused", test_a_region_that_is_shared_in_part_is_refused},
};

int main(int argc, char **argv) {
    find_double();
    return RUN_TESTS(tests, check_rules_kept, argc, argv);
}
