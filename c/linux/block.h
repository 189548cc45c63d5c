/*
 * block.h - blocks: called, and kept, whoever made them.
 */
#ifndef XL_BLOCK_H
#define XL_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <xpc/xpc.h>

/* A kept copy of a block, counted, so that a handler may be replaced while it runs. */
struct xl_block;

/* NULL if `block` is NULL or memory runs out. */
struct xl_block *xl_block_copy(const void *block);
struct xl_block *xl_block_retain(struct xl_block *kept);
void xl_block_release(struct xl_block *kept);

/* For a handler, void (^)(xpc_object_t). */
void xl_block_call(const struct xl_block *kept, xpc_object_t object);
/* For a barrier, void (^)(void). */
void xl_block_call_empty(const struct xl_block *kept);
/* The same for a block that is not kept; and for appliers, which never are. */
void xl_block_invoke(void *block, xpc_object_t object);
void xl_block_invoke_empty(void *block);
bool xl_block_invoke_index(void *block, size_t index, xpc_object_t value);
bool xl_block_invoke_key(void *block, const char *key, xpc_object_t value);

#endif
