/*
 * hand_block.h - blocks made by hand, for compilers without blocks.
 *
 *     xpc_connection_set_event_handler(connection, BLOCK(handle, context));
 */
#ifndef HAND_BLOCK_H
#define HAND_BLOCK_H

#include <xpc/xpc.h>

typedef void (*handler_f)(void *context, xpc_object_t object);

struct hand_block {
    void *isa;
    int flags;
    int reserved;
    void (*invoke)(struct hand_block *block, xpc_object_t object);
    const struct hand_descriptor {
        unsigned long reserved, size;
    } *descriptor;
    handler_f handler;
    void *context;
};

static inline void hand_invoke(struct hand_block *block, xpc_object_t object) {
    block->handler(block->context, object);
}

static const struct hand_descriptor hand_descriptor = {0, sizeof(struct hand_block)};

/* An xpc_handler_t that is valid during the call that it is passed to. */
#define BLOCK(its_handler, its_context)                                                                        \
    ((xpc_handler_t)(void *)&(struct hand_block){                                                              \
        .invoke = hand_invoke,                                                                                 \
        .descriptor = &hand_descriptor,                                                                        \
        .handler = (its_handler),                                                                              \
        .context = (its_context),                                                                              \
    })

/* A barrier block has no argument: its handler gets null. */
static inline void hand_invoke_barrier(struct hand_block *block, xpc_object_t nothing) {
    (void)nothing;
    block->handler(block->context, xpc_null_create());
}

#define BARRIER(its_handler, its_context)                                                                      \
    ((dispatch_block_t)(void *)&(struct hand_block){                                                           \
        .invoke = hand_invoke_barrier,                                                                         \
        .descriptor = &hand_descriptor,                                                                        \
        .handler = (its_handler),                                                                              \
        .context = (its_context),                                                                              \
    })

#endif
