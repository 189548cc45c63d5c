/* farewell.c: see farewell.h. */
#include "farewell.h"

#include <pthread.h>

#include "block.h"
#include "connection.h"

static struct {
    pthread_mutex_t lock;
    struct connection *oldest, **newest_end;
    int count;
} waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .newest_end = &waiting.oldest};

/* With the lock held: takes a connection from the list. False: it is not in it. */
static bool take(struct connection *connection) {
    struct connection **link = &waiting.oldest;
    while (*link && *link != connection) link = &(*link)->next_farewell;
    if (!*link) return false;
    *link = connection->next_farewell;
    if (!*link) waiting.newest_end = link;
    waiting.count--;
    return true;
}

static void on_sent(struct block *block) {
    struct connection *connection = block->context;
    pthread_mutex_lock(&waiting.lock);
    take(connection); /* not in the list: it had to make room */
    pthread_mutex_unlock(&waiting.lock);
    outbox_discard(&connection->outbox);
    xpc_connection_cancel(connection->xpc);
    xpc_release(connection->xpc);
    object_release(&connection->object);
}

void farewell_begin_consume(struct connection *connection) {
    pthread_mutex_lock(&waiting.lock);
    connection->next_farewell = NULL;
    *waiting.newest_end = connection;
    waiting.newest_end = &connection->next_farewell;
    struct connection *oldest = ++waiting.count > SLB_MAX_FAREWELLS ? waiting.oldest : NULL;
    if (oldest) {
        take(oldest);
        object_retain(&oldest->object); /* its barrier may run now, and drops the references that it has */
        xpc_retain(oldest->xpc);
    }
    pthread_mutex_unlock(&waiting.lock);
    struct block barrier = block_make_empty(on_sent, connection);
    xpc_connection_send_barrier(connection->xpc, (dispatch_block_t)(void *)&barrier);
    if (!oldest) return;
    xpc_connection_cancel(oldest->xpc); /* runs its barrier */
    xpc_release(oldest->xpc);
    object_release(&oldest->object);
}
