/*
 * connection.c: listeners and connections. See connection.h.
 *
 * Both the handle and XPC hold a reference to a connection: the struct is the
 * context of the xpc_connection_t, whose finalizer drops that reference. So it
 * exists as long as XPC may run a handler.
 */
#include "connection.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "block.h"
#include "bytes.h"
#include "farewell.h"
#include "inbox.h"
#include "packed.h"
#include "platform.h"
#include "queue.h"
#include "rights.h"
#include "transfer.h"

struct object *connection_object(struct connection *connection) { return &connection->object; }
struct connection *connection_of(xpc_connection_t xpc) { return xpc_connection_get_context(xpc); }

/* ---- life ---- */

static void connection_cancel(struct connection *connection) {
    pthread_mutex_lock(&connection->lock);
    bool first = !connection->cancelled;
    bool activate = !connection->activated;
    connection->cancelled = connection->activated = true;
    /* Another thread may release the handle's reference meanwhile. A connection that is inactive or suspended must keep one. */
    if (first) xpc_retain(connection->xpc);
    pthread_mutex_unlock(&connection->lock);
    if (!first) return;
    outbox_discard(&connection->outbox);
    xpc_connection_cancel(connection->xpc);
    /* XPC reports the cancellation, and drops its reference, only if it may run handlers. */
    if (activate) xpc_connection_activate(connection->xpc);
    inbox_close(connection);
    xpc_release(connection->xpc);
}

void connection_end(struct connection *connection, uint32_t reason, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&connection->lock);
    bool first = !connection->ended && !connection->cancelled;
    if (first) connection->ended = reason;
    if (first) vsnprintf(connection->reason, sizeof connection->reason, format, arguments);
    pthread_mutex_unlock(&connection->lock);
    va_end(arguments);
    if (!first) return;
    platform_cancel_because(connection->xpc, reason, connection->reason); /* neither changes again */
    connection_cancel(connection);
}

void connection_lost(struct connection *connection, const char *reason) {
    pthread_mutex_lock(&connection->lock);
    connection->gone = true;
    if (!connection->reason[0]) snprintf(connection->reason, sizeof connection->reason, "%s", reason);
    pthread_mutex_unlock(&connection->lock);
    connection_cancel(connection);
}

bool connection_is_deaf(struct connection *connection) {
    pthread_mutex_lock(&connection->lock);
    bool deaf = connection->deaf;
    pthread_mutex_unlock(&connection->lock);
    return deaf;
}

static void connection_closing(struct object *object) {
    struct connection *connection = (struct connection *)object;
    pthread_mutex_lock(&connection->lock);
    connection->deaf = true;
    bool waits = connection->sent && connection->activated && !connection->cancelled;
    if (waits) {
        connection->cancelled = true;
        object_retain(object);
        xpc_retain(connection->xpc);
    }
    pthread_mutex_unlock(&connection->lock);
    if (waits) {
        inbox_close(connection); /* a suspended connection sends nothing */
        farewell_begin_consume(connection);
    } else {
        connection_cancel(connection);
    }
    xpc_release(connection->xpc); /* the handle's reference; `xpc` stays valid until the finalizer runs */
}

static void connection_finalize(struct object *object) {
    struct connection *connection = (struct connection *)object;
    pthread_mutex_destroy(&connection->lock);
    outbox_finalize(&connection->outbox);
    free(connection);
}

static void on_finalize(void *context) { object_release(&((struct connection *)context)->object); }

static void ignore_event(struct block *block, xpc_object_t object) {
    (void)block;
    (void)object;
}

/* XPC ends the process at the release of a connection that was never activated, and at an activation without a handler. */
static void xpc_discard(xpc_connection_t xpc) {
    struct block handler = block_make(ignore_event, NULL, 0);
    xpc_connection_set_event_handler(xpc, block_handler(&handler));
    xpc_connection_cancel(xpc);
    xpc_connection_activate(xpc);
    xpc_release(xpc);
}

struct connection *connection_create(struct queue *queue, uint32_t kind, xpc_connection_t xpc, bool by_name) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        xpc_discard(xpc);
        fail(SLB_E_MEMORY, "Cannot make a connection: out of memory");
        return NULL;
    }
    object_init(&connection->object, kind, queue, connection_closing, connection_finalize);
    pthread_mutex_init(&connection->lock, NULL);
    outbox_init(&connection->outbox, &connection->object);
    connection->backlog.connection = connection;
    connection->xpc = xpc;
    connection->by_name = by_name;
    connection->limit = SLB_MAX_MESSAGE_BYTES;
    object_retain(&connection->object);
    xpc_connection_set_context(xpc, connection);
    xpc_connection_set_finalizer_f(xpc, on_finalize);
    struct block handler = block_make(inbox_on_event, connection, 0);
    xpc_connection_set_event_handler(xpc, block_handler(&handler));
    return connection;
}

