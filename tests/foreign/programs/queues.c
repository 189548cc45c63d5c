/*
 * Tests that handlers run on the queue of their connection or reply, one at a time, in order. Both
 * ends are in this process. Prints "ok" or "not ok" for each of the tests at the end of this file.
 */
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#include <xpc/xpc.h>

enum { MESSAGES = 200, LIMIT_SECONDS = 120, CONNECTIONS = 100 };

static _Atomic int failures;

#define CHECK(condition)                                                                                       \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            failures++;                                                                                        \
            printf("%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                              \
        }                                                                                                      \
    } while (0)

static void await(dispatch_semaphore_t bell, int times) {
    dispatch_time_t limit = dispatch_time(DISPATCH_TIME_NOW, LIMIT_SECONDS * (int64_t)NSEC_PER_SEC);
    for (int i = 0; i < times; i++) CHECK(dispatch_semaphore_wait(bell, limit) == 0);
}

/* ---- Two ends ------------------------------------------------------------------------- */

struct ends {
    xpc_connection_t listener, client;
    dispatch_semaphore_t closed; /* once for each of the three */
};

typedef void (^on_message)(xpc_connection_t peer, xpc_object_t message);

/* `message` gets the messages of the peer, on its queue; NULL: no queue. */
static struct ends open_ends(dispatch_queue_t queue, on_message message) {
    dispatch_semaphore_t closed = dispatch_semaphore_create(0);
    struct ends ends = {.listener = xpc_connection_create(NULL, NULL), .closed = closed};
    xpc_connection_set_event_handler(ends.listener, ^(xpc_object_t event) {
        if (xpc_get_type(event) != XPC_TYPE_CONNECTION) {
            dispatch_semaphore_signal(closed);
            return;
        }
        xpc_connection_t peer = event;
        if (queue) xpc_connection_set_target_queue(peer, queue);
        xpc_connection_set_event_handler(peer, ^(xpc_object_t heard) {
            if (queue) dispatch_assert_queue(queue); /* INVALID comes there too */
            if (heard == XPC_ERROR_CONNECTION_INVALID) dispatch_semaphore_signal(closed);
            else message(peer, heard);
        });
        xpc_connection_resume(peer);
    });
    xpc_connection_resume(ends.listener);
    xpc_endpoint_t endpoint = xpc_endpoint_create(ends.listener);
    ends.client = xpc_connection_create_from_endpoint(endpoint);
    xpc_release(endpoint);
    xpc_connection_set_event_handler(ends.client, ^(xpc_object_t event) {
        if (event == XPC_ERROR_CONNECTION_INVALID) dispatch_semaphore_signal(closed);
    });
    xpc_connection_resume(ends.client);
    return ends;
}

static void close_ends(struct ends *ends) {
    xpc_connection_cancel(ends->client);
    xpc_connection_cancel(ends->listener);
    await(ends->closed, 3);
    xpc_release(ends->client);
    xpc_release(ends->listener);
    dispatch_release(ends->closed);
}

static void send_numbers(xpc_connection_t to, int count) {
    for (int i = 0; i < count; i++) {
        xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);
        xpc_dictionary_set_int64(message, "number", i);
        xpc_connection_send_message(to, message);
        xpc_release(message);
    }
}

static void answer(xpc_connection_t peer, xpc_object_t message) {
    xpc_object_t reply = xpc_dictionary_create_reply(message);
    xpc_connection_send_message(peer, reply);
    xpc_release(reply);
}

/* ---- Tests ---------------------------------------------------------------------------- */

static void in_order_with_the_queue_s_own_work(void) {
    dispatch_queue_t queue = dispatch_queue_create("test.order", DISPATCH_QUEUE_SERIAL);
    dispatch_semaphore_t done = dispatch_semaphore_create(0);
    __block int next = 0; /* used only on that queue, so without a lock */
    struct ends ends = open_ends(queue, ^(xpc_connection_t peer, xpc_object_t message) {
        (void)peer;
        CHECK(xpc_dictionary_get_int64(message, "number") == next);
        if (++next == MESSAGES) dispatch_semaphore_signal(done);
    });
    send_numbers(ends.client, MESSAGES);
    for (int i = 0; i < MESSAGES; i++) dispatch_async(queue, ^{ CHECK(next <= MESSAGES); });
    await(done, 1);
    close_ends(&ends);
    dispatch_release(done);
    dispatch_release(queue);
}

/* 0 where the system does not list them. */
static int count_threads(void) {
    int count = 0;
    DIR *threads = opendir("/proc/self/task");
    for (struct dirent *entry; threads && (entry = readdir(threads));) count += *entry->d_name != '.';
    if (threads) closedir(threads);
    return count;
}

static void a_queue_that_rests_holds_up_nobody_else(void) {
    dispatch_queue_t queue = dispatch_queue_create("test.rest", DISPATCH_QUEUE_SERIAL);
    dispatch_semaphore_t rested = dispatch_semaphore_create(0), other = dispatch_semaphore_create(0);
    __block _Atomic bool resumed = false;
    struct ends slow[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        slow[i] = open_ends(queue, ^(xpc_connection_t peer, xpc_object_t message) {
            (void)peer, (void)message;
            CHECK(resumed);
            dispatch_semaphore_signal(rested);
        });
    }
    dispatch_suspend(queue);
    for (int i = 0; i < CONNECTIONS; i++) send_numbers(slow[i].client, 3);
    struct ends quick = open_ends(NULL, ^(xpc_connection_t peer, xpc_object_t message) {
        (void)peer, (void)message;
        dispatch_semaphore_signal(other);
    });
    send_numbers(quick.client, MESSAGES);
    await(other, MESSAGES);
    CHECK(dispatch_semaphore_wait(rested, DISPATCH_TIME_NOW) != 0);
    CHECK(count_threads() < CONNECTIONS); /* no thread waits for the queue */
    resumed = true;
    dispatch_resume(queue);
    await(rested, CONNECTIONS * 3);
    close_ends(&quick);
    for (int i = 0; i < CONNECTIONS; i++) close_ends(&slow[i]);
    dispatch_release(other);
    dispatch_release(rested);
    dispatch_release(queue);
}

