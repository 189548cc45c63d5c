/*
 * dispatch.c - from the inbox to the handlers.
 */
#include <stdlib.h>

#include "connection.h"

/* libdispatch's functions; NULL if the program has no libdispatch. */
__attribute__((weak)) extern void dispatch_sync_f(dispatch_queue_t queue, void *context, void (*work)(void *));
__attribute__((weak)) extern void dispatch_retain(void *object);
__attribute__((weak)) extern void dispatch_release(void *object);

dispatch_queue_t xl_queue_retain(dispatch_queue_t queue) {
    if (queue && dispatch_retain) dispatch_retain(queue);
    return queue;
}

void xl_queue_release(dispatch_queue_t queue) {
    if (queue && dispatch_release) dispatch_release(queue);
}

void xl_items_append(struct xl_items *items, struct xl_item *item) {
    item->next = NULL;
    *items->end = item;
    items->end = &item->next;
}

struct xl_item *xl_items_take_first(struct xl_items *items) {
    struct xl_item *first = items->first;
    if (!first) return NULL;
    items->first = first->next;
    if (!items->first) items->end = &items->first;
    return first;
}

struct call {
    struct xl_block *block;
    xpc_object_t object; /* NULL: a barrier takes none */
};

static void make_call(void *context) {
    const struct call *call = context;
    if (call->object) xl_block_call(call->block, call->object);
    else xl_block_call_empty(call->block);
}

/*
 * Runs one block, on the queue if there is one, and releases it. Meanwhile the connection has a
 * reference for the program, so a handler can retain it even after the program's last release.
 */
static void call_consume(xpc_connection_t connection, dispatch_queue_t queue, struct xl_block *block,
                         xpc_object_t object) {
    if (!block) return;
    struct call call = {.block = block, .object = object};
    xl_connection_retain(connection);
    if (queue && dispatch_sync_f) {
        bool counted = xl_pool_block(); /* the queue may be busy for long, so another thread takes over */
        dispatch_sync_f(queue, &call, make_call);
        if (counted) xl_pool_unblock();
    } else {
        make_call(&call);
    }
    xl_block_release(block);
    xpc_release(connection);
}

void xl_connection_attach(xpc_connection_t connection, xpc_object_t object) {
    struct _xpc_dictionary_s *message = xl_as(object, XPC_TYPE_DICTIONARY);
    if (!message) return;
    xl_connection_retain(connection);
    message->remote = connection;
}

/*
 * Called when the listener's handler has returned, or must not run. A peer that the program keeps
 * and activates later belongs to the program until then; the last release ends it.
 */
static void settle_peer(xpc_connection_t listener, xpc_connection_t peer, bool unwanted) {
    pthread_mutex_lock(&peer->lock);
    bool inactive = peer->state == XL_INACTIVE;
    bool ignored = inactive && atomic_load(&peer->head.references) == 1;
    bool later = inactive && !ignored && !unwanted;
    if (later) peer->kept = false;
    pthread_mutex_unlock(&peer->lock);
    if (ignored || unwanted) xpc_connection_cancel(peer);
    if (later) xpc_release(peer);
    xl_connection_drop(listener);
    xl_connection_drop(peer);
}

static void perform(xpc_connection_t connection, struct xl_item *taken) {
    struct xl_item item = *taken;
    if (taken == &connection->interrupted) connection->interrupted_queued = false;
    if (!item.embedded) free(taken);
    bool silent = connection->cancelled;
    bool event = item.kind == XL_EVENT || item.kind == XL_NEW_PEER;
    if (event && !silent) item.block = xl_block_retain(connection->handler);
    if (!item.queue) item.queue = xl_queue_retain(connection->queue);
    pthread_mutex_unlock(&connection->lock);

    xl_connection_attach(connection, item.object);
    call_consume(connection, item.queue, item.block, item.object);
    xl_queue_release(item.queue);
    if (item.kind == XL_NEW_PEER) settle_peer(connection, item.object, silent);
    else xpc_release(item.object);

    pthread_mutex_lock(&connection->lock);
    if (item.kind == XL_BARRIER) {
        connection->in_barrier = false;
        xl_outbox_flush(connection);
    }
}

/* The last event. The connection releases everything that it holds. */
static void tell_invalid(xpc_connection_t connection) {
    struct xl_block *handler = connection->handler;
    dispatch_queue_t queue = xl_queue_retain(connection->queue);
    bool told_early = connection->told_early;
    connection->handler = NULL;
    connection->told = true;
    pthread_mutex_unlock(&connection->lock);

    if (told_early) xl_block_release(handler);
    else call_consume(connection, queue, handler, XL_INVALID_ERROR);
    xl_queue_release(queue);
    xl_listener_dismiss_strangers(connection);
    if (connection->role == XL_PEER) xl_stranger_leave(connection);
    if (connection->kept) xpc_release(connection); /* the library's reference for the program */
    xl_connection_drop(connection);

    pthread_mutex_lock(&connection->lock);
}

void xl_inbox_dispatch(xpc_connection_t connection) {
    if (connection->dispatching) return;
    connection->dispatching = true;
    while (!connection->suspended && connection->state != XL_INACTIVE) {
        struct xl_item *item = xl_items_take_first(&connection->inbox);
        if (item) perform(connection, item);
        else if (connection->state == XL_INVALID && !connection->told) tell_invalid(connection);
        else break;
    }
    connection->dispatching = false;
}