/* Takes `xpc` over, which may be NULL. NULL with the error set on failure. */
static struct connection *connection_consume(struct queue *queue, uint32_t kind, xpc_connection_t xpc, bool by_name) {
    if (xpc) return connection_create(queue, kind, xpc, by_name);
    fail(SLB_E_SYSTEM, "Cannot make a connection: XPC gave none");
    return NULL;
}

/* As connection_consume. 0 with the error set on failure. */
static slb_handle connection_handle_consume(struct queue *queue, uint32_t kind, xpc_connection_t xpc) {
    struct connection *connection = connection_consume(queue, kind, xpc, false);
    return connection ? handle_consume(&connection->object) : 0;
}

slb_handle slb_listener_create(slb_handle queue_handle) {
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    slb_handle handle = connection_handle_consume(queue, SLB_KIND_LISTENER, xpc_connection_create(NULL, NULL));
    queue_release(queue);
    return handle;
}

/* Has it end when it is activated: XPC tells the end of a cancelled connection then. */
static void refuse(struct connection *connection, const struct service *service) {
    connection->ended = service->reason;
    snprintf(connection->reason, sizeof connection->reason, "%s", service->text);
    xpc_connection_cancel(connection->xpc);
}

static slb_handle create_service(slb_handle queue_handle, uint32_t kind, const uint8_t *name, uint32_t length) {
    char terminated[128];
    if (!text_read(name, length, terminated, sizeof terminated)) {
        fail(SLB_E_ARGUMENT, "Cannot use this service name: it has %u bytes, 1 to %zu without NUL are possible",
             length, sizeof terminated - 1);
        return 0;
    }
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    struct service service;
    if (kind == SLB_KIND_LISTENER) service_listen(terminated, &service);
    else service_connect(terminated, &service);
    struct connection *connection = connection_consume(queue, kind, service.xpc, service.by_name);
    if (connection && service.refused) refuse(connection, &service);
    slb_handle handle = connection ? handle_consume(&connection->object) : 0;
    queue_release(queue);
    return handle;
}

slb_handle slb_listener_create_service(slb_handle queue, const uint8_t *name, uint32_t length) {
    return create_service(queue, SLB_KIND_LISTENER, name, length);
}

slb_handle slb_connection_create_service(slb_handle queue, const uint8_t *name, uint32_t length) {
    return create_service(queue, SLB_KIND_CONNECTION, name, length);
}

slb_handle slb_connection_create_endpoint(slb_handle queue_handle, slb_handle endpoint) {
    struct transfer *transfer = handle_take(endpoint, SLB_KIND_ENDPOINT);
    struct queue *queue = transfer ? queue_take(queue_handle) : NULL;
    slb_handle handle = 0;
    if (queue) {
        xpc_connection_t xpc = xpc_connection_create_from_endpoint((xpc_endpoint_t)transfer_value(transfer));
        handle = connection_handle_consume(queue, SLB_KIND_CONNECTION, xpc);
        queue_release(queue);
    }
    if (transfer) object_release((struct object *)transfer);
    return handle;
}

slb_handle slb_endpoint_create(slb_handle listener_handle) {
    struct connection *listener = handle_take(listener_handle, SLB_KIND_LISTENER);
    if (!listener) return 0;
    xpc_object_t endpoint = xpc_endpoint_create(listener->xpc);
    slb_handle handle = 0;
    if (endpoint) handle = transfer_handle_consume(listener->object.queue, SLB_KIND_ENDPOINT, endpoint);
    else fail(SLB_E_SYSTEM, "Cannot make an endpoint: the listener is cancelled, or descriptors ran out");
    object_release(&listener->object);
    return handle;
}

/* The connection or listener that the handle names: most functions accept both. */
static struct connection *take_either(slb_handle handle) {
    struct connection *connection = handle_take(handle, SLB_KIND_CONNECTION);
    return connection ? connection : handle_take(handle, SLB_KIND_LISTENER);
}

int32_t slb_connection_activate(slb_handle handle) {
    struct connection *connection = take_either(handle);
    if (!connection) return SLB_E_HANDLE;
    pthread_mutex_lock(&connection->lock);
    bool activate = !connection->activated;
    connection->activated = true;
    if (activate) xpc_retain(connection->xpc); /* see connection_cancel */
    pthread_mutex_unlock(&connection->lock);
    if (activate) {
        xpc_connection_activate(connection->xpc);
        xpc_release(connection->xpc);
    }
    object_release(&connection->object);
    return 0;
}

int32_t slb_connection_cancel(slb_handle handle) {
    struct connection *connection = take_either(handle);
    if (!connection) return SLB_E_HANDLE;
    connection_cancel(connection);
    object_release(&connection->object);
    return 0;
}

/* ---- messages ---- */

static atomic_ullong ended_outbox;

uint64_t connections_ended_outbox(void) { return atomic_load(&ended_outbox); }

