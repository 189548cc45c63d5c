/*
 * linux_support.h - shared by the tests of c/linux: handlers, waiting, checks for leaks.
 *
 * Every wait is for an event, with a deadline at which the test fails: see patience.h.
 */
#ifndef LINUX_SUPPORT_H
#define LINUX_SUPPORT_H

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xpc/linux.h>

#include "check.h"
#include "hand_block.h"
#include "program.h"

enum { EVENTS_MAX = 20000 };

#define INTERRUPTED ((xpc_object_t)XPC_ERROR_CONNECTION_INTERRUPTED)
#define INVALID ((xpc_object_t)XPC_ERROR_CONNECTION_INVALID)

/* ---- Records of events ---------------------------------------------------------------- */

/*
 * A record of events in order, each retained. Tests never free it, because handlers may still add
 * to it; `settle` frees it when no object is left.
 */
struct record {
    struct record *next;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t count;
    xpc_object_t events[EVENTS_MAX];
};

static struct record *records;

static inline struct record *record_create(void) {
    struct record *record = calloc(1, sizeof *record);
    record->next = records;
    records = record;
    pthread_mutex_init(&record->lock, NULL);
    pthread_cond_init(&record->changed, NULL);
    return record;
}

/* A handler: its context is the record. */
static inline void record_event(void *context, xpc_object_t event) {
    struct record *record = context;
    pthread_mutex_lock(&record->lock);
    if (record->count < EVENTS_MAX) record->events[record->count++] = xpc_retain(event);
    pthread_cond_broadcast(&record->changed);
    pthread_mutex_unlock(&record->lock);
}

/* Waits until there are at least `count` events. */
static inline bool record_wait(struct record *record, size_t count) {
    struct timespec until;
    int why = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&record->lock);
    while (record->count < count && !why) why = pthread_cond_timedwait(&record->changed, &record->lock, &until);
    bool enough = record->count >= count;
    pthread_mutex_unlock(&record->lock);
    return enough;
}

/* Returns the event with that index, borrowed; NULL if it does not come in time. */
static inline xpc_object_t record_get(struct record *record, size_t index) {
    return record_wait(record, index + 1) ? record->events[index] : NULL;
}

static inline size_t record_count(struct record *record) {
    pthread_mutex_lock(&record->lock);
    size_t count = record->count;
    pthread_mutex_unlock(&record->lock);
    return count;
}

static inline void record_clear(struct record *record) {
    xpc_object_t *events = malloc(sizeof record->events);
    pthread_mutex_lock(&record->lock);
    size_t count = record->count;
    memcpy(events, record->events, count * sizeof *events);
    record->count = 0;
    pthread_mutex_unlock(&record->lock);
    for (size_t i = 0; i < count; i++) xpc_release(events[i]);
    free(events);
}

static inline void records_free(void) {
    while (records) {
        struct record *record = records;
        records = record->next;
        pthread_cond_destroy(&record->changed);
        pthread_mutex_destroy(&record->lock);
        free(record);
    }
}

/* ---- Connections ---------------------------------------------------------------------- */

/* Sets the handler and activates. */
static inline xpc_connection_t start(xpc_connection_t connection, handler_f handler, void *context) {
    xpc_connection_set_event_handler(connection, BLOCK(handler, context));
    xpc_connection_activate(connection);
    return connection;
}

/* A listener's handler: accepts each peer, and records the events of all. */
static inline void accept_into(void *context, xpc_object_t event) {
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) start(event, record_event, context);
    else record_event(context, event);
}

/* Answers a request with a copy of it, as "echo". Ignores other messages. */
static inline void answer(xpc_object_t request) {
    xpc_object_t reply = xpc_dictionary_create_reply(request);
    if (!reply) return;
    xpc_dictionary_set_value(reply, "echo", request);
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply);
    xpc_release(reply);
}

static inline void answer_event(void *context, xpc_object_t event) {
    (void)context;
    if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) answer(event);
}

/* A listener's handler: answers its peers' requests. */
static inline void accept_and_answer(void *context, xpc_object_t event) {
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) start(event, answer_event, context);
}

