/*
 * send.c - sends messages, and keeps the awaited replies.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "as_macos.h"
#include "connection.h"
#include "exhaustion.h"
#include "misuse.h"
#include "stats.h"

/* ---- Awaited replies ------------------------------------------------------------------ */

struct xl_item *xl_awaited_take(xpc_connection_t connection, uint64_t id) {
    struct xl_items *awaited = &connection->awaited;
    for (struct xl_item **link = &awaited->first; *link; link = &(*link)->next) {
        struct xl_item *item = *link;
        if (item->id != id) continue;
        *link = item->next;
        if (awaited->end == &item->next) awaited->end = link;
        return item;
    }
    return NULL;
}

void xl_awaited_finish(xpc_connection_t connection, struct xl_item *item, xpc_object_t reply) {
    if (!item->waiter) {
        item->object = reply;
        if (!item->queue && item->kind == XL_REPLY_HANDLER && xl_as_macos() && xl_reply_on_thread(connection, item)) return;
        connection->inbox_bytes += item->charge;
        xl_items_append(&connection->inbox, item);
        return;
    }
    xl_message_delivered(reply);
    item->waiter->reply = reply;
    item->waiter->done = true;
    pthread_cond_broadcast(&connection->replied);
    free(item);
}

/* ---- The outbox ----------------------------------------------------------------------- */

static void append(xpc_connection_t connection, struct xl_parcel *parcel) {
    parcel->next = NULL;
    *connection->outbox_end = parcel;
    connection->outbox_end = &parcel->next;
    connection->outbox_bytes += parcel->memory;
    xl_stats_add(XL_OUTBOX_BYTES, parcel->memory);
}

/* Removes the first parcel. If it is a barrier, that becomes due. */
static void remove_first(xpc_connection_t connection) {
    struct xl_parcel *first = connection->outbox;
    connection->outbox = first->next;
    if (!connection->outbox) connection->outbox_end = &connection->outbox;
    connection->outbox_bytes -= first->memory;
    xl_stats_subtract(XL_OUTBOX_BYTES, first->memory);
    if (first->barrier) xl_items_append(&connection->inbox, first->barrier);
    xl_parcel_free(first);
}

void xl_outbox_unwind(xpc_connection_t connection, xpc_object_t error) {
    struct xl_item *item;
    while (connection->outbox) remove_first(connection);
    while ((item = xl_items_take_first(&connection->awaited))) xl_awaited_finish(connection, item, error);
}

/*
 * Whether the kernel may hold one more parcel with a memory file or descriptors. The socket's buffer
 * does not bound these: it has room for hundreds of packets, each of which may pin 1 MiB. The kernel
 * tells only how much of the buffer is in use; each packet uses at least PACKET_LEAST of it, so that
 * bounds what is still there of what was sent.
 */
static bool may_fly(xpc_connection_t connection, const struct xl_parcel *parcel) {
    enum { PACKET_LEAST = 512 };
    uint64_t weight = xl_parcel_weight(parcel);
    if (!weight) return true;
    if (connection->in_flight + weight > XPC_LINUX_FLIGHT_MAX) {
        int used = 0;
        if (ioctl(connection->socket, SIOCOUTQ, &used) != 0) used = 0;
        uint64_t most = (uint64_t)used / PACKET_LEAST * XL_WEIGHT_MAX;
        if (connection->in_flight > most) connection->in_flight = most;
        if (most && connection->in_flight + weight > XPC_LINUX_FLIGHT_MAX) return false;
    }
    connection->in_flight += weight;
    return true;
}

/* Whether at most a quarter of the socket's buffer is in use: then the kernel calls it writable. */
static bool has_room(int socket) {
    struct pollfd state = {.fd = socket, .events = POLLOUT};
    return poll(&state, 1, 0) == 1;
}

/* Returns true if the first parcel is done. */
static bool send_first(xpc_connection_t connection) {
    if (connection->outbox->barrier) {
        connection->in_barrier = true;
        remove_first(connection);
        xl_pool_schedule(connection);
        return false;
    }
    if (connection->socket < 0) {
        connection->wanted = true;
        if (connection->look_up < 0) xl_pool_schedule(connection); /* else the answer of the bootstrap runs it */
        return false;
    }
    if (xl_as_macos() && !has_room(connection->socket)) {
        xl_connection_arm(connection);
        return false;
    }
    if (!may_fly(connection, connection->outbox)) {
        xl_pool_rest(connection); /* nothing tells when the other side has read */
        return false;
    }
    enum xl_sent sent = xl_parcel_send(connection->socket, connection->outbox, -1);
    if (sent != XL_SENT) connection->in_flight -= xl_parcel_weight(connection->outbox);
    switch (sent) {
    case XL_SENT:
    case XL_GONE: remove_first(connection); return true; /* the end is noticed when it is read, after earlier packets */
    case XL_FULL: xl_connection_arm(connection); return false;
    case XL_BUSY: xl_pool_rest(connection); return false;
    case XL_FAILED: break;
    }
    xl_connection_invalidate(connection, errno, XL_INVALID_ERROR, "cannot send: %s", xl_cause(errno));
    return false;
}

