/*
 * linux_block_test.c - blocks that need more than a flat copy, and dispatch queues: with libdispatch
 * in the program, handlers run on its queues. This file has stand-ins for libdispatch's functions.
 */
#include "linux_support.h"

enum { HAS_HELPERS = 1 << 25, IS_GLOBAL = 1 << 28 };

struct helped_block {
    void *isa;
    int flags, reserved;
    void (*invoke)(struct helped_block *block, xpc_object_t object);
    const struct helped_descriptor {
        unsigned long reserved, size;
        void (*copy)(struct helped_block *to, const struct helped_block *from);
        void (*dispose)(struct helped_block *block);
    } *descriptor;
    struct record *record;
    xpc_object_t captured; /* owned by each copy */
};

static _Atomic int copies, disposals;

static void helped_invoke(struct helped_block *block, xpc_object_t object) {
    record_event(block->record, object);
    record_event(block->record, block->captured);
}

static void helped_copy(struct helped_block *to, const struct helped_block *from) {
    copies++;
    to->captured = xpc_retain(from->captured);
}

static void helped_dispose(struct helped_block *block) {
    disposals++;
    xpc_release(block->captured);
}

static const struct helped_descriptor descriptor = {0, sizeof(struct helped_block), helped_copy, helped_dispose};

static void copies_and_disposes_of_what_a_block_captures(void) {
    struct pair pair = pair_open();
    struct helped_block block = {
        .flags = HAS_HELPERS,
        .invoke = helped_invoke,
        .descriptor = &descriptor,
        .record = record_create(),
        .captured = xpc_string_create("captured"),
    };
    copies = disposals = 0;
    xpc_connection_set_event_handler(pair.client, (xpc_handler_t)(void *)&block);
    xpc_release(block.captured);
    xpc_connection_cancel(pair.client);
    CHECK(record_get(block.record, 0) == INVALID);
    CHECK_TEXT(xpc_string_get_string_ptr(record_get(block.record, 1)), "captured");
    pair_close(&pair);
    settle();
    CHECK(copies == 1 && disposals == 1);
}

static void does_not_copy_a_global_block(void) {
    static struct hand_block block = {.flags = IS_GLOBAL, .invoke = hand_invoke, .descriptor = &hand_descriptor};
    struct pair pair = pair_open();
    block.handler = record_event;
    xpc_connection_set_event_handler(pair.client, (xpc_handler_t)(void *)&block);
    block.context = record_create(); /* has an effect because the block was not copied */
    xpc_connection_cancel(pair.client);
    CHECK(record_get(block.context, 0) == INVALID);
    pair_close(&pair);
}

/* ---- Queues --------------------------------------------------------------------------- */

/* Runs each piece of work on a thread of its own, as libdispatch may. */
struct dispatch_queue_s {
    pthread_mutex_t lock; /* a serial queue */
    _Atomic int references, calls;
};

struct work {
    dispatch_queue_t queue;
    void *context;
    void (*run)(void *);
};

void dispatch_retain(void *object);
void dispatch_release(void *object);
void dispatch_async_f(dispatch_queue_t queue, void *context, void (*work)(void *));

void dispatch_retain(void *object) { ((dispatch_queue_t)object)->references++; }
void dispatch_release(void *object) { ((dispatch_queue_t)object)->references--; }

static void *run_work(void *argument) {
    struct work work = *(struct work *)argument;
    free(argument);
    pthread_mutex_lock(&work.queue->lock);
    work.queue->calls++;
    work.run(work.context);
    pthread_mutex_unlock(&work.queue->lock);
    dispatch_release(work.queue);
    return NULL;
}

void dispatch_async_f(dispatch_queue_t queue, void *context, void (*run)(void *)) {
    struct work *work = malloc(sizeof *work);
    pthread_t thread;
    *work = (struct work){.queue = queue, .context = context, .run = run};
    dispatch_retain(queue);
    if (pthread_create(&thread, NULL, run_work, work) != 0) abort();
    pthread_detach(thread);
}

static void runs_handlers_on_their_queues(void) {
    struct dispatch_queue_s events = {.lock = PTHREAD_MUTEX_INITIALIZER}, replies = events;
    struct record *heard = record_create(), *answers = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_and_answer, NULL);
    xpc_connection_t client = connect_to_listener(listener);
    xpc_connection_set_target_queue(client, &events);
    start(client, record_event, heard);
    xpc_object_t message = message_of(1);
    xpc_connection_send_message_with_reply(client, message, &replies, BLOCK(record_event, answers));
    CHECK(record_wait(answers, 1));
    CHECK(replies.calls == 1 && events.calls == 0);
    xpc_connection_send_message_with_reply(client, message, NULL, BLOCK(record_event, answers));
    xpc_connection_send_barrier(client, BARRIER(record_event, answers));
    CHECK(record_wait(answers, 3));
    CHECK(replies.calls == 1 && events.calls == 2); /* without a queue of its own: on the connection's */
    end(listener);
    CHECK(record_get(heard, 0) == INVALID);
    CHECK(events.calls == 3);
    xpc_release(message);
    xpc_release(client);
    settle();
    CHECK(events.references == 0 && replies.references == 0);
}

static const struct test tests[] = {
    {"copies and disposes of what a block captures", copies_and_disposes_of_what_a_block_captures},
    {"does not copy a global block", does_not_copy_a_global_block},
    {"runs handlers on their queues", runs_handlers_on_their_queues},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