static void one_at_a_time_on_a_concurrent_queue(void) {
    dispatch_queue_t queue = dispatch_queue_create("test.concurrent", DISPATCH_QUEUE_CONCURRENT);
    dispatch_semaphore_t done = dispatch_semaphore_create(0);
    __block int next = 0;
    __block _Atomic int inside = 0;
    struct ends ends = open_ends(queue, ^(xpc_connection_t peer, xpc_object_t message) {
        (void)peer;
        CHECK(inside++ == 0);
        CHECK(xpc_dictionary_get_int64(message, "number") == next++);
        inside--;
        dispatch_semaphore_signal(done);
    });
    send_numbers(ends.client, MESSAGES);
    await(done, MESSAGES);
    close_ends(&ends);
    dispatch_release(done);
    dispatch_release(queue);
}

static void replies_and_barriers_have_queues_too(void) {
    dispatch_queue_t own = dispatch_queue_create("test.own", DISPATCH_QUEUE_SERIAL);
    dispatch_queue_t replies = dispatch_queue_create("test.replies", DISPATCH_QUEUE_SERIAL);
    dispatch_semaphore_t done = dispatch_semaphore_create(0);
    struct ends ends = open_ends(NULL, ^(xpc_connection_t peer, xpc_object_t message) { answer(peer, message); });
    xpc_connection_set_target_queue(ends.client, own);
    xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);
    for (int i = 0; i < MESSAGES; i++) {
        xpc_connection_send_message_with_reply(ends.client, request, replies, ^(xpc_object_t reply) {
            dispatch_assert_queue(replies);
            CHECK(xpc_get_type(reply) == XPC_TYPE_DICTIONARY);
            dispatch_semaphore_signal(done);
        });
    }
    xpc_connection_send_message_with_reply(ends.client, request, NULL, ^(xpc_object_t reply) {
        dispatch_assert_queue(own); /* the reply has no queue of its own */
        CHECK(xpc_get_type(reply) == XPC_TYPE_DICTIONARY);
        dispatch_semaphore_signal(done);
    });
    xpc_connection_send_barrier(ends.client, ^{
        dispatch_assert_queue(own);
        dispatch_semaphore_signal(done);
    });
    await(done, MESSAGES + 2);
    xpc_release(request);
    close_ends(&ends);
    dispatch_release(done);
    dispatch_release(replies);
    dispatch_release(own);
}

static void a_queue_can_be_changed(void) {
    dispatch_queue_t first = dispatch_queue_create("test.first", DISPATCH_QUEUE_SERIAL);
    dispatch_queue_t second = dispatch_queue_create("test.second", DISPATCH_QUEUE_SERIAL);
    dispatch_semaphore_t done = dispatch_semaphore_create(0);
    struct ends ends = open_ends(NULL, ^(xpc_connection_t peer, xpc_object_t message) {
        int64_t number = xpc_dictionary_get_int64(message, "number");
        if (number == 1) dispatch_assert_queue(first);
        if (number == 2) dispatch_assert_queue(second);
        if (number < 2) xpc_connection_set_target_queue(peer, number ? second : first);
        dispatch_semaphore_signal(done);
    });
    send_numbers(ends.client, 3);
    await(done, 3);
    close_ends(&ends);
    dispatch_release(done);
    dispatch_release(second);
    dispatch_release(first);
}

static void ring(void *bell) { dispatch_semaphore_signal(bell); }

static void a_queue_is_let_go_of(void) {
    dispatch_semaphore_t gone = dispatch_semaphore_create(0), done = dispatch_semaphore_create(0);
    dispatch_queue_t queue = dispatch_queue_create("test.gone", DISPATCH_QUEUE_SERIAL);
    dispatch_set_context(queue, gone);
    dispatch_set_finalizer_f(queue, ring);
    struct ends ends = open_ends(NULL, ^(xpc_connection_t peer, xpc_object_t message) { answer(peer, message); });
    xpc_connection_set_target_queue(ends.client, queue);
    xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);
    xpc_connection_send_message_with_reply(ends.client, request, queue, ^(xpc_object_t reply) {
        (void)reply;
        dispatch_semaphore_signal(done);
    });
    dispatch_release(queue); /* now only libxpc has a reference */
    await(done, 1);
    xpc_release(request);
    close_ends(&ends);
    await(gone, 1);
    dispatch_release(done);
    dispatch_release(gone);
}

#define TEST(name) {#name, name}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    TEST(in_order_with_the_queue_s_own_work), TEST(a_queue_that_rests_holds_up_nobody_else),
    TEST(one_at_a_time_on_a_concurrent_queue), TEST(replies_and_barriers_have_queues_too),
    TEST(a_queue_can_be_changed), TEST(a_queue_is_let_go_of),
};

int main(void) {
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int before = failures;
        tests[i].run();
        printf("%s %s\n", failures == before ? "ok" : "not ok", tests[i].name);
    }
    return failures ? 1 : 0;
}
