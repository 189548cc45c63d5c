/*
 * block.h - calls and keeps blocks, of a compiler or made by hand.
 */
#ifndef XL_BLOCK_H
#define XL_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <xpc/xpc.h>

/* A copy of a block with a reference count, so that a handler can be replaced while it runs. */
struct xl_block;

/* Returns NULL if `block` is NULL or there is no memory. */
struct xl_block *xl_block_copy(const void *block);
struct xl_block *xl_block_retain(struct xl_block *kept);
void xl_block_release(struct xl_block *kept);

/* A handler that captures nothing, never freed. NULL if there is no memory. */
void *xl_block_create_global(void (*invoke)(void *block, xpc_object_t object));

/* Calls a handler, void (^)(xpc_object_t). */
void xl_block_call(const struct xl_block *kept, xpc_object_t object);
/* Calls a barrier, void (^)(void). */
void xl_block_call_empty(const struct xl_block *kept);
/* Call a block that is not kept; appliers never are. */
void xl_block_invoke(void *block, xpc_object_t object);
void xl_block_invoke_empty(void *block);
bool xl_block_invoke_index(void *block, size_t index, xpc_object_t value);
bool xl_block_invoke_key(void *block, const char *key, xpc_object_t value);

#endif
