/*
 * A client of echo_server.c: it sends requests, synchronous and asynchronous, shares memory, iterates
 * over a dictionary with a block, tells the service to quit, and gets the event of its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xpc/xpc.h>

#include "echo.h"

#ifdef WITH_DISPATCH
typedef dispatch_semaphore_t bell_t;
static bell_t make_bell(void) { return dispatch_semaphore_create(0); }
static void ring(bell_t bell) { dispatch_semaphore_signal(bell); }
static void await(bell_t bell) { dispatch_semaphore_wait(bell, DISPATCH_TIME_FOREVER); }
#else
#include <semaphore.h>
typedef sem_t *bell_t;
static bell_t make_bell(void) {
    bell_t bell = malloc(sizeof *bell);
    sem_init(bell, 0, 0);
    return bell;
}
static void ring(bell_t bell) { sem_post(bell); }
static void await(bell_t bell) { sem_wait(bell); }
#endif

static xpc_object_t text_message(const char *text) {
    xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_string(message, KEY_TEXT, text);
    return message;
}

int main(void) {
    dispatch_queue_t queue = NULL;
    bell_t gone = make_bell(), answered = make_bell();
#ifdef WITH_DISPATCH
    queue = dispatch_queue_create("com.example.echo.client", DISPATCH_QUEUE_SERIAL);
#endif
    xpc_connection_t service = xpc_connection_create_mach_service(SERVICE, queue, 0);
    xpc_connection_set_event_handler(service, ^(xpc_object_t event) {
        if (event == XPC_ERROR_CONNECTION_INTERRUPTED) ring(gone);
    });
    xpc_connection_resume(service);

    xpc_object_t message = text_message("hello");
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(service, message);
    printf("%s\n", xpc_dictionary_get_string(reply, KEY_TEXT));
    xpc_release(reply);

    size_t length = (size_t)sysconf(_SC_PAGESIZE);
    char *region = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
    strcpy(region, "shared");
    xpc_object_t memory = xpc_shmem_create(region, length);
    xpc_dictionary_set_value(message, KEY_MEMORY, memory);
    xpc_release(memory);

    /* A __block variable moves to the heap with the block, and is shared with it. */
    __block int64_t count = 0;
    for (int i = 0; i < 3; i++) {
        xpc_connection_send_message_with_reply(service, message, queue, ^(xpc_object_t answer) {
#ifdef WITH_DISPATCH
            dispatch_assert_queue(queue);
#endif
            count = xpc_dictionary_get_int64(answer, KEY_COUNT);
            ring(answered);
        });
    }
    for (int i = 0; i < 3; i++) await(answered);
    printf("%lld, %s\n", (long long)count, region);
    xpc_release(message);

    message = text_message("bye");
    xpc_dictionary_set_bool(message, KEY_QUIT, true);
    reply = xpc_connection_send_message_with_reply_sync(service, message);
    xpc_dictionary_apply(reply, ^bool(const char *key, xpc_object_t value) {
        char *text = xpc_copy_description(value);
        printf("%s = %s\n", key, text);
        free(text);
        return true;
    });
    xpc_release(reply);
    xpc_release(message);
    await(gone);
    puts("the service is gone");
    xpc_connection_cancel(service);
    xpc_release(service);
    return 0;
}
