/*
 * events.c - see events.h.
 */
#include "events.h"

#include <pthread.h>
#include <time.h>

#include "counting.h"

/*
 * No limit is part of a case. An event takes milliseconds, ten seconds when launchd restarts a
 * service, and longer on a slow machine. Events that must not come are waited for briefly.
 */
enum { LIMIT_SECONDS = 120, BRIEFLY_SECONDS = 1, EVENTS_MAX = 4096 };

struct record {
    struct record *next;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t count;
    xpc_object_t events[EVENTS_MAX];
};

static struct record *records;

struct record *record_create(void) {
    struct record *record = calloc(1, sizeof *record);
    pthread_mutex_init(&record->lock, NULL);
    pthread_cond_init(&record->changed, NULL);
    record->next = records;
    return records = record;
}

static void add(struct record *record, xpc_object_t event) {
    pthread_mutex_lock(&record->lock);
    if (record->count < EVENTS_MAX) record->events[record->count++] = event;
    pthread_cond_broadcast(&record->changed);
    pthread_mutex_unlock(&record->lock);
}

void record_event(void *record, xpc_object_t event) { add(record, xpc_retain(event)); }

void record_barrier(void *record) { add(record, xpc_null_create()); }

static bool wait_seconds(struct record *record, size_t count, time_t seconds) {
    struct timespec until;
    int why = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&record->lock);
    while (record->count < count && !why) why = pthread_cond_timedwait(&record->changed, &record->lock, &until);
    bool enough = record->count >= count;
    pthread_mutex_unlock(&record->lock);
    return enough;
}

bool record_wait(struct record *record, size_t count) { return wait_seconds(record, count, LIMIT_SECONDS); }

bool record_wait_briefly(struct record *record, size_t count) {
    return wait_seconds(record, count, BRIEFLY_SECONDS);
}

xpc_object_t record_get(struct record *record, size_t index) {
    if (!record_wait(record, index + 1)) return NULL;
    pthread_mutex_lock(&record->lock);
    xpc_object_t event = record->events[index];
    pthread_mutex_unlock(&record->lock);
    return event;
}

size_t record_count(struct record *record) {
    pthread_mutex_lock(&record->lock);
    size_t count = record->count;
    pthread_mutex_unlock(&record->lock);
    return count;
}

void records_clear(void) {
    static xpc_object_t events[EVENTS_MAX];
    for (struct record *record = records; record; record = record->next) {
        pthread_mutex_lock(&record->lock);
        size_t count = record->count;
        memcpy(events, record->events, count * sizeof *events);
        record->count = 0;
        pthread_mutex_unlock(&record->lock);
        for (size_t i = 0; i < count; i++) xpc_release(events[i]);
    }
}

/* ---- Messages ------------------------------------------------------------------------- */

xpc_object_t message_of(uint64_t number) {
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_uint64(message, "number", number);
    return message;
}

uint64_t number_of(xpc_object_t message) {
    bool is_one = message && xpc_get_type(message) == XPC_TYPE_DICTIONARY &&
                  xpc_dictionary_get_value(message, "number");
    return is_one ? xpc_dictionary_get_uint64(message, "number") : UINT64_MAX;
}

void send_number(xpc_connection_t connection, uint64_t number) {
    xpc_object_t message = message_of(number);
    xpc_connection_send_message(connection, message);
    xpc_release(message);
}

void request(xpc_connection_t connection, uint64_t number, struct record *replies) {
    xpc_object_t message = message_of(number);
    xpc_connection_send_message_with_reply(connection, message, NULL, HANDLER(record_event, replies));
    xpc_release(message);
}

xpc_object_t request_sync(xpc_connection_t connection, uint64_t number) {
    xpc_object_t message = message_of(number);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(connection, message);
    xpc_release(message);
    return reply;
}

void answer(xpc_object_t received) {
    xpc_object_t reply = xpc_dictionary_create_reply(received);
    if (!reply) return;
    xpc_dictionary_set_uint64(reply, "echo", number_of(received));
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply);
    xpc_release(reply);
}

void answer_event(void *nothing, xpc_object_t event) {
    (void)nothing;
    if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) answer(event);
}

/* ---- Connections ---------------------------------------------------------------------- */

xpc_connection_t start(xpc_connection_t connection, handler_f handler, void *context) {
    count_connection(connection);
    xpc_connection_set_event_handler(connection, HANDLER(handler, context));
    xpc_connection_activate(connection);
    return connection;
}

void end(xpc_connection_t connection) {
    xpc_connection_cancel(connection);
    xpc_release(connection);
}

void accept_into(void *record, xpc_object_t event) {
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) start(event, record_event, record);
    else record_event(record, event);
}

void accept_and_answer(void *nothing, xpc_object_t event) {
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) start(event, answer_event, nothing);
}

xpc_connection_t connect_to_listener(xpc_connection_t listener) {
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    xpc_connection_t client = xpc_connection_create_from_endpoint(endpoint);
    xpc_release(endpoint);
    return client;
}

bool is_lost(struct record *heard, size_t index) {
    xpc_object_t event = record_get(heard, index);
    if (event == INTERRUPTED) contract_note("INTERRUPTED comes first");
    return event == INVALID || event == INTERRUPTED;
}

struct pair pair_open(void) {
    struct pair pair = {.seen = record_create(), .heard = record_create()};
    pair.listener = start(xpc_connection_create(NULL, NULL), accept_into, pair.seen);
    pair.client = start(connect_to_listener(pair.listener), record_event, pair.heard);
    return pair;
}

xpc_connection_t pair_introduce(struct pair *pair) {
    send_number(pair->client, 0);
    xpc_object_t first = record_get(pair->seen, 0);
    CHECK(number_of(first) == 0);
    return first ? xpc_dictionary_get_remote_connection(first) : NULL;
}

void pair_close(struct pair *pair) {
    end(pair->client);
    end(pair->listener);
}

void let_everything_pass(void) {
    struct pair pair = pair_open();
    for (uint64_t i = 0; i < 50; i++) send_number(pair.client, i);
    CHECK(record_wait(pair.seen, 50));
    pair_close(&pair);
}
