/*
 * other.c - see other.h.
 */
#include "other.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

xpc_connection_t other_client(int which, struct record *heard) {
    return start(xpc_connection_create_mach_service(other_name(which), NULL, 0), record_event, heard);
}

xpc_object_t order(const char *what) {
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_string(message, "do", what);
    return message;
}

xpc_object_t ask(xpc_connection_t other, const char *what) {
    xpc_object_t message = order(what);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(other, message);
    xpc_release(message);
    return reply;
}

void tell(xpc_connection_t other, const char *what) {
    xpc_object_t message = order(what);
    xpc_connection_send_message(other, message);
    xpc_release(message);
}

pid_t pid_of(xpc_connection_t other) {
    xpc_object_t reply = ask(other, "nothing");
    pid_t pid = (pid_t)xpc_dictionary_get_int64(reply, "pid");
    CHECK(pid > 0);
    xpc_release(reply);
    return pid;
}

xpc_connection_t other_by_endpoint(xpc_connection_t other, struct record *heard) {
    xpc_object_t reply = ask(other, "endpoint");
    xpc_connection_t connection = xpc_dictionary_create_connection(reply, "endpoint");
    CHECK(connection != NULL);
    xpc_release(reply);
    return start(connection, record_event, heard);
}

/* ---- The service ---------------------------------------------------------------------- */

static xpc_connection_t house; /* its anonymous listener */

/* Never read. They keep these objects reachable for leak checkers; volatile, so that they are not optimized away. */
static volatile xpc_object_t kept; /* a request that is never answered */
static volatile xpc_object_t last; /* the one in whose handler this process ends */

static void ignore(void *nothing, xpc_object_t event) {
    (void)nothing;
    (void)event;
}

static xpc_connection_t connect_as_told(xpc_object_t request) {
    xpc_connection_t connection = xpc_dictionary_create_connection(request, "endpoint");
    xpc_connection_set_event_handler(connection, HANDLER(ignore, NULL));
    xpc_connection_activate(connection);
    return connection; /* not released until this process ends */
}

static void fill(xpc_object_t request) {
    uint64_t *words = NULL;
    size_t length = xpc_shmem_map(xpc_dictionary_get_value(request, "shmem"), (void **)&words);
    if (!length) return;
    words[1] = (uint64_t)getpid();
    munmap(words, length);
}

static void write_byte(xpc_object_t request) {
    int fd = xpc_dictionary_dup_fd(request, "fd");
    if (fd < 0 || write(fd, "x", 1) != 1) return;
    close(fd);
}

static void obey(xpc_object_t request, const char *what, xpc_object_t reply) {
    xpc_connection_t peer = xpc_dictionary_get_remote_connection(request);
    int64_t pid = getpid();
    if (strcmp(what, "crash") == 0) kill(getpid(), SIGKILL);
    if (strcmp(what, "cancel peer") == 0) xpc_connection_cancel(peer);
    if (strcmp(what, "cancel listener") == 0) xpc_connection_cancel(house);
    if (strcmp(what, "connect") == 0) send_number(connect_as_told(request), 0);
    if (strcmp(what, "ask") == 0) pid = pid_of(connect_as_told(request));
    if (strcmp(what, "fill") == 0) fill(request);
    if (strcmp(what, "write") == 0) write_byte(request);
    if (!reply) return;
    if (strcmp(what, "endpoint") == 0) xpc_dictionary_set_connection(reply, "endpoint", house);
    xpc_dictionary_set_int64(reply, "pid", pid);
    xpc_connection_send_message(peer, reply);
}

static void obey_event(void *nothing, xpc_object_t event) {
    (void)nothing;
    const char *what = xpc_get_type(event) == XPC_TYPE_DICTIONARY ? xpc_dictionary_get_string(event, "do") : NULL;
    if (!what || strcmp(what, "drop") == 0) return;
    if (strcmp(what, "keep") == 0) {
        kept = xpc_retain(event);
        return;
    }
    if (strcmp(what, "exit") == 0) {
        last = event;
        _exit(0);
    }
    xpc_object_t reply = xpc_dictionary_create_reply(event);
    obey(event, what, reply);
    if (reply) xpc_release(reply);
}

static void accept_and_obey(void *nothing, xpc_object_t event) {
    if (xpc_get_type(event) != XPC_TYPE_CONNECTION) return;
    xpc_connection_set_event_handler(event, HANDLER(obey_event, nothing));
    xpc_connection_activate(event);
}

static xpc_connection_t serve(xpc_connection_t listener) {
    xpc_connection_set_event_handler(listener, HANDLER(accept_and_obey, NULL));
    xpc_connection_activate(listener);
    return listener;
}

void other_serve(const char *name) {
    house = serve(xpc_connection_create(NULL, NULL));
    serve(xpc_connection_create_mach_service(name, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER));
    for (;;) pause();
}
