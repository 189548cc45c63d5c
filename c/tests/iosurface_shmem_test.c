/*
 * iosurface_shmem_test.c: shared memory where the system shares only the first part of a large region, as
 * macOS may. xpc_shmem_map is replaced by one that maps no more than that.
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

static const struct test tests[] = {
    {"a region that is shared in part is refused", test_a_region_that_is_shared_in_part_is_refused},
};

int main(int argc, char **argv) {
    find_double();
    return RUN_TESTS(tests, check_rules_kept, argc, argv);
}