void xl_outbox_flush(xpc_connection_t connection) {
    if (!xl_connection_is_live(connection) || xl_pool_is_resting(connection)) return;
    while (connection->outbox && !connection->in_barrier && send_first(connection)) continue;
}

/* ---- The API -------------------------------------------------------------------------- */

static struct xl_item *item_create(enum xl_item_kind kind, const void *block, dispatch_queue_t queue) {
    struct xl_item *item = xl_alloc(sizeof *item);
    struct xl_block *kept = item && block ? xl_block_copy(block) : NULL;
    if (!item || (block && !kept)) {
        free(item);
        return NULL;
    }
    item->kind = kind;
    item->block = kept;
    item->queue = xl_queue_retain(queue);
    return item;
}

/* Consumes the parcel, and the item that awaits its reply, if any. */
static void submit(xpc_connection_t connection, struct xl_parcel *parcel, struct xl_item *awaiting) {
    bool listens = connection->role == XL_ANONYMOUS_LISTENER || connection->role == XL_NAMED_LISTENER;
    if (connection->state == XL_INVALID || listens) {
        xl_parcel_free(parcel);
        if (awaiting) xl_awaited_finish(connection, awaiting, XL_INVALID_ERROR);
        if (awaiting) xl_pool_schedule(connection);
        return;
    }
    if (awaiting) xl_items_append(&connection->awaited, awaiting);
    if (connection->outbox && connection->outbox_bytes + parcel->memory > XPC_LINUX_OUTBOX_MAX) {
        xl_parcel_free(parcel);
        xl_stats_add(XL_ENDED_OVER_BUDGET, 1);
        xl_connection_invalidate(connection, EXFULL, XL_INVALID_ERROR,
                                 "process %d does not read what was sent to it: %llu bytes wait, the most are %d",
                                 (int)connection->other.pid, (unsigned long long)connection->outbox_bytes,
                                 XPC_LINUX_OUTBOX_MAX);
        return;
    }
    append(connection, parcel);
    if (xl_as_macos()) xl_pool_schedule(connection);
    else xl_outbox_flush(connection);
}

/* Once per process: the program has forgotten a limit, and would else learn nothing of a message without a reply. */
static void log_refused(const char *why) {
    static atomic_flag logged = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&logged)) return;
    fprintf(stderr,
            "libxpc: a message was not sent: %s. The most are %d bytes, %d descriptors and %d levels: send what is "
            "long in shared memory (xpc_shmem_create) or in parts, and ask xpc_linux_message_check before\n",
            why, XPC_LINUX_MESSAGE_MAX, XPC_LINUX_DESCRIPTORS_MAX, XPC_LINUX_DEPTH_MAX);
}

/* Handles a message that could not be encoded. */
static void give_up(xpc_connection_t connection, enum xl_kind kind, uint64_t id, struct xl_item *awaiting,
                    const char *why, bool refused) {
    int error = errno;
    pthread_mutex_lock(&connection->lock);
    bool client = connection->role == XL_NAMED_CLIENT || connection->role == XL_ENDPOINT_CLIENT;
    bool tell = refused && client && kind == XL_KIND_MESSAGE && connection->state != XL_INVALID;
    if (tell) xl_connection_tell_interrupted(connection);
    if (refused) xl_stats_add(XL_MESSAGES_REFUSED, 1);
    else xl_connection_invalidate(connection, error, XL_INVALID_ERROR, "cannot send: %s", why);
    if (awaiting) xl_awaited_finish(connection, awaiting, refused ? XL_INTERRUPTED : XL_INVALID_ERROR);
    if (awaiting || tell) xl_pool_schedule(connection);
    pthread_mutex_unlock(&connection->lock);
    if (refused) log_refused(why);
    if (refused && kind == XL_KIND_REPLY) xl_connection_decline(connection, id); /* else the sender waits for ever */
}

