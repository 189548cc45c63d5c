/*
 * connection.c: listeners and connections. See connection.h.
 *
 * Both the handle and XPC hold a reference to a connection: the struct is the
 * context of the xpc_connection_t, whose finalizer drops that reference. So it
 * exists as long as XPC may run a handler.
 */
#include "connection.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block.h"
#include "packed.h"
#include "platform.h"
#include "queue.h"
#include "reply.h"
#include "transfer.h"

struct connection {
    struct object object;
    xpc_connection_t xpc;
    pthread_mutex_t lock; /* guards what follows */
    uint32_t pending;     /* its events on the queue */
    bool suspended;       /* because too many events are pending */
    bool activated;
    bool cancelled;
};

static atomic_ullong messages_received;

uint64_t connection_messages_received(void) { return atomic_load(&messages_received); }

struct object *connection_object(struct connection *connection) { return &connection->object; }

/* ---- flow control: a connection is suspended while too many of its events are undrained ---- */

static void connection_put(struct connection *connection, struct event *event) {
    pthread_mutex_lock(&connection->lock);
    connection->pending++;
    if (connection->pending >= SLB_MAX_PENDING_EVENTS && !connection->suspended && !connection->cancelled) {
        connection->suspended = true;
        xpc_connection_suspend(connection->xpc);
    }
    pthread_mutex_unlock(&connection->lock);
    object_retain(&connection->object);
    event->source = connection;
    queue_put(connection->object.queue, event);
}

void connection_drained(struct connection *connection) {
    pthread_mutex_lock(&connection->lock);
    connection->pending--;
    if (connection->suspended && connection->pending <= SLB_MAX_PENDING_EVENTS / 2) {
        connection->suspended = false;
        xpc_connection_resume(connection->xpc);
    }
    pthread_mutex_unlock(&connection->lock);
}

/* ---- handlers: called by XPC on its own threads, serially for one connection ---- */

static struct connection *connection_create(struct queue *queue, uint32_t kind, xpc_connection_t xpc);

static uint32_t error_detail(xpc_object_t error) {
    if (error == XPC_ERROR_CONNECTION_INTERRUPTED) return SLB_ERROR_INTERRUPTED;
    if (error == XPC_ERROR_TERMINATION_IMMINENT) return SLB_ERROR_TERMINATION;
    return SLB_ERROR_INVALID;
}

static void on_event(struct block *block, xpc_object_t object) {
    struct connection *connection = block->context;
    struct event *event = calloc(1, sizeof *event);
    xpc_type_t type = xpc_get_type(object);
    if (!event) { /* out of memory: an event would be lost, so the connection ends */
        xpc_connection_cancel(connection->xpc);
        return;
    }
    if (type == XPC_TYPE_CONNECTION) {
        event->kind = SLB_EVENT_PEER;
        event->peer = connection_create(connection->object.queue, SLB_KIND_CONNECTION, xpc_retain(object));
        bool own = xpc_connection_get_euid(object) == geteuid(); /* only this user is served */
        if (event->peer && !own) object_abandon(&event->peer->object);
        if (!event->peer || !own) {
            free(event);
            return;
        }
    } else if (type == XPC_TYPE_DICTIONARY) {
        event->kind = SLB_EVENT_MESSAGE;
        event->message = xpc_retain(object);
        event->reply = xpc_dictionary_create_reply(object);
        atomic_fetch_add(&messages_received, 1);
    } else {
        event->kind = SLB_EVENT_ERROR;
        event->subject = platform_reason_code(connection->xpc);
        event->detail = error_detail(object);
    }
    connection_put(connection, event);
}

static void on_reply(struct block *block, xpc_object_t object) {
    struct connection *connection = block->context;
    struct event *event = calloc(1, sizeof *event);
    if (event) {
        event->kind = SLB_EVENT_REPLY;
        event->subject = block->number;
        if (xpc_get_type(object) == XPC_TYPE_DICTIONARY) {
            event->message = xpc_retain(object);
            atomic_fetch_add(&messages_received, 1);
        } else {
            event->detail = error_detail(object);
        }
        connection_put(connection, event);
    }
    object_release(&connection->object); /* slb_connection_request took it for this call */
}

/* ---- life ---- */

static void connection_cancel(struct connection *connection) {
    pthread_mutex_lock(&connection->lock);
    bool first = !connection->cancelled;
    bool resume = connection->suspended;
    bool activate = !connection->activated;
    connection->cancelled = connection->activated = true;
    connection->suspended = false;
    pthread_mutex_unlock(&connection->lock);
    if (!first) return;
    xpc_connection_cancel(connection->xpc);
    /* XPC reports the cancellation, and drops its reference, only if it may run handlers. */
    if (activate) xpc_connection_activate(connection->xpc);
    if (resume) xpc_connection_resume(connection->xpc);
}

static void connection_closing(struct object *object) {
    struct connection *connection = (struct connection *)object;
    connection_cancel(connection);
    xpc_release(connection->xpc); /* the handle's reference; `xpc` stays valid until the finalizer runs */
}

