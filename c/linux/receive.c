/*
 * receive.c - moves packets from the socket to the inbox.
 */
#include <unistd.h>

#include "connection.h"

enum { PACKETS_AT_ONCE = 64 }; /* then handlers run; further packets stay in the kernel */

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
    xl_items_append(&connection->inbox, item);
    return true;
}

/* Consumes the packet. Returns NULL, or why it is refused. */
static const char *handle(xpc_connection_t connection, struct xl_packet *packet) {
    const char *why = xl_connection_identify(connection, &packet->sender);
    struct xl_item *awaited = NULL;
    switch (packet->header.kind) {
    case XL_KIND_MESSAGE:
    case XL_KIND_REQUEST:
        if (!why && xl_inbox_add_message(connection, packet)) return NULL;
        if (!why) why = "out of memory";
        break;
    case XL_KIND_REPLY:
        if (!why) awaited = xl_awaited_take(connection, packet->header.id);
        if (awaited) xl_awaited_finish(connection, awaited, packet->body);
        if (awaited) return NULL;
        break;
    case XL_KIND_DECLINE:
        if (!why) awaited = xl_awaited_take(connection, packet->header.id);
        if (awaited) xl_awaited_finish(connection, awaited, XL_INTERRUPTED);
        break;
    case XL_KIND_CONNECT:
        close(packet->descriptor);
        if (!why) why = "only an endpoint can be connected to";
        break;
    }
    xpc_release(packet->body); /* safe with the lock held: without a remote connection it sends no decline */
    return why;
}

void xl_inbox_receive(xpc_connection_t connection) {
    for (int i = 0; i < PACKETS_AT_ONCE; i++) {
        /* While a handler runs, packets wait in the kernel, unless a thread waits for a reply. */
        if (connection->dispatching && !connection->waiters) return;
        struct xl_packet packet;
        const char *why = NULL;
        switch (xl_packet_receive(connection->socket, &packet, &why)) {
        case XL_RECEIVED: why = handle(connection, &packet); break;
        case XL_BAD: break;
        case XL_END: xl_connection_lost(connection); return;
        case XL_NOTHING:
            if (connection->listener_gone) xl_connection_lost(connection);
            return;
        }
        if (!why) continue;
        xl_connection_invalidate(connection, XL_INVALID_ERROR, "a packet was refused: %s", why);
        return;
    }
}
