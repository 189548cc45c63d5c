/*
 * linux_misuse_test.c - misuse of the API ends the process, with a sentence that names the function.
 *
 * What Apple's headers forbid is tested in tests/contract/misuse.c too, without the sentence. Each misuse
 * is done by another process: this program again.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include "linux_support.h"

static xpc_connection_t ready(void) { return start(xpc_connection_create(NULL, NULL), ignore_event, NULL); }

static void release_of_an_inactive_connection(void) { xpc_release(xpc_connection_create(NULL, NULL)); }

static void release_of_a_cancelled_inactive_connection(void) {
    xpc_connection_t connection = xpc_connection_create_mach_service("a.name", NULL, 0);
    xpc_connection_set_event_handler(connection, BLOCK(ignore_event, NULL));
    end(connection);
}

static void release_of_a_suspended_connection(void) {
    xpc_connection_t connection = ready();
    xpc_connection_suspend(connection);
    end(connection);
}

static void release_of_a_peer_that_was_kept(void) {
    struct record *kept = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), record_event, kept);
    for (size_t i = 0; i < 2; i++) { /* with the second peer, the handler has returned from the first */
        send_number(start(connect_to_listener(listener), ignore_event, NULL), 1);
        record_get(kept, i);
    }
    record_clear(kept);
}

/* While a handler runs, the connection has a reference for it besides that of the program. */
static void release_three_times(void *context, xpc_object_t event) {
    (void)event;
    for (int i = 0; i < 3; i++) xpc_release(*(xpc_connection_t *)context);
}

static void release_once_too_often(void) {
    xpc_connection_t connection = xpc_connection_create(NULL, NULL);
    start(connection, release_three_times, &connection);
    xpc_connection_cancel(connection);
    time_t patience = patience_end();
    while (look_again(patience)) continue;
}

static void resume_of_an_active_connection(void) { xpc_connection_resume(ready()); }

static void resume_once_too_often(void) {
    xpc_connection_t connection = ready();
    xpc_connection_suspend(connection);
    for (int i = 0; i < 2; i++) xpc_connection_resume(connection);
}

static void activation_without_a_handler(void) { xpc_connection_activate(xpc_connection_create(NULL, NULL)); }
static void resume_without_a_handler(void) { xpc_connection_resume(xpc_connection_create(NULL, NULL)); }
static void message_without_a_dictionary(void) { xpc_connection_send_message(ready(), xpc_array_create_empty()); }

static void request_without_a_dictionary(void) {
    xpc_connection_send_message_with_reply(ready(), xpc_null_create(), NULL, BLOCK(ignore_event, NULL));
}

static void wait_without_a_dictionary(void) {
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(ready(), NULL);
    (void)reply;
}

static void cancel_of_a_dictionary(void) { xpc_connection_cancel((xpc_connection_t)xpc_dictionary_create_empty()); }

static void second_requirement(void) {
    xpc_connection_t connection = ready();
    for (int i = 0; i < 2; i++) {
        int refused = xpc_connection_set_peer_code_signing_requirement(connection, "anchor apple");
        (void)refused;
    }
}

static void index_beyond_the_array(void) { xpc_array_set_int64(xpc_array_create_empty(), 0, 1); }

static void index_beyond_what_was_received(void) {
    const char *text = xpc_array_get_string(xpc_array_create_empty(), 0);
    (void)text;
}

static void activation_of_no_connection(void) { xpc_connection_activate(NULL); }

static void *resume_behind(void *barrier) {
    xpc_connection_t connection = ready();
    pthread_barrier_wait(barrier);
    xpc_connection_resume(connection);
    return NULL;
}

static void linger(int signal_number) {
    (void)signal_number;
    lapse_ms(200);
}

