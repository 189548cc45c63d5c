/*
 * shim_fault_test.c - runs a whole exchange over the shim once for every n, in which the n-th call that can
 * fail does fail, alone or with those that follow it. None of the shim's ways out of a failure misuses
 * libxpc, which would end this process. Nothing waits forever, the end of each connection is told, and
 * nothing is left.
 *
 * linux_fault_test.c says what a WRAP is. Apple's linker has none: this test is for Linux alone.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "bridge_support.h"
#include "program.h"
#include "streamlib_lane.h"

static _Atomic bool counting;      /* else no call fails */
static _Atomic long until_failure; /* the number of calls */
static long in_a_row;              /* how many calls fail, from that one */
static int failure;                /* the errno of a failing call */
static long first_failing;         /* the first of them, counted from the start of the exchange */

static bool fails(void) {
    if (!counting) return false;
    long left = atomic_fetch_sub(&until_failure, 1);
    if (left > 1 || left <= 1 - in_a_row) return false;
    errno = failure;
    return true;
}

#define WRAP(name) __typeof__(name) __real_##name, __wrap_##name
WRAP(calloc);
WRAP(malloc);
WRAP(realloc);
WRAP(strndup);
WRAP(strdup);
WRAP(socketpair);
WRAP(socket);
WRAP(sendmsg);
WRAP(recvmsg);
WRAP(accept4);
WRAP(epoll_ctl);
WRAP(epoll_create1);
WRAP(memfd_create);
WRAP(ftruncate);
WRAP(fcntl);
WRAP(pthread_create);
WRAP(mmap);
WRAP(timerfd_settime);

void *__wrap_calloc(size_t number, size_t size) { return fails() ? NULL : __real_calloc(number, size); }
void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }
void *__wrap_realloc(void *old, size_t size) { return fails() ? NULL : __real_realloc(old, size); }
char *__wrap_strndup(const char *text, size_t length) { return fails() ? NULL : __real_strndup(text, length); }
char *__wrap_strdup(const char *text) { return fails() ? NULL : __real_strdup(text); }
#include "failing_calls.h"

int __wrap_socket(int domain, int type, int protocol) { return fails() ? -1 : __real_socket(domain, type, protocol); }
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    return fails() ? -1 : __real_accept4(fd, address, length, flags);
}
int __wrap_epoll_create1(int flags) { return fails() ? -1 : __real_epoll_create1(flags); }

/* A rest of libxpc, after a failure, is shortened. */
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *set, struct itimerspec *old) {
    (void)set;
    return __real_timerfd_settime(fd, flags, &(struct itimerspec){.it_value.tv_nsec = 100000}, old);
}

/* ---- The exchange --------------------------------------------------------------------- */

enum { PEERS = 64 };

static struct inbox inbox; /* static, because the test's own memory must not fail */
static struct {
    slb_handle handle;
    bool ended;
} peers[PEERS];
static int peer_count;

/* Activates each peer, and answers each request. */
static void take_event(struct record record) {
    if (record.event == SLB_EVENT_PEER && record.subject && peer_count < PEERS) {
        peers[peer_count].handle = record.subject;
        peers[peer_count++].ended = false;
        slb_connection_activate(record.subject);
    } else if (record.event == SLB_EVENT_MESSAGE && record.subject) {
        if (slb_reply_send(record.subject, HELLO, sizeof HELLO) < 0) slb_release(record.subject);
    }
    for (int i = 0; i < peer_count; i++) {
        if (peers[i].handle == record.source && record.event == SLB_EVENT_ERROR) peers[i].ended = true;
    }
}

static bool all_peers_ended(void) {
    for (int i = 0; i < peer_count; i++) {
        if (!peers[i].ended) return false;
    }
    return true;
}

/* The next event. Not inbox_next: without a bell, it has to look again. */
static struct record next_event(const char *awaited) {
    time_t end = patience_end();
    while (inbox.at >= inbox.filled) {
        inbox.at = 0;
        inbox.filled = slb_queue_drain(inbox.queue, inbox.buffer, sizeof inbox.buffer);
        if (inbox.filled > 0 || look_again(end)) continue;
        fprintf(stderr, "when %ld calls failed from call %ld on: %s never came\n", in_a_row, first_failing, awaited);
        exit(1);
    }
    return inbox_next(&inbox);
}

/* False: the client has ended instead. */
static bool wait_for_reply(slb_handle client, uint32_t id) {
    for (;;) {
        struct record record = next_event("a reply or an end");
        take_event(record);
        if (record.source != client) continue;
        if (record.event == SLB_EVENT_REPLY && record.subject == id) return true;
        if (record.event == SLB_EVENT_ERROR && record.detail == SLB_ERROR_INVALID) return false;
    }
}

