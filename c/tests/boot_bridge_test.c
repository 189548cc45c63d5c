/*
 * boot_bridge_test.c - a bootstrap as the isolate uses it, over the system's XPC.
 *
 * This process is in its own tree too: the variable names a channel that it has offered itself.
 */
#include <fcntl.h>

#include "bootstrap/channel.h"
#include "bridge_support.h"
#include "program.h"

#define BYTES(text) (const uint8_t *)(text), (uint32_t)strlen(text)

/* A bootstrap with its bell, whose process is in its tree. */
struct root {
    struct inbox *inbox;
    slb_handle bootstrap;
    int bell;
};

static void enter(struct root *root) {
    char value[SLB_BOOTSTRAP_VALUE_BYTES + 1] = "";
    CHECK(slb_bootstrap_offer(root->bootstrap, (uint8_t *)value, SLB_BOOTSTRAP_VALUE_BYTES) > 0);
    setenv(BOOT_VARIABLE, value, 1);
}

static void leave(struct root *root) {
    unsetenv(BOOT_VARIABLE);
    CHECK(slb_bootstrap_withdraw(root->bootstrap) == 0);
}

static struct root root_open(uint32_t isolated) {
    struct root root = {.inbox = inbox_open()};
    root.bootstrap = slb_bootstrap_create(root.inbox->queue, isolated);
    CHECK(root.bootstrap != 0);
    root.bell = slb_bootstrap_take_bell(root.bootstrap);
    CHECK(root.bell >= 0 && slb_bootstrap_take_bell(root.bootstrap) == SLB_E_CLOSED);
    enter(&root);
    return root;
}

static void root_close(struct root *root) {
    leave(root);
    CHECK(slb_release(root->bootstrap) == 0);
    close(root->bell);
    inbox_close(root->inbox);
}

/* Takes the next event of the bootstrap, and checks it. */
static void told(struct root *root, uint32_t kind, uint32_t detail, const char *name) {
    uint8_t event[SLB_BOOTSTRAP_EVENT_BYTES + 1];
    int32_t length;
    char rings[64];
    while ((length = slb_bootstrap_next(root->bootstrap, event)) == 0) {
        if (!is_readable(root->bell)) exit(1);
        CHECK(read(root->bell, rings, sizeof rings) > 0);
    }
    event[length > 0 ? length : 0] = 0;
    CHECK(length >= 8 && get32(event) == kind && get32(event + 4) == detail);
    CHECK_TEXT((const char *)event + 8, name);
}

static bool failed_with(int32_t code, const char *words) {
    char text[SLB_MAX_TEXT_BYTES + 1] = "";
    text[slb_error_copy((uint8_t *)text, SLB_MAX_TEXT_BYTES)] = 0;
    bool as_said = slb_error_code() == code && strstr(text, words);
    if (!as_said) fprintf(stderr, "%d, not %d: \"%s\", with \"%s\"?\n", slb_error_code(), code, text, words);
    return as_said;
}

static slb_handle listen(struct root *root) {
    slb_handle listener = slb_listener_create(root->inbox->queue);
    CHECK(slb_connection_activate(listener) == 0);
    return listener;
}

static int32_t register_as(struct root *root, const char *name, slb_handle listener) {
    slb_handle endpoint = slb_endpoint_create(listener);
    int32_t result = slb_bootstrap_register(root->bootstrap, BYTES(name), endpoint);
    CHECK(slb_release(endpoint) == 0);
    return result;
}

/* Says hello, and checks that it arrives at a new peer of the listener. */
static void greets(struct root *root, slb_handle client, slb_handle listener) {
    CHECK(slb_connection_activate(client) == 0);
    CHECK(slb_connection_send(client, HELLO, sizeof HELLO) == 0);
    struct record record = inbox_next(root->inbox);
    CHECK(record.event == SLB_EVENT_PEER && record.source == listener);
    slb_handle peer = record.subject;
    CHECK(slb_connection_activate(peer) == 0);
    record = inbox_next(root->inbox);
    CHECK(record.event == SLB_EVENT_MESSAGE && record.source == peer);
    check_hello(record);
    CHECK(slb_release(client) == 0);
    CHECK(slb_release(peer) == 0);
}

