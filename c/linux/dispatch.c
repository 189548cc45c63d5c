/*
 * dispatch.c - from the inbox to the handlers.
 *
 * A handler with a queue is handed over to libdispatch, and no thread of the pool waits for it. The
 * connection counts as dispatching until the handler has returned; then the pool runs it again.
 */
#include <stdlib.h>

#include "connection.h"

/* libdispatch's functions; NULL if the program has no libdispatch. */
__attribute__((weak)) extern void dispatch_async_f(dispatch_queue_t queue, void *context, void (*work)(void *));
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

/* The last event has been delivered. The connection releases everything that it holds. */
static void retire(xpc_connection_t connection) {
    xl_listener_dismiss_strangers(connection);
    if (connection->role == XL_PEER) xl_stranger_leave(connection);
    if (connection->kept) xpc_release(connection); /* the library's reference for the program */
    xl_connection_drop(connection);
}

/*
 * Calls the handler of the connection's current item. Meanwhile the connection has a reference for
 * the program, so a handler can retain it even after the program's last release.
 */
static void run_current(xpc_connection_t connection) {
    struct xl_item item = connection->current;
    bool event = item.kind == XL_EVENT || item.kind == XL_NEW_PEER;
    pthread_mutex_lock(&connection->lock);
    bool silent = connection->cancelled;
    bool told = item.kind == XL_LAST && connection->told_early;
    if (event && !silent) item.block = xl_block_retain(connection->handler);
    pthread_mutex_unlock(&connection->lock);

    xl_connection_attach(connection, item.object);
    if (item.block && !told) {
        xl_connection_retain(connection);
        if (item.object) xl_block_call(item.block, item.object);
        else xl_block_call_empty(item.block);
        xpc_release(connection);
    }
    xl_block_release(item.block);
    xl_queue_release(item.queue);
    xl_message_delivered(item.object);
    if (item.kind == XL_NEW_PEER) settle_peer(connection, item.object, silent);
    else xpc_release(item.object);
    if (item.kind == XL_LAST) retire(connection);

    pthread_mutex_lock(&connection->lock);
    if (item.kind == XL_BARRIER) {
        connection->in_barrier = false;
        xl_outbox_flush(connection);
    }
    pthread_mutex_unlock(&connection->lock);
}

/* On a thread of libdispatch. */
static void run_on_queue(void *context) {
    xpc_connection_t connection = context;
    run_current(connection);
    pthread_mutex_lock(&connection->lock);
    connection->dispatching = false;
    pthread_mutex_unlock(&connection->lock);
    xl_pool_schedule(connection);
    xl_connection_drop(connection);
}

/* The last event, as an item. */
static struct xl_item last_item(xpc_connection_t connection) {
    struct xl_item item = {.kind = XL_LAST, .object = XL_INVALID_ERROR, .block = connection->handler};
    connection->handler = NULL;
    connection->told = true;
    return item;
}

/* Makes the next item the current one. False if there is none. */
static bool take_next(xpc_connection_t connection) {
    struct xl_item *taken = xl_items_take_first(&connection->inbox);
    if (taken) {
        connection->current = *taken;
        if (taken == &connection->interrupted) connection->interrupted_queued = false;
        connection->inbox_bytes -= taken->charge;
        if (!taken->embedded) free(taken);
    } else if (connection->state == XL_INVALID && !connection->told) {
        connection->current = last_item(connection);
    } else {
        return false;
    }
    if (!connection->current.queue) connection->current.queue = xl_queue_retain(connection->queue);
    return true;
}

void xl_inbox_dispatch(xpc_connection_t connection) {
    if (connection->dispatching) return;
    connection->dispatching = true;
    /* Nobody has to activate a peer that was cancelled. */
    bool may_run = connection->activated || (connection->role == XL_PEER && connection->state == XL_INVALID);
    while (may_run && !connection->suspended && take_next(connection)) {
        dispatch_queue_t queue = dispatch_async_f ? connection->current.queue : NULL;
        if (queue) xl_connection_hold(connection);
        pthread_mutex_unlock(&connection->lock);
        if (queue) dispatch_async_f(queue, connection, run_on_queue);
        else run_current(connection);
        pthread_mutex_lock(&connection->lock);
        if (queue) return; /* run_on_queue continues */
    }
    connection->dispatching = false;
}
