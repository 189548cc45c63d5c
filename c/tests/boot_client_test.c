/*
 * boot_client_test.c - clients and listeners of c/linux below a bootstrap that this test plays itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "bootstrap/channel.h"
#include "bootstrap/messages_linux.h"
#include "linux_support.h"

#define NAME "com.example.played"

/* The bootstrap's end of a channel; the variable names the other. */
struct played {
    int end, channel;
};

static struct played play(void) {
    int ends[2];
    struct stat status;
    char value[64];
    CHECK(boot_make_pair(ends) == 0 && fstat(ends[1], &status) == 0);
    snprintf(value, sizeof value, "%d:%llu" BOOT_ISOLATED, ends[1], (unsigned long long)status.st_ino);
    setenv(BOOT_VARIABLE, value, 1);
    return (struct played){ends[0], ends[1]};
}

static void play_end(struct played *played) {
    unsetenv(BOOT_VARIABLE);
    if (played->end >= 0) close(played->end);
    close(played->channel);
}

/* Takes the next request, which must be this. */
static struct boot_received take(const struct played *played, uint32_t id) {
    struct boot_received received;
    struct boot_request request;
    CHECK(is_readable(played->end) && boot_request_receive(played->end, &received) == 1);
    CHECK(boot_request_decode(received.bytes, received.length, &request) == BOOT_DONE && request.id == id);
    CHECK_TEXT(request.name, NAME);
    CHECK(received.count == (id == BOOT_REGISTER ? 2 : 1) && !received.cut);
    return received;
}

/* Answers with a code, or with a right, which stays the caller's. */
static void reply(struct boot_received *received, uint32_t id, int32_t code, int right) {
    struct boot_answer answer = {.id = id + BOOT_REPLY, .code = code, .disposition = BOOT_MOVE_SEND};
    boot_answer_send(received->descriptors[0], answer, right);
    boot_received_release(received);
}

static void answer_next(const struct played *played, int32_t code, int right) {
    struct boot_received received = take(played, BOOT_LOOK_UP);
    reply(&received, BOOT_LOOK_UP, code, right);
}

static xpc_connection_t client(struct record *heard) {
    return start(xpc_connection_create_mach_service(NAME, NULL, 0), record_event, heard);
}

/* The client is invalid, with one event and this reason. */
static void invalid(xpc_connection_t connection, struct record *heard, const char *reason) {
    CHECK(record_get(heard, 0) == INVALID);
    check_reason(connection, reason);
    xpc_release(connection);
    CHECK(record_count(heard) == 1);
}

/* What a message of the client reaches: its own end, through a pair. */
static void connects(const struct played *played, xpc_connection_t connection) {
    int ends[2];
    char byte;
    CHECK(boot_make_pair(ends) == 0);
    answer_next(played, BOOT_DONE, ends[1]);
    close(ends[1]);
    send_number(connection, 1);
    CHECK(is_readable(ends[0]) && recv(ends[0], &byte, 1, 0) == 1);
    end(connection);
    close(ends[0]);
}

static void looks_up(void) {
    struct played played = play();
    connects(&played, client(record_create()));
    play_end(&played);
}

/* Busy, or dropped without an answer: it asks again. */
static void asks_again(void) {
    struct played played = play();
    xpc_connection_t connection = client(record_create());
    for (int i = 0; i < 3; i++) {
        answer_next(&played, BOOT_BUSY, -1);
        struct boot_received dropped = take(&played, BOOT_LOOK_UP);
        boot_received_release(&dropped);
    }
    connects(&played, connection);
    play_end(&played);
}

