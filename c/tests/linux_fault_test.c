/*
 * linux_fault_test.c - runs a whole exchange once for every n, in which the n-th call that can fail
 * does fail. In each run nothing crashes, nothing waits forever, and nothing is left.
 *
 * For each name with a WRAP here, tools/c/run_tests.ts passes --wrap to the linker, which replaces the
 * function by __wrap_name; __real_name is the original.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "linux_support.h"

#define SERVICE "com.example.faults"

static _Atomic long until_failure; /* the number of calls; 0 or less: none fails */
static int failure;                /* the errno of the failing call */
static _Atomic bool refuse_accept;
static _Thread_local bool refuse_memory;
enum { REST_MS = 3 }; /* a shorter wait is no rest */
static _Atomic int accepts, rests;

static bool fails(void) {
    if (atomic_fetch_sub(&until_failure, 1) != 1) return false;
    errno = failure;
    return true;
}

#define WRAP(name) __typeof__(name) __real_##name, __wrap_##name
WRAP(socketpair);
WRAP(sendmsg);
WRAP(recvmsg);
WRAP(memfd_create);
WRAP(ftruncate);
WRAP(accept4);
WRAP(epoll_ctl);
WRAP(fcntl);
WRAP(pthread_create);
WRAP(mmap);
WRAP(timerfd_settime);

/* Replaces the weak function of c/linux. */
void *xl_alloc(size_t size);
void *xl_alloc(size_t size) { return refuse_memory || fails() ? NULL : calloc(1, size); }

#include "failing_calls.h"

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    accepts++;
    if (refuse_accept) errno = EMFILE;
    return refuse_accept || fails() ? -1 : __real_accept4(fd, address, length, flags);
}
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old) {
    if (new->it_value.tv_sec > 0 || new->it_value.tv_nsec >= REST_MS * 1000000) rests++;
    return __real_timerfd_settime(fd, flags, new, old);
}

/* ---- The exchange --------------------------------------------------------------------- */

/* Sends a request. A reply or an error must come, exactly once. */
static void ask(xpc_connection_t client, xpc_object_t message) {
    struct record *answers = record_create();
    if (!message) return;
    xpc_connection_send_message_with_reply(client, message, NULL, BLOCK(record_event, answers));
    CHECK(record_wait(answers, 1));
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(client, message);
    CHECK(reply != NULL);
    CHECK(record_count(answers) == 1);
    xpc_release(reply);
    xpc_release(message);
}

static xpc_object_t full_message(void) {
    static char text[100000];
    char *region = xpc_linux_region_create(8192);
    xpc_object_t message = xpc_dictionary_create_empty(), shmem = xpc_shmem_create(region, 8192);
    xpc_dictionary_set_data(message, "text", text, sizeof text); /* too long for a packet */
    xpc_dictionary_set_value(message, "shmem", shmem);
    xpc_dictionary_set_fd(message, "fd", 0);
    xpc_release(shmem);
    if (region) xpc_linux_region_destroy(region, 8192);
    return message;
}

static void talk(xpc_connection_t client) {
    struct record *heard = record_create(), *passed = record_create();
    if (!client) return;
    start(client, record_event, heard);
    ask(client, message_of(1));
    ask(client, full_message());
    xpc_connection_send_barrier(client, BARRIER(record_event, passed));
    CHECK(record_wait(passed, 1));
    xpc_connection_cancel(client);
    CHECK(record_wait(heard, 1)); /* it ends with an event in any case */
    xpc_release(client);
}

static void by_endpoint(void) {
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    if (!listener) return;
    start(listener, accept_and_answer, NULL);
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    if (endpoint) talk(xpc_connection_create_from_endpoint(endpoint));
    xpc_release(endpoint);
    end(listener);
}

/* The endpoint goes to another connection and comes back, so it is passed on twice. */
static void by_a_passed_endpoint(void) {
    xpc_connection_t relay = xpc_connection_create(NULL, NULL), listener = xpc_connection_create(NULL, NULL);
    if (relay) start(relay, accept_and_answer, NULL);
    if (listener) start(listener, accept_and_answer, NULL);
    xpc_endpoint_t to_relay = relay ? xpc_endpoint_create(relay) : NULL, passed = listener ? xpc_endpoint_create(listener) : NULL;
    xpc_connection_t client = to_relay ? xpc_connection_create_from_endpoint(to_relay) : NULL;
    xpc_object_t message = passed ? xpc_dictionary_create_empty() : NULL;
    if (client) start(client, record_event, record_create());
    if (client && message) {
        xpc_dictionary_set_value(message, "endpoint", passed);
        xpc_object_t reply = xpc_connection_send_message_with_reply_sync(client, message);
        xpc_object_t echo = xpc_dictionary_get_value(reply, "echo");
        talk(echo ? xpc_dictionary_create_connection(echo, "endpoint") : NULL);
        xpc_release(reply);
    }
    xpc_release(message);
    xpc_release(passed);
    xpc_release(to_relay);
    if (client) end(client);
    if (listener) end(listener);
    if (relay) end(relay);
}

static void by_name(void) {
    uint64_t listens = XPC_CONNECTION_MACH_SERVICE_LISTENER;
    xpc_connection_t listener = xpc_connection_create_mach_service(SERVICE, NULL, listens);
    if (!listener) return;
    start(listener, accept_and_answer, NULL);
    talk(xpc_connection_create_mach_service(SERVICE, NULL, 0));
    end(listener);
}

