/* bridge_lane_bell_test.c: bells of hostile peers: nothing that a peer does with one can block, signal or write elsewhere. */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/un.h>

#include "lane_support.h"

/* ---- bells that this side rings ---- */

/* Connects a lane to this descriptor, which it closes. Returns the result. */
static int32_t connect_to(slb_handle queue, slb_handle lane, int descriptor) {
    CHECK(descriptor >= 0);
    slb_handle fd = slb_fd_create(queue, descriptor);
    CHECK(fd != 0);
    close(descriptor);
    int32_t result = slb_lane_connect(lane, fd);
    CHECK(slb_release(fd) == 0);
    return result;
}

static int one_of_pair(int type, int *other) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, type, 0, ends) == 0);
    if (other) *other = ends[1];
    else close(ends[1]);
    return ends[0];
}

/* A connection to a Unix socket with a name, and the other end of it. */
static int connected_by_name(int *accepted) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/named", getenv("SCRATCH"));
    unlink(address.sun_path);
    int listening = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(listening, (struct sockaddr *)&address, sizeof address) == 0 && listen(listening, 1) == 0);
    CHECK(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    *accepted = accept(listening, NULL, NULL);
    close(listening);
    unlink(address.sun_path);
    return client;
}

static int listening_internet_socket(void) {
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    if (listening >= 0) listen(listening, 1);
    return listening;
}

static void test_a_descriptor_that_is_no_bell_is_refused(void) {
    struct halves both = halves_make(SLOTS);
    char path[200];
    snprintf(path, sizeof path, "%s/no-bell", getenv("SCRATCH"));
    int pipe_ends[2], accepted;
    CHECK(pipe(pipe_ends) == 0);
    int named = connected_by_name(&accepted);
    const int wrong[] = {
        open(path, O_RDWR | O_CREAT | O_TRUNC, 0600),
        open("/dev/null", O_RDWR),
        pipe_ends[0],
        pipe_ends[1],
        one_of_pair(SOCK_DGRAM, NULL),
        socket(AF_UNIX, SOCK_STREAM, 0),
        named,
        accepted,
        listening_internet_socket(),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (wrong[i] < 0 && i == sizeof wrong / sizeof *wrong - 1) continue; /* no internet sockets here */
        int32_t result = connect_to(both.host.inbox->queue, both.host.lane, wrong[i]);
        if (result != SLB_E_ARGUMENT) fprintf(stderr, "descriptor %zu: %d\n", i, result);
        CHECK(result == SLB_E_ARGUMENT);
    }
    CHECK(slb_lane_publish(both.host.lane, 1) == 0);
    FILE *file = fopen(path, "r");
    CHECK(file && fgetc(file) == EOF); /* nothing was written */
    if (file) fclose(file);
    unlink(path);
    connect_bell(&both.client, &both.host); /* a bell is taken afterwards */
    halves_close(&both);
}

/* Announces sleep in the direction that the host writes, as a hostile client may at any time. */
static void announce(const struct halves *both) {
    atomic_store(lane_word(both->client.memory, both->client.in + SLB_LANE_ASLEEP), 1);
}

static void test_a_full_bell_that_its_owner_has_made_blocking_holds_nobody_up(void) {
    struct halves both = halves_make(SLOTS);
    int reader, writer = one_of_pair(SOCK_STREAM, &reader), kept = dup(writer), small = 1;
    CHECK(setsockopt(writer, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    CHECK(connect_to(both.host.inbox->queue, both.host.lane, writer) == 0);
    CHECK(fcntl(kept, F_SETFL, fcntl(kept, F_GETFL) & ~O_NONBLOCK) == 0);
    enum { PUBLISHED = 20000 };
    uint32_t rung = 0;
    for (uint32_t head = 1; head <= PUBLISHED; head++) {
        announce(&both);
        rung += slb_lane_publish(both.host.lane, head) == 1;
    }
    CHECK(rung == PUBLISHED);
    CHECK(fcntl(kept, F_SETFL, fcntl(kept, F_GETFL) | O_NONBLOCK) == 0);
    CHECK(write(kept, "", 1) == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)); /* it is full */
    close(kept);
    close(reader);
    halves_close(&both);
}

static void test_a_bell_whose_reader_has_gone_raises_no_signal(void) {
    struct halves both = halves_make(SLOTS);
    int reader, writer = one_of_pair(SOCK_STREAM, &reader);
    CHECK(connect_to(both.host.inbox->queue, both.host.lane, writer) == 0);
    close(reader);
    for (uint32_t head = 1; head <= 3; head++) {
        announce(&both);
        CHECK(slb_lane_publish(both.host.lane, head) == 1);
    }
    halves_close(&both);
}

/* ---- bells that this side reads ---- */

/* A descriptor that rings the client, as the host has it. */
static int clients_bell(const struct halves *both) {
    slb_handle bell = slb_lane_bell(both->client.lane);
    int descriptor = slb_fd_dup(bell);
    CHECK(descriptor >= 0 && slb_release(bell) == 0);
    return descriptor;
}

static void test_a_bell_that_the_other_side_shuts_down_ends_a_wait(void) {
    struct halves both = halves_open(SLOTS);
    int bell = clients_bell(&both);
    CHECK(shutdown(bell, SHUT_WR) == 0);
    CHECK(slb_lane_wait(both.client.lane, 0, UINT32_MAX) == SLB_LANE_SHUT);
    announce(&both);
    CHECK(slb_lane_publish(both.host.lane, 1) == 1); /* to no effect */
    CHECK(slb_lane_wait(both.client.lane, 0, UINT32_MAX) == SLB_LANE_MOVED);
    close(bell);
    halves_close(&both);
}

struct flood {
    int bell;
    atomic_bool enough;
};

static void *ring_on_and_on(void *context) {
    struct flood *flood = context;
    while (!atomic_load(&flood->enough)) {
        send(flood->bell, "ringringring", 12, MSG_DONTWAIT);
        sched_yield();
    }
    return NULL;
}

static void test_a_flood_of_rings_ends_a_wait(void) {
    struct halves both = halves_open(SLOTS);
    struct flood flood = {.bell = clients_bell(&both)};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, ring_on_and_on, &flood) == 0);
    CHECK(slb_lane_wait(both.client.lane, 0, UINT32_MAX) == SLB_LANE_FLOOD);
    atomic_store(&flood.enough, true);
    CHECK(pthread_join(thread, NULL) == 0);
    close(flood.bell);
    halves_close(&both);
}

static const struct test tests[] = {
    {"a descriptor that is no bell is refused", test_a_descriptor_that_is_no_bell_is_refused},
    {"a full bell that its owner has made blocking holds nobody up",
     test_a_full_bell_that_its_owner_has_made_blocking_holds_nobody_up},
    {"a bell whose reader has gone raises no signal", test_a_bell_whose_reader_has_gone_raises_no_signal},
    {"a bell that the other side shuts down ends a wait", test_a_bell_that_the_other_side_shuts_down_ends_a_wait},
    {"a flood of rings ends a wait", test_a_flood_of_rings_ends_a_wait},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
