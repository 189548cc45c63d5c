/*
 * handler.h - blocks for compilers without them: made by hand, as the Block ABI defines. The
 * receiver copies a block, so it need exist only during the call that it is passed to.
 *
 *     xpc_connection_set_event_handler(connection, HANDLER(record_event, record));
 */
#ifndef CONTRACT_HANDLER_H
#define CONTRACT_HANDLER_H

#include <xpc/xpc.h>

typedef void (*handler_f)(void *context, xpc_object_t object);
typedef void (*barrier_f)(void *context);
typedef bool (*array_applier_f)(void *context, size_t index, xpc_object_t value);
typedef bool (*dictionary_applier_f)(void *context, const char *key, xpc_object_t value);

struct hand_descriptor {
    unsigned long reserved, size;
};

/* A block that captures a function and its context, without anything to retain. */
struct hand_block {
    void *isa;
    int flags, reserved;
    void (*invoke)(void);
    const struct hand_descriptor *descriptor;
    union {
        handler_f handler;
        barrier_f barrier;
        array_applier_f array_applier;
        dictionary_applier_f dictionary_applier;
    } function;
    void *context;
};

extern const struct hand_descriptor hand_descriptor;
void hand_invoke_handler(struct hand_block *block, xpc_object_t object);
void hand_invoke_barrier(struct hand_block *block);
bool hand_invoke_array_applier(struct hand_block *block, size_t index, xpc_object_t value);
bool hand_invoke_dictionary_applier(struct hand_block *block, const char *key, xpc_object_t value);

#ifdef __APPLE__
extern void *_NSConcreteStackBlock[32];
#define HAND_ISA _NSConcreteStackBlock
#else
#define HAND_ISA NULL
#endif

#define HAND_BLOCK(kind, its_function, its_context)                                                            \
    ((void *)&(struct hand_block){                                                                             \
        .isa = HAND_ISA,                                                                                       \
        .invoke = (void (*)(void))hand_invoke_##kind,                                                          \
        .descriptor = &hand_descriptor,                                                                        \
        .function.kind = (its_function),                                                                       \
        .context = (its_context),                                                                              \
    })

#define HANDLER(function, context) HAND_BLOCK(handler, function, context)
#define BARRIER(function, context) HAND_BLOCK(barrier, function, context)
#define ARRAY_APPLIER(function, context) HAND_BLOCK(array_applier, function, context)
#define DICTIONARY_APPLIER(function, context) HAND_BLOCK(dictionary_applier, function, context)

#endif
