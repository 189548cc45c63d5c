/*
 * block.h - XPC handlers for compilers without blocks: made by hand, as the Block ABI defines. These
 * capture nothing, so they are global blocks, which are never copied.
 */
#ifndef PEER_BLOCK_H
#define PEER_BLOCK_H

#include <xpc/xpc.h>

struct block_descriptor {
    unsigned long reserved, size;
};
struct block {
    void *isa;
    int flags, reserved;
    void (*invoke)(struct block *, xpc_object_t);
    const struct block_descriptor *descriptor;
};
static const struct block_descriptor descriptor = {0, sizeof(struct block)};
#ifdef __APPLE__
extern void *_NSConcreteGlobalBlock[32];
#define GLOBAL_BLOCK _NSConcreteGlobalBlock
#else
#define GLOBAL_BLOCK NULL
#endif
enum { BLOCK_IS_GLOBAL = 1 << 28 };
#define BLOCK(name, function) \
    static struct block name = {GLOBAL_BLOCK, BLOCK_IS_GLOBAL, 0, function, &descriptor}
static xpc_handler_t handler(struct block *block) { return (xpc_handler_t)(void *)block; }

#endif
