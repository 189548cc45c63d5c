/* reply.c: see reply.h. */
#include "reply.h"

#include <stdlib.h>

#include "block.h"
#include "connection.h"
#include "packed.h"

struct reply {
    struct object object;
    xpc_object_t dictionary;
    xpc_connection_t connection; /* with a reference: the reply may be sent long after the handler has returned */
};

static void reply_finalize(struct object *object) {
    struct reply *reply = (struct reply *)object;
    xpc_release(reply->dictionary);
    xpc_release(reply->connection);
    free(reply);
}

slb_handle reply_handle_consume(struct queue *queue, xpc_object_t empty, xpc_object_t request) {
    struct reply *reply = calloc(1, sizeof *reply);
    xpc_connection_t connection = request ? xpc_dictionary_get_remote_connection(request) : NULL;
    if (!connection) connection = xpc_dictionary_get_remote_connection(empty);
    if (!reply || !connection) {
        free(reply);
        xpc_release(empty);
        return 0;
    }
    reply->dictionary = empty;
    reply->connection = xpc_retain(connection);
    object_init(&reply->object, SLB_KIND_REPLY, queue, NULL, reply_finalize);
    return handle_consume(&reply->object);
}

static bool copy_entry(void *dictionary, const char *key, xpc_object_t value) {
    xpc_dictionary_set_value(dictionary, key, value);
    return true;
}

int32_t slb_reply_send(slb_handle handle, const uint8_t *bytes, uint32_t length) {
    struct reply *reply = handle_take(handle, SLB_KIND_REPLY);
    if (!reply) return SLB_E_HANDLE;
    uint32_t sent;
    int32_t result = SLB_E_ARGUMENT;
    xpc_object_t message = packed_read(bytes, length, &sent);
    if (message) {
        block_each_entry(message, copy_entry, reply->dictionary);
        xpc_release(message);
        result = connection_send(connection_of(reply->connection), reply->dictionary, sent);
        slb_release(handle);
    }
    object_release(&reply->object);
    return result;
}