/* All misuse the API before the first one's abort has ended the process. */
static void resumes_by_many_threads(void) {
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    pthread_barrier_t barrier;
    signal(SIGABRT, linger);
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, resume_behind, &barrier);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static const struct {
    const char *name;
    void (*run)(void);
    const char *sentence; /* a part of it */
} misuses[] = {
    {"release of an inactive connection", release_of_an_inactive_connection,
     "xpc_release: this is the last reference to a connection that was never activated"},
    {"release of a cancelled inactive connection", release_of_a_cancelled_inactive_connection,
     "xpc_release: this is the last reference to a connection that was never activated"},
    {"release of a suspended connection", release_of_a_suspended_connection,
     "xpc_release: this is the last reference to a suspended connection"},
    {"release of a peer that was kept", release_of_a_peer_that_was_kept,
     "xpc_release: this is the last reference to a connection that was never activated"},
    {"release once too often", release_once_too_often,
     "xpc_release: the object was released more often than it was retained"},
    {"resume of an active connection", resume_of_an_active_connection,
     "xpc_connection_resume: the connection is active and not suspended"},
    {"resume once too often", resume_once_too_often,
     "xpc_connection_resume: the connection is active and not suspended"},
    {"activation without a handler", activation_without_a_handler,
     "xpc_connection_activate: the connection has no event handler"},
    {"resume without a handler", resume_without_a_handler,
     "xpc_connection_activate: the connection has no event handler"},
    {"message that is no dictionary", message_without_a_dictionary,
     "xpc_connection_send_message: the message is no dictionary"},
    {"request that is no dictionary", request_without_a_dictionary,
     "xpc_connection_send_message_with_reply: the message is no dictionary"},
    {"wait for the reply to no message", wait_without_a_dictionary,
     "xpc_connection_send_message_with_reply_sync: the message is NULL"},
    {"cancel of a dictionary", cancel_of_a_dictionary,
     "xpc_connection_cancel: it was given an object of type dictionary, not a connection"},
    {"second requirement on a peer", second_requirement,
     "xpc_connection_set_peer_code_signing_requirement: the connection has a requirement already"},
    {"index beyond an array", index_beyond_the_array, "xpc_array_set_int64: index 0 of an array with 0 values"},
    {"index beyond an array that was received", index_beyond_what_was_received,
     "xpc_array_get_string: index 0 of an array with 0 values"},
    {"activation of no connection", activation_of_no_connection, "xpc_connection_activate: the connection is NULL"},
    {"resumes by many threads", resumes_by_many_threads,
     "xpc_connection_resume: the connection is active and not suspended"},
};

enum { MISUSES = sizeof misuses / sizeof misuses[0] };

/* Runs the misuse in another process, which must end by SIGABRT after the sentence, which is one line. */
static void must_abort(size_t which) {
    int ends[2];
    char number[20], said[1000] = "";
    size_t length = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) exit(2);
    snprintf(number, sizeof number, "%zu", which);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        become_child("misuse", number);
    }
    close(ends[1]);
    for (ssize_t got; length < sizeof said - 1 && (got = read(ends[0], said + length, sizeof said - 1 - length)) > 0;) {
        length += (size_t)got;
    }
    close(ends[0]);
    int status = wait_for_child(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    const char *sentence = strstr(said, "libxpc: "), *end = sentence ? strchr(sentence, '\n') : NULL;
    CHECK(end && !strstr(end, "libxpc: ")); /* one line, once */
    bool named = strstr(said, misuses[which].sentence) != NULL;
    if (!named) fprintf(stderr, "%s: it said: %s\n", misuses[which].name, said);
    CHECK(named);
}

static void every_misuse_aborts_with_its_sentence(void) {
    for (size_t i = 0; i < MISUSES; i++) must_abort(i);
}

static const struct test tests[] = {
    {"every misuse aborts with its sentence", every_misuse_aborts_with_its_sentence},
};

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[2], "misuse") == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        misuses[atoi(argv[3])].run();
        return 0;
    }
    return RUN_TESTS(tests, NULL, argc, argv);
}