static void a_full_channel(void) {
    struct played played = play();
    char byte = 0;
    int sent = 0;
    while (send(played.channel, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) sent++;
    xpc_connection_t connection = client(record_create());
    lapse_ms(100);
    while (sent-- > 0) CHECK(recv(played.end, &byte, 1, MSG_DONTWAIT) == 1);
    connects(&played, connection);
    play_end(&played);
}

static void codes(void) {
    static const struct {
        int32_t code;
        const char *reason;
    } cases[] = {
        {BOOT_UNKNOWN_SERVICE, "no such service: nobody serves '" NAME "' in the isolated tree of this process"},
        {BOOT_NOT_PRIVILEGED, "refuses to look '" NAME "' up: it belongs to another user (1100)"},
        {BOOT_NO_MEMORY, "it has too many names, or its process lacks a resource (1105)"},
        {BOOT_BAD_ARGUMENTS, "it does not understand the request (-304)"},
        {BOOT_SERVER_DIED, "the bootstrap above it, which may know the name, has ended or was lost (-308)"},
        {4711, "it gives a code that this library does not know (4711)"},
        {BOOT_DONE, "it gives a code"}, /* without a right */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct played played = play();
        struct record *heard = record_create();
        xpc_connection_t connection = client(heard);
        answer_next(&played, cases[i].code, -1);
        invalid(connection, heard, cases[i].reason);
        play_end(&played);
    }
}

static void malformed_answers(void) {
    struct played played = play();
    struct record *heard = record_create();
    xpc_connection_t connection = client(heard);
    struct boot_received received = take(&played, BOOT_LOOK_UP);
    CHECK(send(received.descriptors[0], "nonsense", 8, MSG_NOSIGNAL) == 8);
    boot_received_release(&received);
    invalid(connection, heard, "the bootstrap has sent what is no answer");
    heard = record_create();
    connection = client(heard);
    received = take(&played, BOOT_LOOK_UP);
    reply(&received, BOOT_REGISTER, BOOT_DONE, -1); /* to another request */
    invalid(connection, heard, "the bootstrap has sent what is no answer");
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    heard = record_create();
    connection = client(heard);
    answer_next(&played, BOOT_DONE, ends[0]);
    invalid(connection, heard, "the bootstrap has sent what is no connection");
    close(ends[0]);
    close(ends[1]);
    play_end(&played);
}

static void ends_before_the_answer(void) {
    struct played played = play();
    struct record *heard = record_create();
    xpc_connection_t connection = client(heard);
    struct boot_received received = take(&played, BOOT_LOOK_UP);
    close(played.end);
    played.end = -1;
    boot_received_release(&received);
    invalid(connection, heard, "the bootstrap that has started this process, or one above it, has ended");
    play_end(&played);
}

/* The answer comes when nobody waits for it any more. */
static void cancelled_before_the_answer(void) {
    struct played played = play();
    struct record *heard = record_create();
    xpc_connection_t connection = client(heard);
    send_number(connection, 1);
    struct boot_received received = take(&played, BOOT_LOOK_UP);
    int ends[2];
    CHECK(boot_make_pair(ends) == 0);
    xpc_connection_cancel(connection);
    CHECK(record_get(heard, 0) == INVALID);
    reply(&received, BOOT_LOOK_UP, BOOT_DONE, ends[1]);
    close(ends[1]);
    CHECK(is_readable(ends[0])); /* the connection that it would have got is closed */
    close(ends[0]);
    xpc_release(connection);
    connection = client(record_create());
    received = take(&played, BOOT_LOOK_UP);
    xpc_release(connection); /* without a cancel */
    reply(&received, BOOT_LOOK_UP, BOOT_UNKNOWN_SERVICE, -1);
    play_end(&played);
}

static void suspended_before_the_answer(void) {
    struct played played = play();
    struct record *heard = record_create();
    xpc_connection_t connection = client(heard);
    int ends[2];
    char byte;
    CHECK(boot_make_pair(ends) == 0);
    struct boot_received received = take(&played, BOOT_LOOK_UP);
    xpc_connection_suspend(connection);
    send_number(connection, 1);
    reply(&received, BOOT_LOOK_UP, BOOT_DONE, ends[1]);
    close(ends[1]);
    lapse_ms(50);
    CHECK(recv(ends[0], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    xpc_connection_resume(connection);
    CHECK(is_readable(ends[0]) && recv(ends[0], &byte, 1, 0) == 1);
    end(connection);
    close(ends[0]);
    play_end(&played);
}

/* It is interrupted when its peer goes, and its next message looks the name up again. */
static void looks_up_again(void) {
    struct played played = play();
    struct record *heard = record_create();
    xpc_connection_t connection = client(heard);
    int ends[2];
    CHECK(boot_make_pair(ends) == 0);
    answer_next(&played, BOOT_DONE, ends[1]);
    close(ends[0]);
    close(ends[1]);
    CHECK(record_get(heard, 0) == INTERRUPTED);
    send_number(connection, 1);
    connects(&played, connection);
    play_end(&played);
}

/* ---- listeners ---- */

/* A listener, activated on another thread: its registration waits for the answer. */
static void *listen_elsewhere(void *context) {
    uint64_t flags = XPC_CONNECTION_MACH_SERVICE_LISTENER;
    return start(xpc_connection_create_mach_service(NAME, NULL, flags), record_event, context);
}

static xpc_connection_t listener_of(pthread_t thread) {
    void *listener;
    pthread_join(thread, &listener);
    return listener;
}

static void registers(void) {
    struct played played = play();
    struct record *heard = record_create();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, listen_elsewhere, heard) == 0);
    struct boot_received received = take(&played, BOOT_REGISTER);
    reply(&received, BOOT_REGISTER, BOOT_BUSY, -1);
    received = take(&played, BOOT_REGISTER);
    boot_received_release(&received); /* dropped: it asks again */
    received = take(&played, BOOT_REGISTER);
    int right = fcntl(received.descriptors[1], F_DUPFD_CLOEXEC, 0), connection;
    reply(&received, BOOT_REGISTER, BOOT_DONE, -1);
    xpc_connection_t listener = listener_of(thread);
    CHECK(xpc_linux_endpoint_connect(right, getpid(), &connection) == 0);
    close(connection);
    close(played.end); /* the listener survives its bootstrap, and so does the right */
    played.end = -1;
    close(right);
    lapse_ms(20);
    for (size_t i = 0; i < record_count(heard); i++) CHECK(record_get(heard, i) != INVALID);
    end(listener);
    play_end(&played);
}

/* Its name goes at once when it is cancelled, although a copy of its socket may be elsewhere. */
static void a_cancelled_listener(void) {
    struct played played = play();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, listen_elsewhere, record_create()) == 0);
    struct boot_received received = take(&played, BOOT_REGISTER);
    int right = fcntl(received.descriptors[1], F_DUPFD_CLOEXEC, 0);
    reply(&received, BOOT_REGISTER, BOOT_DONE, -1);
    end(listener_of(thread));
    struct pollfd state = {.fd = right};
    CHECK(poll(&state, 1, PATIENCE_SECONDS * 1000) == 1 && state.revents & POLLHUP);
    close(right);
    play_end(&played);
}