static slb_handle connect_to(struct root *root, const char *name) {
    return slb_connection_create_service(root->inbox->queue, BYTES(name));
}

static void registers_an_endpoint(void) {
    struct root root = root_open(0);
    slb_handle listener = listen(&root), other = listen(&root);
    CHECK(register_as(&root, "a", listener) == 0);
    told(&root, SLB_BOOTSTRAP_REGISTERED, (uint32_t)getpid(), "a");
    CHECK(register_as(&root, "a", other) == SLB_E_IN_USE && failed_with(SLB_E_IN_USE, "another listener of this bootstrap"));
    greets(&root, connect_to(&root, "a"), listener);
    slb_handle endpoint = slb_bootstrap_look_up(root.bootstrap, BYTES("a"));
    CHECK(endpoint != 0);
    greets(&root, slb_connection_create_endpoint(root.inbox->queue, endpoint), listener);
    CHECK(slb_release(endpoint) == 0);
    CHECK(slb_bootstrap_look_up(root.bootstrap, BYTES("b")) == 0 && failed_with(SLB_E_ABSENT, "nobody in this bootstrap serves it"));
    CHECK(slb_release(listener) == 0);
    told(&root, SLB_BOOTSTRAP_GONE, (uint32_t)getpid(), "a");
    CHECK(register_as(&root, "a", other) == 0);
    CHECK(slb_release(other) == 0);
    root_close(&root);
}

/* A listener by name registers: nothing is made in the directory of services. */
static void a_listener_by_name(void) {
    struct root root = root_open(0);
    slb_handle listener = slb_listener_create_service(root.inbox->queue, BYTES("com.example.named"));
    CHECK(slb_connection_activate(listener) == 0);
    told(&root, SLB_BOOTSTRAP_REGISTERED, (uint32_t)getpid(), "com.example.named");
    greets(&root, connect_to(&root, "com.example.named"), listener);
    slb_handle second = slb_listener_create_service(root.inbox->queue, BYTES("com.example.named"));
    CHECK(slb_connection_activate(second) == 0);
    struct record record = inbox_next(root.inbox);
    CHECK(record.event == SLB_EVENT_ERROR && record.source == second && record.subject == SLB_REASON_IN_USE);
    CHECK(slb_release(second) == 0);
    CHECK(slb_release(listener) == 0);
    told(&root, SLB_BOOTSTRAP_GONE, (uint32_t)getpid(), "com.example.named");
    root_close(&root);
}

/* A client that waits for a declared name is connected once somebody serves it. */
static void declares(void) {
    struct root root = root_open(0);
    slb_handle listener = listen(&root), client = connect_to(&root, "d");
    CHECK(slb_bootstrap_declare(root.bootstrap, BYTES("d"), 1) == 0);
    CHECK(slb_connection_activate(client) == 0);
    told(&root, SLB_BOOTSTRAP_WANTED, (uint32_t)getpid(), "d");
    CHECK(slb_bootstrap_ended(root.bootstrap, BYTES("d")) == 0); /* it could not be started; the client asks again */
    told(&root, SLB_BOOTSTRAP_WANTED, (uint32_t)getpid(), "d");
    CHECK(slb_bootstrap_look_up(root.bootstrap, BYTES("d")) == 0 && failed_with(SLB_E_AGAIN, "is being started"));
    CHECK(register_as(&root, "d", listener) == 0);
    told(&root, SLB_BOOTSTRAP_REGISTERED, (uint32_t)getpid(), "d");
    greets(&root, client, listener);
    CHECK(slb_bootstrap_declare(root.bootstrap, BYTES("d"), 0) == 0);
    CHECK(slb_release(listener) == 0);
    root_close(&root);
}

