/* block.c: see block.h. */
#include "block.h"

#ifdef __APPLE__
extern void *_NSConcreteStackBlock[32];
#else
/* Defined only if the program links a Blocks runtime; nothing here reads it. */
extern void *_NSConcreteStackBlock[32] __attribute__((weak));
#endif

static const struct block_descriptor descriptor = {0, sizeof(struct block)};

struct block block_make(void (*invoke)(struct block *, xpc_object_t), void *context, uint32_t number) {
    return (struct block){
        .isa = _NSConcreteStackBlock,
        .invoke = invoke,
        .descriptor = &descriptor,
        .context = context,
        .number = number,
    };
}

struct block block_make_empty(void (*invoke)(struct block *), void *context) {
    /* The caller of a block casts the function to the type that it calls. */
    return block_make((void (*)(struct block *, xpc_object_t))(void *)invoke, context, 0);
}

/* A dictionary applier has another signature, and is never copied. */
struct entry_block {
    void *isa;
    int flags;
    int reserved;
    bool (*invoke)(struct entry_block *, const char *, xpc_object_t);
    const struct block_descriptor *descriptor;
    bool (*visit)(void *, const char *, xpc_object_t);
    void *context;
};

static const struct block_descriptor entry_descriptor = {0, sizeof(struct entry_block)};

static bool entry_invoke(struct entry_block *block, const char *key, xpc_object_t value) {
    return block->visit(block->context, key, value);
}

bool block_each_entry(xpc_object_t dictionary, bool (*visit)(void *context, const char *key, xpc_object_t value),
                      void *context) {
    struct entry_block block = {
        .isa = _NSConcreteStackBlock,
        .invoke = entry_invoke,
        .descriptor = &entry_descriptor,
        .visit = visit,
        .context = context,
    };
    return xpc_dictionary_apply(dictionary, (xpc_dictionary_applier_t)(void *)&block);
}
