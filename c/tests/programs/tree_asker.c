/*
 * tree_asker.c - an ordinary XPC client.
 *
 *     tree_asker NAME once    asks once, and ends with status 0 if there was an answer
 *     tree_asker NAME stay    prints "ready PID", and asks at each SIGUSR1; the first one connects
 *
 * Prints "activated", "answered by PID", "no answer", "interrupted" and "invalid: REASON". It knows nothing of a
 * bootstrap: see tests/helpers/tree.ts.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../hand_block.h"

enum { LIFE_SECONDS = 600 };

static bool once;

static void heard(void *connection, xpc_object_t event) {
    if (event == XPC_ERROR_CONNECTION_INTERRUPTED) {
        puts("interrupted");
    } else if (event == XPC_ERROR_CONNECTION_INVALID) {
        char *reason = xpc_connection_copy_invalidation_reason(connection);
        printf("invalid: %s\n", reason ? reason : "");
        free(reason);
        if (once) _exit(1);
    }
}

static void replied(void *context, xpc_object_t reply) {
    (void)context;
    if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY) {
        puts("no answer"); /* the event says why */
        return;
    }
    printf("answered by %d\n", (int)xpc_dictionary_get_int64(reply, "pid"));
    if (once) _exit(0);
}

static void wait_for_signal(void) {
    sigset_t wanted;
    int signal;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    sigwait(&wanted, &signal);
}

static void ask(xpc_connection_t service) {
    xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);
    xpc_connection_send_message_with_reply(service, request, NULL, BLOCK(replied, NULL));
    xpc_release(request);
}

int main(int argc, char **argv) {
    sigset_t blocked;
    if (argc < 3) return 2;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL); /* before the first thread */
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(LIFE_SECONDS);
    once = strcmp(argv[2], "once") == 0;
    if (!once) {
        printf("ready %d\n", (int)getpid());
        wait_for_signal();
    }
    xpc_connection_t service = xpc_connection_create_mach_service(argv[1], NULL, 0);
    xpc_connection_set_event_handler(service, BLOCK(heard, service));
    xpc_connection_resume(service);
    puts("activated");
    for (;;) {
        ask(service);
        wait_for_signal();
    }
}
