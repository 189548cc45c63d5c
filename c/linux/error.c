/*
 * error.c - the error constants.
 */
#include "object.h"

static void describe_error(const struct xl_object *object, FILE *out) {
    fputs(xpc_dictionary_get_string((xpc_object_t)object, XPC_ERROR_KEY_DESCRIPTION), out);
}

const struct _xpc_type_s _xpc_type_error = {.name = "error", .describe = describe_error};

/* No object has this type: Linux has no activities. */
const struct _xpc_type_s _xpc_type_activity = {.name = "activity"};

#define DESCRIPTION_KEY "XPCErrorDescription"

const char *const _xpc_error_key_description = DESCRIPTION_KEY;

/* A constant error is a dictionary with one entry, in read-only memory. */
#define ERROR_CONSTANT(name, its_text)                                                                         \
    static const struct xl_bytes name##_text = {                                                               \
        .head = XL_CONSTANT(_xpc_type_string),                                                                 \
        .length = sizeof(its_text) - 1,                                                                        \
        .bytes = (const uint8_t *)(its_text),                                                                  \
    };                                                                                                         \
    static const struct xl_entry name##_entry = {                                                              \
        .key = (char *)DESCRIPTION_KEY,                                                                        \
        .value = (struct xl_object *)&name##_text,                                                             \
    };                                                                                                         \
    const struct _xpc_dictionary_s name = {                                                                    \
        .head = XL_CONSTANT(_xpc_type_error),                                                                  \
        .count = 1,                                                                                            \
        .entries = (struct xl_entry *)&name##_entry,                                                           \
    };

ERROR_CONSTANT(_xpc_error_connection_interrupted, "Connection interrupted")
ERROR_CONSTANT(_xpc_error_connection_invalid, "Connection invalid")
ERROR_CONSTANT(_xpc_error_termination_imminent, "Process should exit; termination is imminent")
ERROR_CONSTANT(_xpc_error_peer_code_signing_requirement, "Peer does not satisfy the code signing requirement")
