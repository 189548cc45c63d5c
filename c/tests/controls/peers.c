/*
 * peers.c - peers of a broker that hold connections and do nothing.
 *
 *     peers SERVICE COUNT
 *
 * Opens COUNT XPC connections to the service, allocates a connection of the broker on each, and prints
 * "ready". Ends at the end of its standard input.
 */
#include <sys/resource.h>

#include "../hand_block.h"
#include "control.h"

static void heard(void *context, xpc_object_t event) {
    (void)context;
    if (event != XPC_ERROR_CONNECTION_INTERRUPTED && event != XPC_ERROR_CONNECTION_INVALID) return;
    fputs("the broker has ended a connection\n", stderr);
    _exit(1);
}

static void allocate(xpc_connection_t broker, size_t number) {
    char processor[32];
    snprintf(processor, sizeof processor, "p%zu", number);
    xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_string(request, "type", "allocate");
    xpc_dictionary_set_string(request, "runtime_id", "bench");
    xpc_dictionary_set_string(request, "processor_id", processor);
    xpc_dictionary_set_bool(request, "want_tokens", true);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(broker, request);
    xpc_release(request);
    if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY || !xpc_dictionary_get_bool(reply, "success")) {
        char *text = xpc_copy_description(reply);
        fprintf(stderr, "connection %zu: the broker refused: %s\n", number, text);
        exit(1);
    }
    xpc_release(reply);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    size_t count = count_of(argv[2]);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) die("setrlimit");
    alarm(LIFE_SECONDS);
    for (size_t i = 0; i < count; i++) {
        xpc_connection_t broker = xpc_connection_create_mach_service(argv[1], NULL, 0);
        xpc_connection_set_event_handler(broker, BLOCK(heard, NULL));
        xpc_connection_resume(broker);
        allocate(broker, i);
    }
    puts("ready");
    fflush(stdout);
    char nothing;
    while (read(STDIN_FILENO, &nothing, 1) > 0) continue;
    _exit(0);
}
