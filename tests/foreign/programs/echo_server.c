/*
 * An ordinary XPC service: it echoes text in capitals, counts the messages of each client, and reads
 * memory that a client shares. It is the same on every system, except where libdispatch is missing.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xpc/xpc.h>

#include "echo.h"

static void shout(char *text) {
    for (; *text; text++) *text = (char)toupper((unsigned char)*text);
}

static void answer(xpc_connection_t peer, xpc_object_t message, int64_t count) {
    xpc_object_t reply = xpc_dictionary_create_reply(message);
    if (!reply) return;
    char *text = strdup(xpc_dictionary_get_string(message, KEY_TEXT));
    shout(text);
    xpc_dictionary_set_string(reply, KEY_TEXT, text);
    xpc_dictionary_set_int64(reply, KEY_COUNT, count);
    xpc_object_t memory = xpc_dictionary_get_value(message, KEY_MEMORY);
    void *region;
    size_t length = memory ? xpc_shmem_map(memory, &region) : 0;
    if (length) {
        shout(region);
        munmap(region, length);
    }
    xpc_connection_send_message(peer, reply);
    xpc_release(reply);
    free(text);
}

static void serve(xpc_connection_t peer) {
    __block int64_t count = 0;
#ifdef WITH_DISPATCH
    dispatch_queue_t queue = dispatch_queue_create("com.example.echo.peer", DISPATCH_QUEUE_SERIAL);
    xpc_connection_set_target_queue(peer, queue);
    dispatch_release(queue);
#endif
    xpc_connection_set_event_handler(peer, ^(xpc_object_t event) {
#ifdef WITH_DISPATCH
        dispatch_assert_queue(queue);
#endif
        if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) return;
        count++;
        answer(peer, event, count);
        if (!xpc_dictionary_get_bool(event, KEY_QUIT)) return;
        xpc_connection_send_barrier(peer, ^{
            printf("served %lld\n", (long long)count);
            exit(0);
        });
    });
    xpc_connection_resume(peer);
}

int main(void) {
    xpc_connection_t listener =
        xpc_connection_create_mach_service(SERVICE, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
    xpc_connection_set_event_handler(listener, ^(xpc_object_t event) {
        if (xpc_get_type(event) == XPC_TYPE_CONNECTION) {
            serve(event);
        } else {
            fprintf(stderr, "%s\n", xpc_dictionary_get_string(event, XPC_ERROR_KEY_DESCRIPTION));
            exit(1);
        }
    });
    xpc_connection_resume(listener);
    puts("serving");
    fflush(stdout);
#ifdef WITH_DISPATCH
    dispatch_main();
#else
    for (;;) pause();
#endif
}
