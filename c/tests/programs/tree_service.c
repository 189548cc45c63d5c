/*
 * tree_service.c - an ordinary XPC service: it replies to each request with its pid.
 *
 *     tree_service NAME [late]
 *
 * Prints "serving NAME PID" once its name is served, or "refused NAME: REASON". With "late" it prints "ready PID", and
 * serves at a SIGUSR1. It knows nothing of a bootstrap: see tests/helpers/tree.ts.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../hand_block.h"

enum { LIFE_SECONDS = 600 };

static const char *name;

static void answer(void *context, xpc_object_t event) {
    (void)context;
    xpc_object_t reply = xpc_get_type(event) == XPC_TYPE_DICTIONARY ? xpc_dictionary_create_reply(event) : NULL;
    if (!reply) return;
    xpc_dictionary_set_int64(reply, "pid", getpid());
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(event), reply);
    xpc_release(reply);
}

static void listened(void *listener, xpc_object_t event) {
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) {
        xpc_connection_set_event_handler(event, BLOCK(answer, NULL));
        xpc_connection_resume(event);
        return;
    }
    char *reason = xpc_connection_copy_invalidation_reason(listener);
    printf("refused %s: %s\n", name, reason ? reason : "");
    free(reason);
    _exit(1);
}

static void wait_for_signal(void) {
    sigset_t wanted;
    int signal;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    sigwait(&wanted, &signal);
}

int main(int argc, char **argv) {
    sigset_t blocked;
    if (argc < 2) return 2;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL); /* before the first thread */
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(LIFE_SECONDS);
    name = argv[1];
    if (argc > 2 && strcmp(argv[2], "late") == 0) {
        printf("ready %d\n", (int)getpid());
        wait_for_signal();
    }
    xpc_connection_t listener = xpc_connection_create_mach_service(name, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
    xpc_connection_set_event_handler(listener, BLOCK(listened, listener));
    xpc_connection_resume(listener);
    char *refused = xpc_connection_copy_invalidation_reason(listener);
    if (!refused) printf("serving %s %d\n", name, (int)getpid());
    free(refused);
    for (;;) pause();
}