/* Makes room in the outbox for a message. Returns 0, or SLB_E_OUTBOX with the error set, and ends the connection. */
static int32_t make_room(struct connection *connection, uint32_t bytes) {
    pthread_mutex_lock(&connection->lock);
    connection->sent = true;
    pthread_mutex_unlock(&connection->lock);
    if (outbox_add(&connection->outbox, bytes)) return 0;
    int pid = (int)xpc_connection_get_pid(connection->xpc);
    unsigned long long waiting = outbox_waiting(&connection->outbox);
    atomic_fetch_add(&ended_outbox, 1);
    connection_end(connection, SLB_REASON_OUTBOX,
                   "process %d does not read what was sent to it: %llu bytes wait, the most are %d", pid, waiting,
                   SLB_MAX_OUTBOX_BYTES);
    return fail(SLB_E_OUTBOX,
                "Cannot send %u bytes to process %d, which does not read: %llu bytes wait for it, the most are %d; "
                "the connection is ended",
                bytes, pid, waiting, SLB_MAX_OUTBOX_BYTES);
}

int32_t connection_send(struct connection *connection, xpc_object_t message, uint32_t bytes) {
    int32_t result = make_room(connection, bytes);
    if (result < 0) return result;
    xpc_connection_send_message(connection->xpc, message);
    outbox_follow(&connection->outbox, connection->xpc);
    return 0;
}

static int32_t connection_request(struct connection *connection, xpc_object_t message, uint32_t bytes,
                                  uint32_t request_id) {
    int32_t result = make_room(connection, bytes);
    if (result < 0) return result;
    object_retain(&connection->object); /* inbox_on_reply, which runs exactly once, releases it */
    struct block handler = block_make(inbox_on_reply, connection, request_id);
    xpc_connection_send_message_with_reply(connection->xpc, message, NULL, block_handler(&handler));
    outbox_follow(&connection->outbox, connection->xpc);
    return 0;
}

int32_t slb_connection_send(slb_handle handle, const uint8_t *bytes, uint32_t length) {
    struct connection *connection = handle_take(handle, SLB_KIND_CONNECTION);
    if (!connection) return SLB_E_HANDLE;
    uint32_t sent;
    xpc_object_t message = packed_read(bytes, length, &sent);
    int32_t result = message ? connection_send(connection, message, sent) : SLB_E_ARGUMENT;
    if (message) xpc_release(message);
    object_release(&connection->object);
    return result;
}

int32_t slb_connection_request(slb_handle handle, const uint8_t *bytes, uint32_t length, uint32_t request_id) {
    struct connection *connection = handle_take(handle, SLB_KIND_CONNECTION);
    if (!connection) return SLB_E_HANDLE;
    uint32_t sent;
    xpc_object_t message = packed_read(bytes, length, &sent);
    int32_t result = message ? connection_request(connection, message, sent, request_id) : SLB_E_ARGUMENT;
    if (message) xpc_release(message);
    object_release(&connection->object);
    return result;
}

int32_t slb_connection_limit(slb_handle handle, uint32_t bytes) {
    struct connection *connection = handle_take(handle, SLB_KIND_CONNECTION);
    if (!connection) return SLB_E_HANDLE;
    connection->limit = bytes;
    object_release(&connection->object);
    return 0;
}

int32_t slb_connection_queues(slb_handle handle, uint64_t *values) {
    struct connection *connection = take_either(handle);
    if (!connection) return SLB_E_HANDLE;
    pthread_mutex_lock(&connection->lock);
    values[0] = connection->inbox_bytes;
    values[1] = connection->pending;
    values[3] = connection->suspended;
    pthread_mutex_unlock(&connection->lock);
    values[2] = outbox_waiting(&connection->outbox);
    object_release(&connection->object);
    return 0;
}

/* ---- the peer, and the reason of an end ---- */

int32_t slb_connection_peer(slb_handle handle, int32_t *values) {
    struct connection *connection = handle_take(handle, SLB_KIND_CONNECTION);
    if (!connection) return SLB_E_HANDLE;
    values[0] = xpc_connection_get_pid(connection->xpc);
    values[1] = (int32_t)xpc_connection_get_euid(connection->xpc);
    values[2] = (int32_t)xpc_connection_get_egid(connection->xpc);
    values[3] = (int32_t)xpc_connection_get_asid(connection->xpc);
    object_release(&connection->object);
    return 0;
}

uint32_t slb_connection_reason_copy(slb_handle handle, uint8_t *text, uint32_t capacity) {
    struct connection *connection = take_either(handle);
    if (!connection) return 0;
    pthread_mutex_lock(&connection->lock);
    uint32_t length = text_write(connection->reason, text, capacity);
    pthread_mutex_unlock(&connection->lock);
    if (!length) length = platform_reason_copy(connection->xpc, text, capacity);
    object_release(&connection->object);
    return length;
}