static void send_kind(xpc_connection_t connection, enum xl_kind kind, uint64_t id, xpc_object_t message,
                      struct xl_item *awaiting) {
    const char *why;
    bool refused;
    struct xl_parcel *parcel = xl_parcel_create(kind, id, message, &why, &refused);
    if (!parcel) {
        give_up(connection, kind, id, awaiting, why, refused);
        return;
    }
    pthread_mutex_lock(&connection->lock);
    submit(connection, parcel, awaiting);
    pthread_mutex_unlock(&connection->lock);
}

static void send_request(xpc_connection_t connection, xpc_object_t message, struct xl_item *awaiting) {
    awaiting->id = atomic_fetch_add(&connection->last_id, 1) + 1;
    send_kind(connection, XL_KIND_REQUEST, awaiting->id, message, awaiting);
}

void xl_connection_decline(xpc_connection_t connection, uint64_t id) {
    send_kind(connection, XL_KIND_DECLINE, id, NULL, NULL);
}

/* Ends the process unless both are what `function` needs. */
static void require(xpc_connection_t connection, xpc_object_t message, const char *function) {
    xl_require_connection(connection, function);
    xl_require_message(message, function);
}

void xpc_connection_send_message(xpc_connection_t connection, xpc_object_t message) {
    struct _xpc_dictionary_s *dictionary = message;
    require(connection, message, "xpc_connection_send_message");
    if (dictionary->part != XL_REPLY || dictionary->remote != connection) {
        send_kind(connection, XL_KIND_MESSAGE, 0, message, NULL);
    } else if (dictionary->reply_id) { /* 0: the reply has been sent already */
        uint64_t id = dictionary->reply_id;
        dictionary->reply_id = 0;
        send_kind(connection, XL_KIND_REPLY, id, message, NULL);
    }
}

void xpc_connection_send_message_with_reply(xpc_connection_t connection, xpc_object_t message,
                                            dispatch_queue_t replyq, xpc_handler_t handler) {
    require(connection, message, "xpc_connection_send_message_with_reply");
    if (!handler) {
        xl_misuse("xpc_connection_send_message_with_reply", "there is no handler",
                  "pass one, or use xpc_connection_send_message if no reply is wanted");
    }
    struct xl_item *item = item_create(XL_REPLY_HANDLER, (const void *)handler, replyq);
    if (item) send_request(connection, message, item);
    else xl_block_invoke((void *)handler, XL_INTERRUPTED); /* now: there is no memory to deliver it later */
}

void xpc_connection_send_barrier(xpc_connection_t connection, dispatch_block_t barrier) {
    xl_require_connection(connection, "xpc_connection_send_barrier");
    if (!barrier) xl_misuse("xpc_connection_send_barrier", "there is no barrier", "pass a block");
    struct xl_item *item = item_create(XL_BARRIER, (const void *)barrier, NULL);
    struct xl_parcel *parcel = item ? xl_alloc(sizeof *parcel) : NULL;
    if (!parcel) {
        if (item) xl_block_release(item->block);
        free(item);
        xl_block_invoke_empty((void *)barrier);
        return;
    }
    parcel->barrier = item;
    parcel->spill = -1;
    pthread_mutex_lock(&connection->lock);
    append(connection, parcel);
    if (connection->state == XL_INVALID) {
        remove_first(connection); /* the barrier runs at once */
        xl_pool_schedule(connection);
    } else {
        xl_outbox_flush(connection);
    }
    pthread_mutex_unlock(&connection->lock);
}

xpc_object_t xpc_connection_send_message_with_reply_sync(xpc_connection_t connection, xpc_object_t message) {
    struct xl_waiter waiter = {0};
    require(connection, message, "xpc_connection_send_message_with_reply_sync");
    struct xl_item *item = item_create(XL_REPLY_HANDLER, NULL, NULL);
    if (!item || !xl_pool_block()) {
        free(item);
        return XL_INTERRUPTED;
    }
    item->waiter = &waiter;
    pthread_mutex_lock(&connection->lock);
    connection->waiters++; /* first: from now on packets are received although a handler runs */
    pthread_mutex_unlock(&connection->lock);
    send_request(connection, message, item);
    pthread_mutex_lock(&connection->lock);
    xl_connection_arm(connection);
    while (!waiter.done) pthread_cond_wait(&connection->replied, &connection->lock);
    connection->waiters--;
    pthread_mutex_unlock(&connection->lock);
    xl_pool_unblock();
    xl_connection_attach(connection, waiter.reply);
    return waiter.reply;
}