/* Until an exchange ends before the call that would fail. */
static void with_every_failure(void (*exchange)(void), int with) {
    long n = 0, left = 0;
    failure = with;
    do {
        until_failure = ++n;
        exchange();
        left = until_failure;
        until_failure = 0;
        settle();
    } while (left <= 0 && n < 2000 && !check_failures);
    CHECK(n > 50); /* otherwise almost no calls were counted */
}

static void by_endpoint_without_memory(void) { with_every_failure(by_endpoint, ENOMEM); }
static void by_endpoint_without_descriptors(void) { with_every_failure(by_endpoint, EMFILE); }
static void by_a_passed_endpoint_without_memory(void) { with_every_failure(by_a_passed_endpoint, ENOMEM); }
static void by_a_passed_endpoint_without_descriptors(void) { with_every_failure(by_a_passed_endpoint, EMFILE); }
static void by_name_without_memory(void) { with_every_failure(by_name, ENOMEM); }
static void by_name_without_descriptors(void) { with_every_failure(by_name, EMFILE); }

/* A listener without descriptors for new peers must not use the processor, and must recover. */
static void accept_rests_and_recovers(void) {
    uint64_t listens = XPC_CONNECTION_MACH_SERVICE_LISTENER;
    xpc_connection_t listener = xpc_connection_create_mach_service(SERVICE, NULL, listens);
    start(listener, accept_and_answer, NULL);
    refuse_accept = true;
    accepts = rests = 0;
    xpc_connection_t client = xpc_connection_create_mach_service(SERVICE, NULL, 0);
    start(client, record_event, record_create());
    time_t patience = patience_end();
    while (accepts < 5 && look_again(patience)) continue;
    int tried = accepts;
    CHECK(tried >= 5);
    CHECK(rests >= tried - 1); /* one between two attempts */
    refuse_accept = false;
    xpc_object_t message = message_of(1);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(client, message);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 1);
    xpc_release(message);
    xpc_release(reply);
    end(client);
    end(listener);
}

/* ---- A handler that cannot be kept ---------------------------------------------------- */

static void set_without_memory(xpc_connection_t connection, struct record *record) {
    refuse_memory = true;
    xpc_connection_set_event_handler(connection, BLOCK(record_event, record));
    refuse_memory = false;
}

static void is_told_at_once(void) {
    struct record *first = record_create(), *second = record_create();
    xpc_connection_t connection = xpc_connection_create(NULL, NULL);
    set_without_memory(connection, first);
    CHECK(record_count(first) == 1 && record_get(first, 0) == INVALID);
    xpc_connection_set_event_handler(connection, BLOCK(record_event, second));
    set_without_memory(connection, second);
    check_reason(connection, "this process is out of memory");
    CHECK(record_count(second) == 0);
    discard(connection);
}

static void counts_as_told(void *context, xpc_object_t event) {
    if (event == INVALID) ++*(_Atomic int *)context;
}

static void set_counter(xpc_connection_t connection, _Atomic int *told, bool without_memory) {
    refuse_memory = without_memory;
    xpc_connection_set_event_handler(connection, BLOCK(counts_as_told, told));
    refuse_memory = false;
}

/* INVALID comes once, whichever handlers are set and fail in which order. */
static void is_told_once(void) {
    for (int order = 0; order < 16; order++) {
        _Atomic int told = 0;
        xpc_connection_t connection = xpc_connection_create(NULL, NULL);
        xpc_connection_set_event_handler(connection, BLOCK(counts_as_told, &told));
        if (order & 8) xpc_connection_activate(connection);
        for (int bit = 0; bit < 3; bit++) set_counter(connection, &told, order >> bit & 1);
        xpc_connection_cancel(connection);
        xpc_connection_activate(connection);
        time_t patience = patience_end();
        while (!told && look_again(patience)) continue;
        set_counter(connection, &told, true);
        xpc_release(connection);
        settle();
        CHECK(told == 1);
    }
}

/* A listener's handler that keeps its peer for later, with a handler that records events. */
static void keep_peer(void *context, xpc_object_t event) {
    if (xpc_get_type(event) != XPC_TYPE_CONNECTION) return;
    *(_Atomic(xpc_connection_t) *)context = (xpc_connection_t)xpc_retain(event);
}

static void an_inactive_peer_delivers_nothing_but_invalid(void) {
    _Atomic(xpc_connection_t) peer = NULL;
    struct record *heard = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), keep_peer, &peer);
    xpc_connection_t client = start(connect_to_listener(listener), record_event, record_create());
    send_number(client, 1); /* stays in the peer's inbox */
    time_t patience = patience_end();
    while (!peer && look_again(patience)) continue;
    xpc_connection_set_event_handler(peer, BLOCK(record_event, heard));
    set_without_memory(peer, record_create());
    CHECK(record_get(heard, 0) == INVALID);
    xpc_release(peer);
    end(client);
    end(listener);
}

static const struct test tests[] = {
    {"by endpoint, without memory", by_endpoint_without_memory},
    {"by endpoint, without descriptors", by_endpoint_without_descriptors},
    {"by a passed endpoint, without memory", by_a_passed_endpoint_without_memory},
    {"by a passed endpoint, without descriptors", by_a_passed_endpoint_without_descriptors},
    {"by name, without memory", by_name_without_memory},
    {"by name, without descriptors", by_name_without_descriptors},
    {"accept rests and recovers", accept_rests_and_recovers},
    {"a handler without memory is told at once", is_told_at_once},
    {"a handler without memory is told once", is_told_once},
    {"an inactive peer delivers nothing but INVALID", an_inactive_peer_delivers_nothing_but_invalid},
};

int main(int argc, char **argv) {
    enter_home();
    prepare();
    int status = RUN_TESTS(tests, settle, argc, argv);
    leave_home();
    return status;
}
