/*
 * receive.c - moves packets from the socket to the inbox.
 */
#include <errno.h>
#include <unistd.h>

#include "connection.h"
#include "exhaustion.h"
#include "room.h"
#include "stats.h"

enum { PACKETS_AT_ONCE = 64, BYTES_AT_ONCE = 1024 * 1024 }; /* then handlers run; further packets stay in the kernel */
enum { INBOX_MAX = 1024 * 1024 };           /* the same in bytes; one message always fits */
enum { INBOX_WAITING_MAX = 8 * 1024 * 1024 }; /* while a thread waits for a reply, which comes behind other messages */

const char *xl_connection_identify(xpc_connection_t connection, const struct ucred *sender) {
    if (sender->uid != geteuid()) return "the sender is another user";
    if (!connection->identified) {
        connection->other = *sender;
        connection->identified = true;
        return NULL;
    }
    /*
     * Each packet is checked, not just the first: a socket can be passed on or inherited, and the
     * process that uses it then must not act as the process that opened it.
     */
    bool same = sender->pid == connection->other.pid && sender->uid == connection->other.uid;
    return same ? NULL : "the sender is another process than before";
}

bool xl_inbox_add_message(xpc_connection_t connection, const struct xl_packet *packet) {
    struct _xpc_dictionary_s *message = packet->body;
    struct xl_item *item = xl_alloc(sizeof *item);
    if (!item) return false;
    if (packet->header.kind == XL_KIND_REQUEST) {
        message->part = XL_REQUEST;
        message->reply_id = packet->header.id;
    }
    item->kind = XL_EVENT;
    item->object = message;
    item->charge = packet->cost;
    connection->inbox_bytes += packet->cost;
    xl_items_append(&connection->inbox, item);
    return true;
}

/* Takes room for the next packet. In most cases there is room for any packet, so it need not be looked at. */
static bool take_room(xpc_connection_t connection, uint64_t *room) {
    *room = XL_ROOM_MESSAGE_MAX;
    if (xl_room_take(*room, connection->waits_for_room)) return true;
    *room = xl_packet_cost_most(connection->socket);
    return xl_room_take(*room, connection->waits_for_room);
}

/*
 * Those that wait rest, and are run in the order in which they began to. Meanwhile no other connection
 * gets room for a large message, so a connection waits for one message of each other at most.
 */
static void wait_for_room(xpc_connection_t connection) {
    if (!connection->waits_for_room) xl_room_wait();
    connection->waits_for_room = true;
    xl_pool_rest(connection);
}

void xl_connection_end_wait(xpc_connection_t connection) {
    if (connection->waits_for_room) xl_room_end_wait();
    connection->waits_for_room = false;
}

enum xl_received xl_connection_receive(xpc_connection_t connection, struct xl_packet *packet, const char **why) {
    uint64_t room, used = 0;
    if (!take_room(connection, &room)) {
        wait_for_room(connection);
        return XL_NOTHING;
    }
    xl_connection_end_wait(connection);
    enum xl_received received = xl_packet_receive(connection->socket, packet, why);
    if (received == XL_RECEIVED && packet->body && packet->cost <= room) {
        used = packet->cost;
        ((struct _xpc_dictionary_s *)packet->body)->charge = used;
    }
    xl_room_give(room - used);
    return received;
}

/* Consumes the packet. Returns NULL, or why it is refused. */
static const char *handle(xpc_connection_t connection, struct xl_packet *packet) {
    const char *why = xl_connection_identify(connection, &packet->sender);
    struct xl_item *awaited = NULL;
    switch (packet->header.kind) {
    case XL_KIND_MESSAGE:
    case XL_KIND_REQUEST:
        if (!why && xl_inbox_add_message(connection, packet)) return NULL;
        if (!why) packet->error = ENOMEM;
        if (!why) why = xl_cause(ENOMEM);
        break;
    case XL_KIND_REPLY:
        if (!why) awaited = xl_awaited_take(connection, packet->header.id);
        if (awaited) {
            awaited->charge = packet->cost;
            xl_awaited_finish(connection, awaited, packet->body);
            return NULL;
        }
        break;
    case XL_KIND_DECLINE:
        if (!why) awaited = xl_awaited_take(connection, packet->header.id);
        if (awaited) xl_awaited_finish(connection, awaited, XL_INTERRUPTED);
        break;
    case XL_KIND_CONNECT:
    case XL_KIND_DERIVE:
        close(packet->descriptor);
        if (!why) why = "only an endpoint can be connected to or passed on";
        break;
    case XL_KIND_GOODBYE:
        if (!why) xl_connection_lost(connection, packet);
        break;
    }
    xpc_release(packet->body); /* safe with the lock held: without a remote connection it sends no decline */
    return why;
}

/* Whether another packet may be added. */
static bool has_space(xpc_connection_t connection) {
    /* While a handler runs, packets wait in the kernel, unless a thread waits for a reply. */
    if (connection->dispatching && !connection->waiters) return false;
    if (connection->inbox_bytes < INBOX_MAX) return true;
    if (!connection->waiters) return false;
    if (connection->inbox_bytes < INBOX_WAITING_MAX) return true;
    xl_stats_add(XL_ENDED_OVER_BUDGET, 1);
    xl_connection_invalidate(connection, EXFULL, XL_INVALID_ERROR,
                             "process %d sends messages instead of the reply that is waited for: %llu bytes of them wait here",
                             (int)connection->other.pid, (unsigned long long)connection->inbox_bytes);
    return false;
}

void xl_inbox_receive(xpc_connection_t connection) {
    size_t bytes = 0;
    for (int i = 0; i < PACKETS_AT_ONCE && bytes < BYTES_AT_ONCE; i++) {
        if (!has_space(connection)) return;
        struct xl_packet packet;
        const char *why = NULL;
        switch (xl_connection_receive(connection, &packet, &why)) {
        case XL_RECEIVED:
            bytes += packet.header.length;
            why = handle(connection, &packet);
            break;
        case XL_STARVED:
        case XL_BAD: break;
        case XL_END: xl_connection_lost(connection, NULL); return;
        case XL_NOTHING:
            if (connection->listener_gone && !connection->waits_for_room) xl_connection_lost(connection, NULL);
            return;
        }
        if (why) {
            const char *what = packet.error == EBADMSG ? "a packet was refused" : "cannot receive";
            xl_connection_invalidate(connection, packet.error, XL_INVALID_ERROR, "%s: %s", what, why);
        }
        if (connection->socket < 0) return; /* also after a goodbye */
    }
}
