/*
 * inbox.c: from XPC's handlers to the queue of events. See inbox.h.
 */
#include "inbox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "cost.h"
#include "packed.h"
#include "platform.h"
#include "queue.h"

static atomic_ullong messages_received, malformed_received;
static atomic_ullong inbox_total, suspended_now, ended_malformed;

struct inbox_counters inbox_counters(void) {
    return (struct inbox_counters){
        .received = atomic_load(&messages_received),
        .bytes = atomic_load(&inbox_total),
        .suspended = atomic_load(&suspended_now),
        .malformed = atomic_load(&malformed_received),
        .ended_malformed = atomic_load(&ended_malformed),
    };
}

/* ---- flow control: a connection is suspended while too many of its events are undrained ---- */

static void inbox_put(struct connection *connection, struct event *event) {
    pthread_mutex_lock(&connection->lock);
    connection->pending++;
    connection->inbox_bytes += event->cost;
    uint64_t total = atomic_fetch_add(&inbox_total, event->cost) + event->cost;
    bool full = connection->pending >= SLB_MAX_PENDING_EVENTS || connection->inbox_bytes >= SLB_MAX_INBOX_BYTES ||
                total >= SLB_MAX_INBOX_TOTAL_BYTES;
    if (full && !connection->suspended && !connection->cancelled) {
        connection->suspended = true;
        atomic_fetch_add(&suspended_now, 1);
        xpc_connection_suspend(connection->xpc);
    }
    pthread_mutex_unlock(&connection->lock);
    object_retain(&connection->object);
    event->source = connection;
    queue_put(connection->object.queue, event);
}

void inbox_drained(struct connection *connection, uint32_t cost) {
    pthread_mutex_lock(&connection->lock);
    connection->pending--;
    connection->inbox_bytes -= cost;
    uint64_t total = atomic_fetch_sub(&inbox_total, cost) - cost;
    bool empty_enough = connection->pending <= SLB_MAX_PENDING_EVENTS / 2 &&
                        connection->inbox_bytes <= SLB_MAX_INBOX_BYTES / 2 &&
                        (connection->pending == 0 || total < SLB_MAX_INBOX_TOTAL_BYTES);
    if (connection->suspended && empty_enough) {
        connection->suspended = false;
        atomic_fetch_sub(&suspended_now, 1);
        xpc_connection_resume(connection->xpc);
    }
    pthread_mutex_unlock(&connection->lock);
}

void inbox_close(struct connection *connection) {
    pthread_mutex_lock(&connection->lock);
    bool resume = connection->suspended;
    connection->suspended = false;
    if (resume) atomic_fetch_sub(&suspended_now, 1);
    pthread_mutex_unlock(&connection->lock);
    if (resume) xpc_connection_resume(connection->xpc);
}

/*
 * ---- handlers: called by XPC on its own threads ----
 *
 * The event handler of a connection is never called by two threads at once. Its
 * reply handlers may run meanwhile, and each other's too: Apple's header promises
 * no order between them and the events, also not between a reply and a message
 * that was sent before it. Nothing here and in ffi/ relies on one.
 */

static uint32_t error_detail(xpc_object_t error) {
    if (error == XPC_ERROR_CONNECTION_INTERRUPTED) return SLB_ERROR_INTERRUPTED;
    if (error == XPC_ERROR_TERMINATION_IMMINENT) return SLB_ERROR_TERMINATION;
    return SLB_ERROR_INVALID;
}

/* Measures a received message. If it exceeds a limit, it is dropped, and the event says why. */
static void event_measure(const struct connection *connection, struct event *event) {
    struct packed_size size = {0};
    event->problem = packed_measure(event->message, &size);
    if (!event->problem && size.bytes > connection->limit) event->problem = "it is longer than its receiver takes";
    event->bytes = event->problem ? (uint32_t)strlen(event->problem) : size.bytes;
    event->cost = event->problem ? COST_MESSAGE : size.cost;
    if (!event->problem) {
        platform_message_keep(event->message);
        return;
    }
    xpc_release(event->message);
    event->message = NULL;
    if (event->kind == SLB_EVENT_MESSAGE) event->kind = SLB_EVENT_MALFORMED;
    else event->detail = SLB_ERROR_MALFORMED;
}

