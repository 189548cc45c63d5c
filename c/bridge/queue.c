/* queue.c: the event queue, its bell, and draining. See queue.h. */
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bell.h"
#include "bootstrap/held.h"
#include "bytes.h"
#include "connection.h"
#include "inbox.h"
#include "packed.h"
#include "platform.h"
#include "reply.h"

struct queue {
    struct object object;
    pthread_mutex_t lock;
    struct backlog *first, *last; /* the round: connections with events; the first one is served */
    int bell_read; /* also once the event loop has a copy */
    int bell_write;
    bool bell_taken;
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
    struct connection *source = event->source;
    inbox_drained(source, event->cost);
    if (event != &source->last_event) free(event);
    object_release(connection_object(source));
    atomic_fetch_sub(&events_waiting, 1);
}

static struct event *queue_take_any(struct queue *queue);

static void queue_closing(struct object *object) {
    struct queue *queue = (struct queue *)object;
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_mutex_unlock(&queue->lock);
    for (struct event *event; (event = queue_take_any(queue));) event_drop(event);
    handles_close_all(queue);
}

static void queue_finalize(struct object *object) {
    struct queue *queue = (struct queue *)object;
    held_close(queue->bell_read);
    held_close(queue->bell_write);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

slb_handle slb_queue_create(void) {
    if (held_is_forked()) {
        fail(SLB_E_CLOSED, "Cannot make an event queue: this process was forked from one that uses this library");
        return 0;
    }
    struct queue *queue = calloc(1, sizeof *queue);
    if (!queue) {
        fail(SLB_E_MEMORY, "Cannot make an event queue: out of memory");
        return 0;
    }
    if (!bell_make(&queue->bell_read, &queue->bell_write)) {
        fail(SLB_E_SYSTEM, "Cannot make an event queue: %s", platform_cause(errno));
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
    int bell = queue->bell_taken ? -1 : fcntl(queue->bell_read, F_DUPFD_CLOEXEC, 0), why = errno;
    bool taken_before = queue->bell_taken;
    if (bell >= 0) queue->bell_taken = true;
    pthread_mutex_unlock(&queue->lock);
    queue_release(queue);
    if (bell >= 0) return bell;
    if (taken_before) return fail(SLB_E_CLOSED, "Cannot take the bell of this queue: it was taken before");
    return fail(SLB_E_SYSTEM, "Cannot copy the bell of this queue: %s", platform_cause(why));
}

int queue_bell(const struct queue *queue) { return queue->bell_read; }

bool queue_has_events(struct queue *queue) {
    pthread_mutex_lock(&queue->lock);
    bool has = queue->first != NULL;
    pthread_mutex_unlock(&queue->lock);
    return has;
}

void queue_read_bell(struct queue *queue) {
    bell_read(queue->bell_read);
    if (queue_has_events(queue)) bell_ring(queue->bell_write);
}

/* ---- putting ---- */

/* Appends a connection to the round, with the lock held. It is served for the first time when all others were. */
static void append_backlog(struct queue *queue, struct backlog *backlog) {
    backlog->next = NULL;
    backlog->credit = backlog->credit + SLB_DRAIN_TURN_BYTES;
    if (queue->first) queue->last->next = backlog;
    else queue->first = backlog;
    queue->last = backlog;
}

static struct backlog *take_first_backlog(struct queue *queue) {
    struct backlog *backlog = queue->first;
    queue->first = backlog->next;
    if (!queue->first) queue->last = NULL;
    return backlog;
}

void queue_put(struct queue *queue, struct event *event) {
    event->next = NULL;
    atomic_fetch_add(&events_waiting, 1);
    pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    if (!closed) {
        bool was_empty = !queue->first;
        struct backlog *backlog = &event->source->backlog;
        if (!backlog->first) append_backlog(queue, backlog);
        if (backlog->first) backlog->last->next = event;
        else backlog->first = event;
        backlog->last = event;
        if (was_empty) bell_ring(queue->bell_write);
    }
    pthread_mutex_unlock(&queue->lock);
    if (closed) event_drop(event);
}

/* ---- draining ---- */

/* Takes the first event of the connection that is served, with the lock held. */
static struct event *take_first_event(struct queue *queue) {
    struct backlog *backlog = queue->first;
    struct event *event = backlog->first;
    backlog->first = event->next;
    backlog->credit -= backlog->credit < event->cost ? backlog->credit : event->cost;
    if (!backlog->first) {
        take_first_backlog(queue);
        backlog->credit = 0;
    }
    return event;
}

static struct event *queue_take_any(struct queue *queue) {
    pthread_mutex_lock(&queue->lock);
    struct event *event = queue->first ? take_first_event(queue) : NULL;
    pthread_mutex_unlock(&queue->lock);
    return event;
}

/* Goes round until a connection can pay for its first event. With the lock held, and at least one event. */
static struct event *find_next(struct queue *queue) {
    for (;;) {
        struct backlog *backlog = queue->first;
        struct event *event = backlog->first;
        if (!backlog->next && backlog->credit < event->cost) backlog->credit = event->cost; /* nobody else waits */
        if (backlog->credit >= event->cost) return event;
        append_backlog(queue, take_first_backlog(queue));
    }
}

/*
 * The event that is drained next, whose source still has a handle. Drops those whose source has none.
 * Only the drainer removes events and goes round, so it is still the first one of the first connection
 * when the drainer takes it.
 */
static struct event *queue_next(struct queue *queue) {
    for (;;) {
        pthread_mutex_lock(&queue->lock);
        struct event *event = queue->first ? find_next(queue) : NULL;
        pthread_mutex_unlock(&queue->lock);
        if (!event || atomic_load(&connection_object(event->source)->handle) != 0) return event;
        event_drop(queue_take_any(queue));
    }
}

static const char no_memory[] = "this process is out of memory";

/* Writes the event. Returns its length, which is shorter than measured if memory runs out. */
static uint32_t event_write(struct queue *queue, struct event *event, uint8_t *out) {
    uint32_t subject = event->subject, bytes = event->bytes;
    if (event->reply) {
        subject = reply_handle_consume(queue, event->reply, event->message);
        event->reply = NULL;
    }
    if (event->peer) {
        subject = handle_consume(connection_object(event->peer));
        event->peer = NULL;
    }
    uint8_t *body = out + SLB_EVENT_HEADER_BYTES;
    if (event->message && !packed_write(queue, event->message, body, bytes)) {
        if (event->kind == SLB_EVENT_MESSAGE) event->kind = SLB_EVENT_MALFORMED;
        else event->detail = SLB_ERROR_MALFORMED;
        event->problem = no_memory;
        if (bytes > sizeof no_memory - 1) bytes = sizeof no_memory - 1;
    }
    if (event->problem) memcpy(body, event->problem, bytes);
    put32(out, SLB_EVENT_HEADER_BYTES + bytes);
    put32(out + 4, event->kind);
    put32(out + 8, atomic_load(&connection_object(event->source)->handle));
    put32(out + 12, subject);
    put32(out + 16, event->detail);
    put32(out + 20, event->cost);
    return SLB_EVENT_HEADER_BYTES + bytes;
}

int32_t slb_queue_drain(slb_handle handle, uint8_t *buffer, uint32_t capacity) {
    struct queue *queue = queue_take(handle);
    if (!queue) return SLB_E_HANDLE;
    uint32_t written = 0;
    uint64_t cost = 0;
    int32_t result = 0;
    for (struct event *event; (event = queue_next(queue));) {
        if (cost && cost + event->cost > SLB_DRAIN_CALL_BYTES) break;
        if (SLB_EVENT_HEADER_BYTES + event->bytes > capacity - written) {
            if (written == 0) result = SLB_E_BUFFER;
            break;
        }
        written += event_write(queue, event, buffer + written);
        cost += event->cost;
        event_drop(queue_take_any(queue));
    }
    queue_release(queue);
    return result < 0 ? result : (int32_t)written;
}

uint32_t slb_queue_next_bytes(slb_handle handle) {
    struct queue *queue = queue_take(handle);
    if (!queue) return 0;
    struct event *event = queue_next(queue);
    uint32_t bytes = event ? SLB_EVENT_HEADER_BYTES + event->bytes : 0;
    queue_release(queue);
    return bytes;
}

/* One turn of slb_queue_wait: what it returns, or SLB_E_AGAIN after a look at the bell. */
static int32_t wait_once(struct queue *queue, uint64_t deadline) {
    if (queue_has_events(queue)) return 1;
    struct pollfd bell = {.fd = queue->bell_read, .events = POLLIN};
    int found = bell_poll(&bell, 1, deadline);
    if (found == 0) return 0;
    if (found < 0 && errno != EINTR) return fail(SLB_E_SYSTEM, "Cannot wait for events: %s", platform_cause(errno));
    if (found > 0) queue_read_bell(queue);
    return SLB_E_AGAIN;
}

int32_t slb_queue_wait(slb_handle handle, uint32_t timeout_ms) {
    struct queue *queue = queue_take(handle);
    if (!queue) return SLB_E_HANDLE;
    uint64_t deadline = slb_now_ns() + (uint64_t)timeout_ms * 1000000;
    int32_t result;
    do result = wait_once(queue, deadline);
    while (result == SLB_E_AGAIN);
    queue_release(queue);
    return result;
}
