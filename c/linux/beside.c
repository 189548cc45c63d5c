/*
 * beside.c - reply handlers without a queue, as on a Mac: each runs on a thread of its own, beside the
 * connection's event handler. See as_macos.h.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "connection.h"

struct beside {
    xpc_connection_t connection; /* held */
    struct xl_item item;
};

static void *run(void *context) {
    struct beside *beside = context;
    xl_connection_attach(beside->connection, beside->item.object);
    xl_connection_retain(beside->connection);
    xl_block_call(beside->item.block, beside->item.object);
    xpc_release(beside->connection);
    xl_block_release(beside->item.block);
    xl_message_delivered(beside->item.object);
    xpc_release(beside->item.object);
    xl_connection_drop(beside->connection);
    free(beside);
    return NULL;
}

bool xl_reply_beside(xpc_connection_t connection, struct xl_item *item) {
    struct beside *beside = malloc(sizeof *beside);
    if (!beside) return false;
    *beside = (struct beside){.connection = connection, .item = *item};
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    xl_connection_hold(connection);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits this: signals go to the program's threads */
    int why = pthread_create(&thread, NULL, run, beside);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why) {
        atomic_fetch_sub(&connection->holds, 1); /* not the last one: the caller has one */
        free(beside);
        return false;
    }
    pthread_detach(thread);
    free(item);
    return true;
}