/* Requests of which one is too long for a packet. */
static void talk(slb_handle client) {
    enum { BYTES = 100000 };
    static uint8_t large[BYTES + 13] = {8, 1, 0, 0, 0, 1, 0, 'd', 6, 0xa0, 0x86, 1, 0};
    slb_connection_send(client, HELLO, sizeof HELLO);
    slb_connection_activate(client);
    for (uint32_t id = 1; id <= 3; id++) {
        const uint8_t *message = id == 2 ? large : HELLO;
        uint32_t length = id == 2 ? sizeof large : sizeof HELLO;
        if (slb_connection_request(client, message, length, id) == 0 && !wait_for_reply(client, id)) break;
    }
    slb_connection_send(client, large, sizeof large);
    slb_release(client);
    while (!all_peers_ended()) take_event(next_event("the end of a peer"));
}

static void begin(void) {
    peer_count = inbox.at = inbox.filled = 0;
    inbox.queue = slb_queue_create();
    inbox.bell = inbox.queue ? slb_queue_take_bell(inbox.queue) : -1;
}

/* The queue's end releases the listener and half of the peers. */
static void finish(void) {
    for (int i = 0; i < peer_count; i += 2) slb_release(peers[i].handle);
    slb_release(inbox.queue);
    if (inbox.bell >= 0) close(inbox.bell);
}

static void by_endpoint(void) {
    begin();
    slb_handle listener = slb_listener_create(inbox.queue);
    slb_connection_activate(listener);
    slb_handle endpoint = slb_endpoint_create(listener);
    slb_handle client = slb_connection_create_endpoint(inbox.queue, endpoint);
    if (client) talk(client);
    slb_release(endpoint);
    finish();
}

static void by_name(void) {
    static const uint8_t name[] = "com.example.faults";
    begin();
    slb_handle listener = slb_listener_create_service(inbox.queue, name, sizeof name - 1);
    slb_connection_activate(listener);
    slb_handle client = slb_connection_create_service(inbox.queue, name, sizeof name - 1);
    if (client) talk(client);
    finish();
}

/* Two lanes, each as far as it gets. */
static void of_lanes(void) {
    begin();
    for (int i = 0; i < 2; i++) {
        slb_handle host = slb_lane_create(inbox.queue, 16), memory = slb_lane_take_memory(host);
        slb_handle client = slb_lane_open(inbox.queue, memory), bell = slb_lane_bell(client);
        int taken = slb_lane_take_bell(client);
        if (slb_lane_connect(host, bell) == 0) CHECK(slb_lane_publish(host, 1) == 1 && (taken < 0 || is_readable(taken)));
        if (client && host && slb_lane_publish(host, 2) >= 0) CHECK(slb_lane_wait(client, 0, 0) == SLB_LANE_MOVED);
        if (taken >= 0) close(taken);
        slb_release(bell);
        slb_release(memory);
        if (i == 0) slb_release(host); /* the others end with the queue */
    }
    finish();
}

/* Until an exchange ends before the call that would fail. The first one starts libxpc's threads, so that all others do the same. */
static void with_every_failure(void (*exchange)(void), int with, long calls) {
    long left = 0;
    failure = with;
    in_a_row = calls;
    exchange();
    first_failing = 0;
    do {
        until_failure = ++first_failing;
        counting = true;
        exchange();
        counting = false;
        left = until_failure;
        check_nothing_left();
    } while (left <= 0 && first_failing < 2000 && !check_failures);
    CHECK(first_failing > 50); /* otherwise almost no calls were counted */
}

static void by_endpoint_without_memory(void) { with_every_failure(by_endpoint, ENOMEM, 1); }
static void by_endpoint_without_descriptors(void) { with_every_failure(by_endpoint, EMFILE, 20); }
static void by_name_without_memory(void) { with_every_failure(by_name, ENOMEM, 20); }
static void by_name_without_descriptors(void) { with_every_failure(by_name, EMFILE, 1); }
static void of_lanes_without_memory(void) { with_every_failure(of_lanes, ENOMEM, 1); }
static void of_lanes_without_descriptors(void) { with_every_failure(of_lanes, EMFILE, 20); }

static const struct test tests[] = {
    {"by endpoint, without memory for one call", by_endpoint_without_memory},
    {"by endpoint, without descriptors for 20 calls", by_endpoint_without_descriptors},
    {"by name, without memory for 20 calls", by_name_without_memory},
    {"by name, without descriptors for one call", by_name_without_descriptors},
    {"of lanes, without memory for one call", of_lanes_without_memory},
    {"of lanes, without descriptors for 20 calls", of_lanes_without_descriptors},
};

int main(int argc, char **argv) {
    char home[56], run[64];
    if (!make_directory(home, sizeof home)) return 2;
    setenv("STREAMLIB_HOME", home, 1);
    int status = RUN_TESTS(tests, NULL, argc, argv);
    snprintf(run, sizeof run, "%s/run", home);
    return rmdir(run) == 0 && rmdir(home) == 0 ? status : 2;
}
