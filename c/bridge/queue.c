/* queue.c: the event queue, its bell, and draining. See queue.h. */
#include "queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bell.h"
#include "connection.h"
#include "packed.h"
#include "reply.h"

struct queue {
    struct object object;
    pthread_mutex_t lock;
    struct event *first, *last;
    uint32_t first_bytes; /* the size of the first event, packed; 0: not measured yet */
    int bell_read;        /* -1 once taken */
    int bell_write;
    bool closed;
};

static atomic_ullong events_waiting;

uint64_t queue_events_waiting(void) { return atomic_load(&events_waiting); }

void queue_retain(struct queue *queue) { object_retain(&queue->object); }
void queue_release(struct queue *queue) { object_release(&queue->object); }
struct queue *queue_take(slb_handle handle) { return handle_take(handle, SLB_KIND_QUEUE); }

/* ---- the end of the thread that made a queue ----
 *
 * A Worker that is terminated runs no more JavaScript, but its thread ends: then
 * the destructor of this key closes the queue, and all its connections.
 */

static pthread_key_t owner_key;
static pthread_once_t owner_once = PTHREAD_ONCE_INIT;

static void owner_gone(void *value) { slb_release((slb_handle)(uintptr_t)value); }
static void owner_key_make(void) { pthread_key_create(&owner_key, owner_gone); }

/* ---- making and closing ---- */

static void event_drop(struct event *event) {
    if (event->message) xpc_release(event->message);
    if (event->reply) xpc_release(event->reply);
    if (event->peer) object_abandon(connection_object(event->peer));
    connection_drained(event->source);
    object_release(connection_object(event->source));
    free(event);
    atomic_fetch_sub(&events_waiting, 1);
}

static void queue_closing(struct object *object) {
    struct queue *queue = (struct queue *)object;
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    struct event *event = queue->first;
    queue->first = queue->last = NULL;
    pthread_mutex_unlock(&queue->lock);
    while (event) {
        struct event *next = event->next;
        event_drop(event);
        event = next;
    }
    handles_close_all(queue);
}

static void queue_finalize(struct object *object) {
    struct queue *queue = (struct queue *)object;
    if (queue->bell_read >= 0) close(queue->bell_read);
    close(queue->bell_write);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

slb_handle slb_queue_create(void) {
    struct queue *queue = calloc(1, sizeof *queue);
    if (!queue) {
        fail(SLB_E_MEMORY, "Cannot make an event queue: out of memory");
        return 0;
    }
    if (!bell_make(&queue->bell_read, &queue->bell_write)) {
        fail(SLB_E_SYSTEM, "Cannot make an event queue: socketpair: %s", strerror(errno));
        free(queue);
        return 0;
    }
    pthread_mutex_init(&queue->lock, NULL);
    object_init(&queue->object, SLB_KIND_QUEUE, NULL, queue_closing, queue_finalize);
    slb_handle handle = handle_consume(&queue->object);
    if (handle) {
        pthread_once(&owner_once, owner_key_make);
        pthread_setspecific(owner_key, (void *)(uintptr_t)handle);
    }
    return handle;
}

int32_t slb_queue_take_bell(slb_handle handle) {
    struct queue *queue = queue_take(handle);
    if (!queue) return SLB_E_HANDLE;
    pthread_mutex_lock(&queue->lock);
    int bell = queue->bell_read;
    queue->bell_read = -1;
    pthread_mutex_unlock(&queue->lock);
    queue_release(queue);
    return bell >= 0 ? bell : fail(SLB_E_CLOSED, "Cannot take the bell of this queue: it was taken before");
}

/* ---- putting ---- */

void queue_put(struct queue *queue, struct event *event) {
    event->next = NULL;
    atomic_fetch_add(&events_waiting, 1);
    pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    if (!closed) {
        bool was_empty = !queue->first;
        if (was_empty) queue->first = event;
        else queue->last->next = event;
        queue->last = event;
        if (was_empty) bell_ring(queue->bell_write);
    }
    pthread_mutex_unlock(&queue->lock);
    if (closed) event_drop(event);
}

/* ---- draining ---- */

static void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* Unlinks the first event. Only the drainer removes events, so it is still the one that the drainer saw. */
static void queue_unlink_first(struct queue *queue) {
    pthread_mutex_lock(&queue->lock);
    struct event *event = queue->first;
    queue->first = event->next;
    if (!queue->first) queue->last = NULL;
    queue->first_bytes = 0;
    pthread_mutex_unlock(&queue->lock);
}

/* The first event whose source still has a handle, measured. Drops those before it. */
static struct event *queue_first(struct queue *queue) {
    for (;;) {
        pthread_mutex_lock(&queue->lock);
        struct event *event = queue->first;
        pthread_mutex_unlock(&queue->lock);
        if (!event) return NULL;
        if (atomic_load(&connection_object(event->source)->handle) == 0) {
            queue_unlink_first(queue);
            event_drop(event);
            continue;
        }
        if (queue->first_bytes == 0) {
            uint32_t bytes = 0;
            if (event->message && !packed_measure(event->message, &bytes)) {
                xpc_release(event->message);
                event->message = NULL;
                if (event->kind == SLB_EVENT_MESSAGE) event->kind = SLB_EVENT_MALFORMED;
                else event->detail = SLB_ERROR_INVALID; /* an unreadable reply counts as a lost connection */
                bytes = 0;
            }
            queue->first_bytes = SLB_EVENT_HEADER_BYTES + bytes;
        }
        return event;
    }
}

/* Writes the event; as malformed if memory runs out. */
static void event_write(struct queue *queue, struct event *event, uint8_t *out, uint32_t bytes) {
    uint32_t subject = event->subject;
    if (event->reply) {
        subject = reply_handle_consume(queue, event->reply, event->message);
        event->reply = NULL;
    }
    if (event->peer) {
        subject = handle_consume(connection_object(event->peer));
        event->peer = NULL;
    }
    uint32_t body = bytes - SLB_EVENT_HEADER_BYTES;
    if (event->message && !packed_write(queue, event->message, out + SLB_EVENT_HEADER_BYTES, body)) {
        if (event->kind == SLB_EVENT_MESSAGE) event->kind = SLB_EVENT_MALFORMED;
        else event->detail = SLB_ERROR_INVALID;
    }
    put32(out, bytes);
    put32(out + 4, event->kind);
    put32(out + 8, atomic_load(&connection_object(event->source)->handle));
    put32(out + 12, subject);
    put32(out + 16, event->detail);
}

int32_t slb_queue_drain(slb_handle handle, uint8_t *buffer, uint32_t capacity) {
    struct queue *queue = queue_take(handle);
    if (!queue) return SLB_E_HANDLE;
    uint32_t written = 0;
    int32_t result = 0;
    for (struct event *event; (event = queue_first(queue));) {
        uint32_t bytes = queue->first_bytes;
        if (bytes > capacity - written) {
            if (written == 0) result = SLB_E_BUFFER;
            break;
        }
        event_write(queue, event, buffer + written, bytes);
        written += bytes;
        queue_unlink_first(queue);
        event_drop(event);
    }
    queue_release(queue);
    return result < 0 ? result : (int32_t)written;
}

uint32_t slb_queue_next_bytes(slb_handle handle) {
    struct queue *queue = queue_take(handle);
    if (!queue) return 0;
    uint32_t bytes = queue_first(queue) ? queue->first_bytes : 0;
    queue_release(queue);
    return bytes;
}
