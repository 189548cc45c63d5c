/* outbox.c: see outbox.h. */
#include "outbox.h"

#include "block.h"

static atomic_ullong waiting;

uint64_t outboxes_waiting(void) { return atomic_load(&waiting); }

void outbox_init(struct outbox *outbox, struct object *owner) {
    outbox->owner = owner;
    pthread_mutex_init(&outbox->lock, NULL);
}

void outbox_finalize(struct outbox *outbox) {
    outbox_discard(outbox);
    pthread_mutex_destroy(&outbox->lock);
}

/* With the lock held. */
static void set_left(struct outbox *outbox, uint64_t left) {
    if (left <= outbox->left) return;
    atomic_fetch_sub(&waiting, left - outbox->left);
    outbox->left = left;
}

bool outbox_add(struct outbox *outbox, uint32_t bytes) {
    pthread_mutex_lock(&outbox->lock);
    uint64_t before = outbox->sent - outbox->left;
    /* So little may have left already, without a barrier to tell. */
    bool fits = before < SLB_OUTBOX_STEP_BYTES || before + bytes <= SLB_MAX_OUTBOX_BYTES;
    if (fits) {
        outbox->sent += bytes;
        atomic_fetch_add(&waiting, bytes);
    }
    pthread_mutex_unlock(&outbox->lock);
    return fits;
}

static void on_barrier(struct block *block) {
    struct outbox *outbox = block->context;
    pthread_mutex_lock(&outbox->lock);
    set_left(outbox, outbox->behind);
    outbox->behind = 0;
    pthread_mutex_unlock(&outbox->lock);
    object_release(outbox->owner); /* outbox_follow took it for this call */
}

void outbox_follow(struct outbox *outbox, xpc_connection_t connection) {
    pthread_mutex_lock(&outbox->lock);
    bool due = outbox->behind == 0 && outbox->sent - outbox->left >= SLB_OUTBOX_STEP_BYTES;
    if (due) outbox->behind = outbox->sent;
    pthread_mutex_unlock(&outbox->lock);
    if (!due) return;
    object_retain(outbox->owner);
    struct block barrier = block_make_empty(on_barrier, outbox);
    xpc_connection_send_barrier(connection, (dispatch_block_t)(void *)&barrier);
}

void outbox_discard(struct outbox *outbox) {
    pthread_mutex_lock(&outbox->lock);
    set_left(outbox, outbox->sent);
    pthread_mutex_unlock(&outbox->lock);
}

uint64_t outbox_waiting(struct outbox *outbox) {
    pthread_mutex_lock(&outbox->lock);
    uint64_t bytes = outbox->sent - outbox->left;
    pthread_mutex_unlock(&outbox->lock);
    return bytes;
}