static void refused_listeners(void) {
    static const struct {
        int32_t code;
        const char *reason;
    } cases[] = {
        {BOOT_NAME_IN_USE, "does not register the name: another process already serves this name in its tree"},
        {BOOT_NOT_PRIVILEGED, "it belongs to another user"},
        {BOOT_NO_MEMORY, "it has too many names"},
        {BOOT_BAD_ARGUMENTS, "it does not understand the request"},
        {BOOT_BAD_ID, "it gives a code that this library does not know"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct played played = play();
        struct record *heard = record_create();
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, listen_elsewhere, heard) == 0);
        struct boot_received received = take(&played, BOOT_REGISTER);
        reply(&received, BOOT_REGISTER, cases[i].code, -1);
        invalid(listener_of(thread), heard, cases[i].reason);
        play_end(&played);
    }
    struct played played = play();
    struct record *heard = record_create();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, listen_elsewhere, heard) == 0);
    struct boot_received received = take(&played, BOOT_REGISTER);
    close(played.end);
    played.end = -1;
    boot_received_release(&received);
    invalid(listener_of(thread), heard, "does not register the name: the bootstrap that has started this process, or one above it, has ended");
    play_end(&played);
}

static const struct test tests[] = {
    {"looks up", looks_up},
    {"asks again", asks_again},
    {"a full channel", a_full_channel},
    {"codes", codes},
    {"malformed answers", malformed_answers},
    {"a bootstrap that ends before the answer", ends_before_the_answer},
    {"cancelled before the answer", cancelled_before_the_answer},
    {"suspended before the answer", suspended_before_the_answer},
    {"looks up again", looks_up_again},
    {"registers", registers},
    {"a cancelled listener", a_cancelled_listener},
    {"refused listeners", refused_listeners},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
