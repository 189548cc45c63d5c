/* bridge_fork_test.c: a process that was forked, and executes nothing. It does no more than what is tested, because a checker may not bear more. */
#include <dirent.h>
#include <sys/wait.h>

#include "bootstrap/held.h"
#include "bridge_support.h"
#include "program.h"

/* Everything that has descriptors. */
struct everything {
    struct pair pair;
    slb_handle lane, other, memory, bell, surface, region, file, bootstrap;
};

static struct everything make_everything(void) {
    struct everything all = {.pair = pair_open()};
    slb_handle queue = all.pair.inbox->queue;
    all.lane = slb_lane_create(queue, 16);
    all.memory = slb_lane_take_memory(all.lane);
    all.other = slb_lane_open(queue, all.memory);
    all.bell = slb_lane_bell(all.other);
    CHECK(slb_lane_connect(all.lane, all.bell) == 0);
    all.surface = surface_of_one_plane(queue, 64, 64, 4, 0x52474241u);
    CHECK(slb_surface_map(all.surface) != NULL && slb_surface_native(all.surface) != -1);
    all.region = slb_shmem_create(queue, 4096);
    CHECK(slb_shmem_map_read(all.region) != NULL);
    all.file = slb_fd_create(queue, STDIN_FILENO);
#ifdef __linux__
    all.bootstrap = slb_bootstrap_create(queue, 1);
    CHECK(all.bootstrap != 0);
#endif
    CHECK(all.lane && all.memory && all.other && all.bell && all.surface && all.region && all.file);
    return all;
}

static void release_everything(const struct everything *all) {
    const slb_handle handles[] = {all->lane, all->other, all->memory, all->bell, all->surface, all->region, all->file, all->bootstrap};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) CHECK(!handles[i] || slb_release(handles[i]) == 0);
    pair_close(all->pair);
}

static void check_works(struct pair pair) {
    CHECK(slb_connection_send(pair.client, HELLO, sizeof HELLO) == 0);
    check_hello(inbox_next(pair.inbox));
    CHECK(slb_connection_send(pair.peer, HELLO, sizeof HELLO) == 0);
    check_hello(inbox_next(pair.inbox));
}

/* Runs in a forked process, and returns its exit code: 0 or the line that does not hold. */
#define HOLDS(condition)               \
    do {                               \
        if (!(condition)) return __LINE__ % 250 + 1; \
    } while (0)

static int status_of(int (*run)(const struct everything *), const struct everything *all) {
    pid_t child = fork();
    if (child == 0) _exit(run(all));
    int status = wait_for_child(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int use_everything(const struct everything *all) {
    uint64_t counters[SLB_STATS_COUNT];
    uint32_t values[4];
    HOLDS(slb_forked() == 0);
    HOLDS(slb_connection_send(all->pair.client, HELLO, sizeof HELLO) == SLB_E_HANDLE);
    HOLDS(slb_connection_cancel(all->pair.peer) == SLB_E_HANDLE && slb_error_code() == SLB_E_HANDLE);
    HOLDS(slb_release(all->pair.client) == SLB_E_HANDLE && slb_release(all->pair.inbox->queue) == SLB_E_HANDLE);
    HOLDS(slb_mapping_keep(all->surface) == SLB_E_HANDLE && slb_surface_map(all->surface) == NULL);
    HOLDS(slb_lane_publish(all->lane, 1) == SLB_E_HANDLE && slb_lane_map(all->lane) == NULL);
    HOLDS(slb_queue_create() == 0 && slb_error_code() == SLB_E_CLOSED);
    HOLDS(slb_stderr_write((const uint8_t *)"x", 1) == SLB_E_CLOSED);
    HOLDS(slb_process_follow(1, NULL, 0) == SLB_E_CLOSED);
    HOLDS(slb_silent(values) == SLB_E_CLOSED && slb_stats(counters, SLB_STATS_COUNT) == 0);
    HOLDS(slb_forked() == 0);
    return 0;
}

static void test_a_forked_process_cannot_use_what_is_its_parents(void) {
    struct everything all = make_everything();
    CHECK(status_of(use_everything, &all) == 0);
    check_works(all.pair);
    CHECK(status_of(use_everything, &all) == 0); /* as a pool of processes forks again and again */
    check_works(all.pair);
    release_everything(&all);
}

/* A mapping is this process's own: a view that was handed to it stays valid. */
static int read_mappings(const struct everything *all) {
    const volatile uint8_t *pixels = slb_surface_map(all->surface);
    HOLDS(slb_forked() == 0);
    HOLDS(pixels[0] == 7);
    return 0;
}

static void test_mappings_stay(void) {
    struct everything all = make_everything();
    *(uint8_t *)slb_surface_map(all.surface) = 7;
    CHECK(status_of(read_mappings, &all) == 0);
    release_everything(&all);
}

#ifdef __linux__
static int descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = -1; /* its own */
    for (struct dirent *entry; folder && (entry = readdir(folder));) count += entry->d_name[0] != '.';
    if (folder) closedir(folder);
    return count;
}

static int before;

static int count_descriptors(const struct everything *all) {
    (void)all;
    HOLDS(slb_forked() == 0);
    HOLDS(descriptors() == before + 1); /* the bell, which its caller owns */
    return 0;
}

static int hold_everything_back(const struct everything *all) {
    (void)all;
    HOLDS(descriptors() > before + 10);
    return 0;
}

static void test_no_descriptor_stays_open(void) {
    before = descriptors();
    if (held_count() > 0) before -= 3; /* those of XPC's threads, which an earlier test has started */
    struct everything all = make_everything();
    CHECK(status_of(hold_everything_back, &all) == 0); /* so that the next check is one */
    CHECK(status_of(count_descriptors, &all) == 0);
    check_works(all.pair);
    release_everything(&all);
}

/* A mark that stays after the descriptor would make a forked process close what is not the library's. */
static void test_what_is_released_is_not_marked(void) {
    for (int i = 0; i < 3; i++) {
        struct everything all = make_everything();
        CHECK(held_count() > 10);
        release_everything(&all);
        check_nothing_left();
        time_t end = patience_end();
        while (held_count() > 3 && look_again(end)) continue;
        CHECK(held_count() == 3); /* XPC's threads */
    }
}
#endif

static const struct test tests[] = {
    {"a forked process cannot use what is its parent's", test_a_forked_process_cannot_use_what_is_its_parents},
    {"mappings stay", test_mappings_stay},
#ifdef __linux__
    {"no descriptor stays open", test_no_descriptor_stays_open},
    {"what is released is not marked", test_what_is_released_is_not_marked},
#endif
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
