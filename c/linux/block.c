/*
 * block.c - see block.h.
 *
 * The layout is the published Block ABI. In a program that links a Blocks runtime, that runtime
 * copies the blocks. Without a runtime, no block can capture anything that needs one, so a flat
 * copy is enough; copy and dispose helpers are called if the block has them.
 */
#include "block.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

struct layout {
    void *isa;
    int flags;
    int reserved;
    void (*invoke)(void);
    const struct descriptor {
        unsigned long reserved;
        unsigned long size;
        void (*copy)(void *to, const void *from); /* this and dispose only with HAS_HELPERS */
        void (*dispose)(const void *block);
    } *descriptor;
};

enum { HAS_HELPERS = 1 << 25, IS_GLOBAL = 1 << 28 };

struct xl_block {
    _Atomic uint32_t references;
    enum { GLOBAL, BY_RUNTIME, FLAT } kind;
    struct layout *block; /* GLOBAL: the program's; BY_RUNTIME: the runtime's; FLAT: ours */
};

__attribute__((weak)) extern void *_Block_copy(const void *block);
__attribute__((weak)) extern void _Block_release(const void *block);

static struct layout *copy_flat(const struct layout *from) {
    struct layout *to = xl_alloc(from->descriptor->size);
    if (!to) return NULL;
    memcpy(to, from, from->descriptor->size);
    if (from->flags & HAS_HELPERS) from->descriptor->copy(to, from);
    return to;
}

struct xl_block *xl_block_copy(const void *block) {
    const struct layout *from = block;
    struct xl_block *kept = from ? xl_alloc(sizeof *kept) : NULL;
    if (!kept) return NULL;
    atomic_init(&kept->references, 1);
    if (from->flags & IS_GLOBAL) {
        kept->kind = GLOBAL;
        kept->block = (struct layout *)from;
    } else if (_Block_copy && _Block_release) {
        kept->kind = BY_RUNTIME;
        kept->block = _Block_copy(from);
    } else {
        kept->kind = FLAT;
        kept->block = copy_flat(from);
    }
    if (kept->block) return kept;
    free(kept);
    return NULL;
}

void *xl_block_create_global(void (*invoke)(void *block, xpc_object_t object)) {
    static const struct descriptor descriptor = {.size = sizeof(struct layout)};
    struct layout *block = xl_alloc(sizeof *block);
    if (block) *block = (struct layout){.flags = IS_GLOBAL, .invoke = (void (*)(void))invoke, .descriptor = &descriptor};
    return block;
}

struct xl_block *xl_block_retain(struct xl_block *kept) {
    if (kept) atomic_fetch_add_explicit(&kept->references, 1, memory_order_relaxed);
    return kept;
}

void xl_block_release(struct xl_block *kept) {
    if (!kept || atomic_fetch_sub_explicit(&kept->references, 1, memory_order_acq_rel) != 1) return;
    if (kept->kind == BY_RUNTIME) _Block_release(kept->block);
    if (kept->kind == FLAT) {
        if (kept->block->flags & HAS_HELPERS) kept->block->descriptor->dispose(kept->block);
        free(kept->block);
    }
    free(kept);
}

void xl_block_invoke(void *block, xpc_object_t object) {
    ((void (*)(void *, xpc_object_t))((struct layout *)block)->invoke)(block, object);
}

void xl_block_invoke_empty(void *block) { ((void (*)(void *))((struct layout *)block)->invoke)(block); }

void xl_block_call(const struct xl_block *kept, xpc_object_t object) { xl_block_invoke(kept->block, object); }

void xl_block_call_empty(const struct xl_block *kept) { xl_block_invoke_empty(kept->block); }

bool xl_block_invoke_index(void *block, size_t index, xpc_object_t value) {
    return ((bool (*)(void *, size_t, xpc_object_t))((struct layout *)block)->invoke)(block, index, value);
}

bool xl_block_invoke_key(void *block, const char *key, xpc_object_t value) {
    return ((bool (*)(void *, const char *, xpc_object_t))((struct layout *)block)->invoke)(block, key, value);
}