static void connection_finalize(struct object *object) {
    struct connection *connection = (struct connection *)object;
    pthread_mutex_destroy(&connection->lock);
    free(connection);
}

static void on_finalize(void *context) { object_release(&((struct connection *)context)->object); }

/* Takes `xpc` over. NULL: out of memory; the error is set, `xpc` is cancelled and released. */
static struct connection *connection_create(struct queue *queue, uint32_t kind, xpc_connection_t xpc) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        xpc_connection_cancel(xpc);
        xpc_connection_activate(xpc);
        xpc_release(xpc);
        fail(SLB_E_MEMORY, "Cannot make a connection: out of memory");
        return NULL;
    }
    object_init(&connection->object, kind, queue, connection_closing, connection_finalize);
    pthread_mutex_init(&connection->lock, NULL);
    connection->xpc = xpc;
    object_retain(&connection->object);
    xpc_connection_set_context(xpc, connection);
    xpc_connection_set_finalizer_f(xpc, on_finalize);
    struct block handler = block_make(on_event, connection, 0);
    xpc_connection_set_event_handler(xpc, block_handler(&handler));
    return connection;
}

static slb_handle connection_handle(slb_handle queue_handle, uint32_t kind, xpc_connection_t xpc) {
    struct queue *queue = queue_take(queue_handle);
    if (!xpc) fail(SLB_E_SYSTEM, "Cannot make a connection: XPC gave none");
    if (!queue || !xpc) {
        if (xpc) {
            xpc_connection_t unused = xpc;
            xpc_release(unused);
        }
        if (queue) queue_release(queue);
        return 0;
    }
    struct connection *connection = connection_create(queue, kind, xpc);
    queue_release(queue);
    return connection ? handle_consume(&connection->object) : 0;
}

slb_handle slb_listener_create(slb_handle queue) {
    return connection_handle(queue, SLB_KIND_LISTENER, xpc_connection_create(NULL, NULL));
}

static slb_handle create_service(slb_handle queue, uint32_t kind, const uint8_t *name, uint32_t length,
                                 uint64_t flags) {
    char terminated[128];
    if (length == 0 || length >= sizeof terminated || memchr(name, 0, length)) {
        fail(SLB_E_ARGUMENT, "Cannot use this service name: it has %u bytes, 1 to %zu without NUL are possible",
             length, sizeof terminated - 1);
        return 0;
    }
    memcpy(terminated, name, length);
    terminated[length] = 0;
    return connection_handle(queue, kind, xpc_connection_create_mach_service(terminated, NULL, flags));
}

slb_handle slb_listener_create_service(slb_handle queue, const uint8_t *name, uint32_t length) {
    return create_service(queue, SLB_KIND_LISTENER, name, length, XPC_CONNECTION_MACH_SERVICE_LISTENER);
}

slb_handle slb_connection_create_service(slb_handle queue, const uint8_t *name, uint32_t length) {
    return create_service(queue, SLB_KIND_CONNECTION, name, length, 0);
}

slb_handle slb_connection_create_endpoint(slb_handle queue, slb_handle endpoint) {
    struct transfer *transfer = handle_take(endpoint, SLB_KIND_ENDPOINT);
    if (!transfer) return 0;
    xpc_connection_t xpc = xpc_connection_create_from_endpoint((xpc_endpoint_t)transfer_value(transfer));
    slb_handle handle = connection_handle(queue, SLB_KIND_CONNECTION, xpc);
    object_release((struct object *)transfer);
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
    pthread_mutex_unlock(&connection->lock);
    if (activate) xpc_connection_activate(connection->xpc);
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

int32_t slb_connection_send(slb_handle handle, const uint8_t *bytes, uint32_t length) {
    struct connection *connection = handle_take(handle, SLB_KIND_CONNECTION);
    if (!connection) return SLB_E_HANDLE;
    xpc_object_t message = packed_read(bytes, length);
    if (message) {
        xpc_connection_send_message(connection->xpc, message);
        xpc_release(message);
    }
    object_release(&connection->object);
    return message ? 0 : SLB_E_ARGUMENT;
}

int32_t slb_connection_request(slb_handle handle, const uint8_t *bytes, uint32_t length, uint32_t request_id) {
    struct connection *connection = handle_take(handle, SLB_KIND_CONNECTION);
    if (!connection) return SLB_E_HANDLE;
    xpc_object_t message = packed_read(bytes, length);
    if (message) {
        object_retain(&connection->object); /* on_reply, which runs exactly once, releases it */
        struct block handler = block_make(on_reply, connection, request_id);
        xpc_connection_send_message_with_reply(connection->xpc, message, NULL, block_handler(&handler));
        xpc_release(message);
    }
    object_release(&connection->object);
    return message ? 0 : SLB_E_ARGUMENT;
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
    uint32_t length = platform_reason_copy(connection->xpc, text, capacity);
    object_release(&connection->object);
    return length;
}