static struct record invalid(struct root *root, slb_handle connection, const char *words) {
    char text[SLB_MAX_TEXT_BYTES + 1] = "";
    struct record record = inbox_next(root->inbox);
    CHECK(record.event == SLB_EVENT_ERROR && record.source == connection && record.detail == SLB_ERROR_INVALID);
    text[slb_connection_reason_copy(connection, (uint8_t *)text, SLB_MAX_TEXT_BYTES)] = 0;
    if (!strstr(text, words)) fprintf(stderr, "\"%s\", without \"%s\"\n", text, words);
    CHECK(strstr(text, words) != NULL);
    CHECK(slb_release(connection) == 0);
    return record;
}

static void unknown_names(void) {
    char long_name[200], scratch[64];
    CHECK(make_directory(scratch, sizeof scratch));
    setenv("STREAMLIB_HOME", scratch, 1);
    struct root root = root_open(0);
    slb_handle client = connect_to(&root, "nobody");
    CHECK(slb_connection_activate(client) == 0);
    invalid(&root, client, "no such service");
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    CHECK(slb_bootstrap_look_up(root.bootstrap, BYTES(long_name)) == 0 && failed_with(SLB_E_ARGUMENT, "1 to 127"));
    CHECK(slb_bootstrap_look_up(root.bootstrap, (const uint8_t *)"a\0b", 3) == 0 && failed_with(SLB_E_ARGUMENT, "without NUL"));
    CHECK(slb_bootstrap_declare(root.bootstrap, BYTES(""), 1) == SLB_E_ARGUMENT);
    root_close(&root);
    root = root_open(1);
    client = connect_to(&root, "nobody");
    CHECK(slb_connection_activate(client) == 0);
    invalid(&root, client, "in the isolated tree of this process");
    root_close(&root);
    unsetenv("STREAMLIB_HOME");
    CHECK(rmdir(scratch) == 0); /* nothing was made in it */
}

/* What was connected goes on when the bootstrap ends; what is looked up then is invalid, and says why. */
static void its_end(void) {
    struct root root = root_open(0), next = {.inbox = root.inbox};
    slb_handle listener = slb_listener_create_service(root.inbox->queue, BYTES("a"));
    CHECK(slb_connection_activate(listener) == 0);
    slb_handle client = connect_to(&root, "a");
    CHECK(slb_connection_activate(client) == 0);
    CHECK(slb_connection_send(client, HELLO, sizeof HELLO) == 0);
    struct record record = inbox_next(root.inbox);
    slb_handle peer = record.subject;
    CHECK(record.event == SLB_EVENT_PEER && slb_connection_activate(peer) == 0);
    check_hello(inbox_next(root.inbox));
    const char *value = getenv(BOOT_VARIABLE);
    int channel = fcntl(atoi(value), F_DUPFD_CLOEXEC, 0), number = atoi(value);
    CHECK(slb_release(root.bootstrap) == 0);
    dup2(channel, number); /* as a child still has it */
    close(channel);
    uint8_t text[SLB_BOOTSTRAP_VALUE_BYTES];
    CHECK(slb_bootstrap_inherited(text, sizeof text) == SLB_E_ABSENT && failed_with(SLB_E_ABSENT, "has ended"));
    CHECK(slb_connection_send(client, HELLO, sizeof HELLO) == 0);
    record = inbox_next(root.inbox);
    CHECK(record.event == SLB_EVENT_MESSAGE && record.source == peer);
    slb_handle late = connect_to(&root, "a");
    CHECK(slb_connection_activate(late) == 0);
    invalid(&root, late, "the bootstrap that has started this process, or one above it, has ended");
    late = slb_listener_create_service(root.inbox->queue, BYTES("b"));
    CHECK(slb_connection_activate(late) == 0);
    invalid(&root, late, "has ended");
    CHECK(slb_release(client) == 0);
    CHECK(slb_release(peer) == 0);
    CHECK(slb_release(listener) == 0); /* it has survived its bootstrap without an event */
    unsetenv(BOOT_VARIABLE);
    close(number);
    close(root.bell);
    inbox_close(next.inbox);
}

