/*
 * block.h: blocks made without compiler support, so that any C compiler can give XPC a handler.
 *
 * The layout is that of the Block ABI: XPC copies `descriptor->size` bytes, and
 * calls `invoke` with the block as its first argument. A block captures a
 * pointer, whose target the maker keeps alive, and a number.
 */
#ifndef SLB_BLOCK_H
#define SLB_BLOCK_H

#include <xpc/xpc.h>

struct block_descriptor {
    unsigned long reserved;
    unsigned long size;
};

struct block {
    void *isa;
    int flags;
    int reserved;
    void (*invoke)(struct block *, xpc_object_t);
    const struct block_descriptor *descriptor;
    void *context;
    uint32_t number;
};

/* Returns a block for the caller's stack. XPC copies it if it keeps it. */
struct block block_make(void (*invoke)(struct block *, xpc_object_t), void *context, uint32_t number);

/* The same for a block without arguments. */
struct block block_make_empty(void (*invoke)(struct block *), void *context);

/* The block in the type that XPC's prototypes have. */
static inline xpc_handler_t block_handler(struct block *block) { return (xpc_handler_t)(void *)block; }

/* Calls `visit` for each entry until it returns false. Returns true if it never did. */
bool block_each_entry(xpc_object_t dictionary, bool (*visit)(void *context, const char *key, xpc_object_t value),
                      void *context);

#endif