static void count_malformed(struct connection *connection) {
    atomic_fetch_add(&malformed_received, 1);
    pthread_mutex_lock(&connection->lock);
    uint32_t malformed = ++connection->malformed;
    pthread_mutex_unlock(&connection->lock);
    if (malformed < SLB_MAX_MALFORMED_MESSAGES) return;
    atomic_fetch_add(&ended_malformed, 1);
    connection_end(connection, SLB_REASON_MALFORMED, "process %d has sent %u messages that exceed the limits",
                   (int)xpc_connection_get_pid(connection->xpc), malformed);
}

static void end_without_memory(struct connection *connection) {
    connection_end(connection, SLB_REASON_EXHAUSTED, "this process is out of memory: a message was lost");
}

/*
 * Whether INTERRUPTED ends this connection for its owner. Apple's libxpc may report the end of a peer by endpoint
 * with it. Only a connection by name is used again: a message on another one would reach the listener as that of
 * a new peer.
 */
static bool is_lost(const struct connection *connection, xpc_object_t error) {
    return error == XPC_ERROR_CONNECTION_INTERRUPTED && !connection->by_name;
}

/* Cancels a lost connection, with the reason that the system knows before it is cancelled. */
static void lose(struct connection *connection) {
    char reason[SLB_MAX_TEXT_BYTES];
    uint32_t length = platform_reason_copy(connection->xpc, (uint8_t *)reason, sizeof reason - 1);
    reason[length] = 0;
    connection_lost(connection, length ? reason : "the other side has closed the connection or died");
}

void inbox_on_event(struct block *block, xpc_object_t object) {
    struct connection *connection = block->context;
    if (connection->gone || connection_is_deaf(connection)) return; /* `gone` is set by this thread */
    xpc_type_t type = xpc_get_type(object);
    bool last = object == XPC_ERROR_CONNECTION_INVALID || is_lost(connection, object);
    struct event *event = last ? &connection->last_event : calloc(1, sizeof *event);
    if (!event) { /* an event would be lost */
        end_without_memory(connection);
        return;
    }
    if (type == XPC_TYPE_CONNECTION) {
        event->kind = SLB_EVENT_PEER;
        event->cost = COST_MESSAGE + COST_CAPABILITY;
        event->peer = connection_create(connection->object.queue, SLB_KIND_CONNECTION, xpc_retain(object), false);
        bool own = xpc_connection_get_euid(object) == geteuid(); /* only this user is served */
        /* One that could not get its handler was told its end already, which nobody would hear. */
        bool wanted = event->peer && own && !event->peer->gone;
        if (event->peer && !wanted) object_abandon(&event->peer->object);
        if (!wanted) {
            free(event);
            return;
        }
    } else if (type == XPC_TYPE_DICTIONARY) {
        event->kind = SLB_EVENT_MESSAGE;
        event->message = xpc_retain(object);
        event->reply = xpc_dictionary_create_reply(object);
        atomic_fetch_add(&messages_received, 1);
        event_measure(connection, event);
    } else {
        event->kind = SLB_EVENT_ERROR;
        event->cost = COST_MESSAGE;
        event->detail = is_lost(connection, object) ? SLB_ERROR_INVALID : error_detail(object);
        if (event->detail != SLB_ERROR_TERMINATION) outbox_discard(&connection->outbox);
        pthread_mutex_lock(&connection->lock);
        if (last) connection->gone = true;
        event->subject = connection->ended ? connection->ended : platform_reason_code(connection->xpc);
        pthread_mutex_unlock(&connection->lock);
    }
    bool malformed = event->kind == SLB_EVENT_MALFORMED;
    if (is_lost(connection, object)) lose(connection); /* before its owner hears of it: the reason is known then */
    inbox_put(connection, event);
    if (malformed) count_malformed(connection);
}

void inbox_on_reply(struct block *block, xpc_object_t object) {
    struct connection *connection = block->context;
    bool deaf = connection_is_deaf(connection);
    struct event *event = deaf ? NULL : calloc(1, sizeof *event);
    if (event) {
        event->kind = SLB_EVENT_REPLY;
        event->subject = block->number;
        if (xpc_get_type(object) == XPC_TYPE_DICTIONARY) {
            event->message = xpc_retain(object);
            atomic_fetch_add(&messages_received, 1);
            event_measure(connection, event);
        } else {
            event->cost = COST_MESSAGE;
            event->detail = error_detail(object);
        }
        bool malformed = event->problem != NULL;
        inbox_put(connection, event);
        if (malformed) count_malformed(connection);
    } else if (!deaf) {
        end_without_memory(connection);
    }
    object_release(&connection->object); /* slb_connection_request took it for this call */
}
