/*
 * handler.c - see handler.h.
 */
#include "handler.h"

const struct hand_descriptor hand_descriptor = {0, sizeof(struct hand_block)};

void hand_invoke_handler(struct hand_block *block, xpc_object_t object) {
    block->function.handler(block->context, object);
}

void hand_invoke_barrier(struct hand_block *block) { block->function.barrier(block->context); }

bool hand_invoke_array_applier(struct hand_block *block, size_t index, xpc_object_t value) {
    return block->function.array_applier(block->context, index, value);
}

bool hand_invoke_dictionary_applier(struct hand_block *block, const char *key, xpc_object_t value) {
    return block->function.dictionary_applier(block->context, key, value);
}