/* A listener, with the events of its peers in `seen`, and its client, with its events in `heard`. */
struct pair {
    xpc_connection_t listener, client;
    struct record *seen, *heard;
};

static inline xpc_connection_t connect_to_listener(xpc_connection_t listener) {
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    xpc_connection_t client = xpc_connection_create_from_endpoint(endpoint);
    xpc_release(endpoint);
    return client;
}

static inline xpc_object_t message_of(uint64_t number) {
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_uint64(message, "number", number);
    return message;
}

static inline uint64_t number_of(xpc_object_t message) { return xpc_dictionary_get_uint64(message, "number"); }

static inline void send_number(xpc_connection_t connection, uint64_t number) {
    xpc_object_t message = message_of(number);
    xpc_connection_send_message(connection, message);
    xpc_release(message);
}

static inline void end(xpc_connection_t connection) {
    xpc_connection_cancel(connection);
    xpc_release(connection);
}

static inline struct pair pair_open(void) {
    struct pair pair = {.seen = record_create(), .heard = record_create()};
    pair.listener = start(xpc_connection_create(NULL, NULL), accept_into, pair.seen);
    pair.client = start(connect_to_listener(pair.listener), record_event, pair.heard);
    return pair;
}

static inline void pair_close(struct pair *pair) {
    end(pair->client);
    end(pair->listener);
}

static inline void check_reason(xpc_connection_t connection, const char *part) {
    char *reason = xpc_connection_copy_invalidation_reason(connection);
    bool found = reason && strstr(reason, part);
    if (!found) fprintf(stderr, "the reason is \"%s\", without \"%s\"\n", reason ? reason : "(null)", part);
    CHECK(found);
    free(reason);
}

/* ---- Leaks ---------------------------------------------------------------------------- */

static inline int open_descriptors(void) {
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory)) count++;
    if (directory) closedir(directory);
    return count;
}

static inline uint64_t live_objects(void) {
    struct xpc_linux_stats stats;
    xpc_linux_get_stats(&stats);
    return stats.live_objects;
}

/*
 * After a test no object and no descriptor may be left. Other threads may still release the last
 * ones, and do not report it, so this polls. A leak is counted as the failure of one test; the
 * following tests accept what is left by then.
 */
static int descriptors_before;
static uint64_t objects_before;

static inline bool nothing_is_left(void) {
    for (struct record *record = records; record; record = record->next) record_clear(record);
    return live_objects() <= objects_before && open_descriptors() <= descriptors_before;
}

static inline void settle(void) {
    time_t end = patience_end();
    while (!nothing_is_left() && look_again(end)) continue;
    CHECK(live_objects() <= objects_before);
    CHECK(open_descriptors() <= descriptors_before);
    if (live_objects() == 0) records_free();
    if (live_objects() > objects_before) objects_before = live_objects();
    if (open_descriptors() > descriptors_before) descriptors_before = open_descriptors();
}

static inline void ignore_event(void *context, xpc_object_t event) {
    (void)context;
    (void)event;
}

/* Ends a connection that was never activated: that takes a handler, a cancel and an activation. */
static inline void discard(xpc_connection_t connection) {
    xpc_connection_set_event_handler(connection, BLOCK(ignore_event, NULL));
    xpc_connection_cancel(connection);
    xpc_connection_activate(connection);
    xpc_release(connection);
}

/* Called before the first test. Starts the pool, so that its three descriptors do not count as leaks. */
static inline void prepare(void) {
    discard(xpc_connection_create(NULL, NULL));
    time_t patience = patience_end();
    while (live_objects() && look_again(patience)) continue;
    if (live_objects()) exit(2);
    descriptors_before = open_descriptors();
}

/* ---- A directory of its own ----------------------------------------------------------- */

static char home[64];

static inline void remove_tree(const char *path) {
    char command[512];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    if (system(command) != 0) fprintf(stderr, "cannot remove %s\n", path);
}

/* Sets STREAMLIB_HOME to a new, empty directory, which `leave_home` removes. */
static inline void enter_home(void) {
    CHECK(make_directory(home, sizeof home));
    setenv("STREAMLIB_HOME", home, 1);
}

static inline void leave_home(void) { remove_tree(home); }

#endif