static void events_are_bounded(void) {
    struct root root = root_open(0);
    slb_handle listener = listen(&root);
    for (int i = 0; i < SLB_MAX_BOOTSTRAP_EVENTS; i++) {
        CHECK(slb_bootstrap_declare(root.bootstrap, BYTES("d"), 1) == 0);
        CHECK(slb_bootstrap_look_up(root.bootstrap, BYTES("d")) == 0); /* WANTED */
    }
    CHECK(slb_bootstrap_declare(root.bootstrap, BYTES("e"), 1) == 0);
    CHECK(slb_bootstrap_look_up(root.bootstrap, BYTES("e")) == 0 && failed_with(SLB_E_AGAIN, "")); /* not told */
    CHECK(register_as(&root, "d", listener) == 0);
    for (int i = 0; i < SLB_MAX_BOOTSTRAP_EVENTS; i++) told(&root, SLB_BOOTSTRAP_WANTED, (uint32_t)getpid(), "d");
    told(&root, SLB_BOOTSTRAP_LOST, 1, "");
    CHECK(slb_bootstrap_look_up(root.bootstrap, BYTES("e")) == 0 && failed_with(SLB_E_AGAIN, ""));
    told(&root, SLB_BOOTSTRAP_WANTED, (uint32_t)getpid(), "e");
    CHECK(slb_release(listener) == 0);
    told(&root, SLB_BOOTSTRAP_GONE, (uint32_t)getpid(), "d");
    root_close(&root);
}

static void wrong_handles(void) {
    struct inbox *inbox = inbox_open();
    uint8_t bytes[SLB_BOOTSTRAP_EVENT_BYTES];
    const slb_handle wrong[] = {0, 12345, inbox->queue};
    for (int i = 0; i < 3; i++) {
        CHECK(slb_bootstrap_take_bell(wrong[i]) == SLB_E_HANDLE);
        CHECK(slb_bootstrap_next(wrong[i], bytes) == SLB_E_HANDLE);
        CHECK(slb_bootstrap_register(wrong[i], BYTES("a"), 0) == SLB_E_HANDLE);
        CHECK(slb_bootstrap_look_up(wrong[i], BYTES("a")) == 0 && slb_error_code() == SLB_E_HANDLE);
        CHECK(slb_bootstrap_declare(wrong[i], BYTES("a"), 1) == SLB_E_HANDLE);
        CHECK(slb_bootstrap_ended(wrong[i], BYTES("a")) == SLB_E_HANDLE);
        CHECK(slb_bootstrap_offer(wrong[i], bytes, sizeof bytes) == 0 && slb_error_code() == SLB_E_HANDLE);
        CHECK(slb_bootstrap_withdraw(wrong[i]) == SLB_E_HANDLE);
    }
    CHECK(slb_bootstrap_create(12345, 0) == 0 && slb_error_code() == SLB_E_HANDLE);
    slb_handle bootstrap = slb_bootstrap_create(inbox->queue, 0);
    CHECK(slb_bootstrap_register(bootstrap, BYTES("a"), bootstrap) == SLB_E_HANDLE);
    CHECK(slb_bootstrap_inherited(bytes, sizeof bytes) == 0); /* this process is in no bootstrap */
    CHECK(slb_bootstrap_withdraw(bootstrap) == 0);
    CHECK(slb_release(bootstrap) == 0);
    CHECK(slb_bootstrap_next(bootstrap, bytes) == SLB_E_HANDLE);
    inbox_close(inbox);
}

static void inherits(void) {
    struct root root = root_open(1);
    char value[SLB_BOOTSTRAP_VALUE_BYTES + 1] = "";
    int32_t length = slb_bootstrap_inherited((uint8_t *)value, SLB_BOOTSTRAP_VALUE_BYTES);
    CHECK(length > 0);
    CHECK_TEXT(value, getenv(BOOT_VARIABLE));
    CHECK(strstr(value, BOOT_ISOLATED) != NULL);
    root_close(&root);
}

static const struct test tests[] = {
    {"registers an endpoint", registers_an_endpoint},
    {"a listener by name", a_listener_by_name},
    {"declares names", declares},
    {"unknown names", unknown_names},
    {"the end of a bootstrap", its_end},
    {"events are bounded", events_are_bounded},
    {"wrong handles", wrong_handles},
    {"inherits", inherits},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_left, argc, argv); }
