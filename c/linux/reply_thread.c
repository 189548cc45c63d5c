/*
 * reply_thread.c - reply handlers without a queue, as on a Mac: each runs on a thread of its own, beside the
 * connection's event handler. See as_macos.h.
 */
#include <stdlib.h>

#include "bootstrap/quiet_thread.h"
#include "connection.h"

struct reply_call {
    xpc_connection_t connection; /* held */
    struct xl_item item;
};

static void *run(void *context) {
    struct reply_call *call = context;
    xl_connection_attach(call->connection, call->item.object);
    xl_connection_retain(call->connection);
    xl_block_call(call->item.block, call->item.object);
    xpc_release(call->connection);
    xl_block_release(call->item.block);
    xl_message_delivered(call->item.object);
    xpc_release(call->item.object);
    xl_connection_drop(call->connection);
    free(call);
    return NULL;
}

bool xl_reply_on_thread(xpc_connection_t connection, struct xl_item *item) {
    struct reply_call *call = malloc(sizeof *call);
    if (!call) return false;
    *call = (struct reply_call){.connection = connection, .item = *item};
    xl_connection_hold(connection);
    if (quiet_thread_start(NULL, run, call) != 0) {
        atomic_fetch_sub(&connection->holds, 1); /* not the last one: the caller has one */
        free(call);
        return false;
    }
    free(item);
    return true;
}
