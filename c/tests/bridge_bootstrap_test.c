/*
 * bridge_bootstrap_test.c - a bootstrap through the shim, on either system: names of this process, and of children
 * that are started with posix_spawn and with fork.
 *
 * On macOS it also prints, as "learnt: ...", what Apple's documentation does not say: see docs/macos.md.
 */
#include <spawn.h>

#include "bridge_support.h"
#include "program.h"

#ifdef __APPLE__
#include <dlfcn.h>
#include <mach/mach.h>
#include <xpc/xpc.h>
#endif

extern char **environ;

#define LEARNT(...) (printf("learnt: " __VA_ARGS__), printf("\n"), fflush(stdout))

static const char NAME[] = "org.example.bridge-bootstrap";
#define NAMED (const uint8_t *)NAME, (uint32_t)sizeof NAME - 1

/* ---- a bootstrap, and its events ----------------------------------------------------------- */

struct tree {
    struct inbox *inbox;
    slb_handle bootstrap;
    int bell;
};

static struct tree tree_open(void) {
    struct tree tree = {.inbox = inbox_open()};
    tree.bootstrap = slb_bootstrap_create(tree.inbox->queue, 1);
    CHECK(tree.bootstrap != 0);
    tree.bell = slb_bootstrap_take_bell(tree.bootstrap);
    CHECK(tree.bell >= 0);
    return tree;
}

static void tree_close(struct tree *tree) {
    CHECK(slb_release(tree->bootstrap) == 0);
    close(tree->bell);
    inbox_close(tree->inbox);
}

/* Waits for the next event. Returns its kind; 0 if none comes. */
static uint32_t next_told(struct tree *tree, int32_t *pid) {
    uint8_t event[SLB_BOOTSTRAP_EVENT_BYTES];
    int32_t length;
    while ((length = slb_bootstrap_next(tree->bootstrap, event)) == 0) {
        char rings[64];
        if (!is_readable(tree->bell) || read(tree->bell, rings, sizeof rings) <= 0) return 0;
    }
    CHECK(length > 8);
    *pid = (int32_t)get32(event + 4);
    return length > 8 ? get32(event) : 0;
}

/* ---- the children -------------------------------------------------------------------------- */

/* Asks the service once, and returns whether it has answered. Else the reason goes to stderr. */
static bool ask(const char *told_as) {
    struct inbox *inbox = inbox_open();
    slb_handle client = slb_connection_create_service(inbox->queue, NAMED);
    char reason[SLB_MAX_TEXT_BYTES + 1] = {0};
    CHECK(client != 0 && slb_connection_activate(client) == 0);
    CHECK(slb_connection_request(client, HELLO, sizeof HELLO, 7) == 0);
    struct record record = inbox_next(inbox);
    while (record.event != SLB_EVENT_REPLY) record = inbox_next(inbox);
    bool answered = record.detail == 0;
    if (!answered) slb_connection_reason_copy(client, (uint8_t *)reason, SLB_MAX_TEXT_BYTES);
    fprintf(stderr, "%s: %s%s\n", told_as, answered ? "answered" : "not answered: ", reason);
    slb_release(client);
    inbox_close(inbox);
    return answered;
}

/* Serves the name: answers each request with itself, until it is killed. */
static int serve(void) {
    struct inbox *inbox = inbox_open();
    slb_handle listener = slb_listener_create_service(inbox->queue, NAMED);
    CHECK(listener != 0 && slb_connection_activate(listener) == 0);
    for (;;) {
        struct record record = inbox_next(inbox);
        if (record.event == SLB_EVENT_PEER) slb_connection_activate(record.subject);
        if (record.event == SLB_EVENT_MESSAGE && record.subject) slb_reply_send(record.subject, HELLO, sizeof HELLO);
        if (record.event == SLB_EVENT_ERROR && record.source == listener) return 3;
    }
}

static int be_child(const char *role) {
    if (strcmp(role, "ask") == 0) return ask("spawned") ? 0 : 3;
    if (strcmp(role, "serve") == 0) return serve();
    /* Starts another with fork, as shells do. */
    pid_t child = fork();
    if (child == 0) become_child("ask", "");
    int status = wait_for_child(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

/* Starts this program with the value for STREAMLIB_BOOTSTRAP. */
static pid_t start(const char *role, const char *value) {
    char *arguments[] = {"child", "--child", (char *)role, "", NULL};
    pid_t child = -1;
    setenv("STREAMLIB_BOOTSTRAP", value, 1);
    CHECK(posix_spawn(&child, own_path(), NULL, NULL, arguments, environ) == 0);
    unsetenv("STREAMLIB_BOOTSTRAP");
    return child;
}

/* Starts it with a channel of its own. */
static pid_t start_in(struct tree *tree, const char *role) {
    char value[SLB_BOOTSTRAP_VALUE_BYTES + 1] = {0};
    CHECK(slb_bootstrap_offer(tree->bootstrap, (uint8_t *)value, SLB_BOOTSTRAP_VALUE_BYTES) > 0);
    pid_t child = start(role, value);
    CHECK(slb_bootstrap_withdraw(tree->bootstrap) == 0);
    return child;
}

/* Whether an event is there. An old ring of the bell says nothing. */
static bool has_event(struct inbox *inbox) {
    if (inbox->at == inbox->filled) {
        inbox->at = 0;
        inbox->filled = slb_queue_drain(inbox->queue, inbox->buffer, sizeof inbox->buffer);
        CHECK(inbox->filled >= 0);
    }
    return inbox->filled > inbox->at;
}

/* The exit code of a child that is served by this process meanwhile. */
static int exit_code_served(struct tree *tree, slb_handle listener, pid_t child) {
    int status = -1;
    time_t end = patience_end();
    while (waitpid(child, &status, WNOHANG) == 0 && look_again(end)) {
        if (!has_event(tree->inbox)) continue;
        struct record record = inbox_next(tree->inbox);
        if (record.event == SLB_EVENT_PEER && record.source == listener) slb_connection_activate(record.subject);
        if (record.event == SLB_EVENT_MESSAGE) CHECK(slb_reply_send(record.subject, HELLO, sizeof HELLO) == 0);
        if (record.event == SLB_EVENT_ERROR) CHECK(slb_release(record.source) == 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static slb_handle listen_in(struct tree *tree) {
    slb_handle listener = slb_listener_create(tree->inbox->queue), endpoint = slb_endpoint_create(listener);
    CHECK(slb_connection_activate(listener) == 0);
    CHECK(slb_bootstrap_register(tree->bootstrap, NAMED, endpoint) == 0);
    CHECK(slb_bootstrap_register(tree->bootstrap, NAMED, endpoint) == SLB_E_IN_USE);
    CHECK(slb_release(endpoint) == 0);
    int32_t pid = 0;
    CHECK(next_told(tree, &pid) == SLB_BOOTSTRAP_REGISTERED && pid == getpid());
    return listener;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void a_name_leads_to_its_listener(void) {
    struct tree tree = tree_open();
    CHECK(slb_bootstrap_look_up(tree.bootstrap, NAMED) == 0 && slb_error_code() == SLB_E_ABSENT);
    slb_handle listener = listen_in(&tree), endpoint = slb_bootstrap_look_up(tree.bootstrap, NAMED);
    CHECK(endpoint != 0);
    slb_handle client = slb_connection_create_endpoint(tree.inbox->queue, endpoint);
    CHECK(slb_connection_activate(client) == 0);
    CHECK(slb_connection_send(client, HELLO, sizeof HELLO) == 0);
    struct record record = inbox_next(tree.inbox);
    CHECK(record.event == SLB_EVENT_PEER && record.source == listener);
    slb_handle peer = record.subject;
    CHECK(slb_connection_activate(peer) == 0);
    record = inbox_next(tree.inbox);
    CHECK(record.event == SLB_EVENT_MESSAGE);
    check_hello(record);
    CHECK(slb_release(client) == 0);
    CHECK(slb_release(peer) == 0);
    CHECK(slb_release(endpoint) == 0);
    CHECK(slb_release(listener) == 0);
    int32_t pid = 0;
    CHECK(next_told(&tree, &pid) == SLB_BOOTSTRAP_GONE && pid == getpid());
    CHECK(slb_bootstrap_look_up(tree.bootstrap, NAMED) == 0 && slb_error_code() == SLB_E_ABSENT);
    tree_close(&tree);
}

static void a_spawned_child_finds_a_name(void) {
    struct tree tree = tree_open();
    slb_handle listener = listen_in(&tree);
    for (int i = 0; i < 3; i++) CHECK(exit_code_served(&tree, listener, start_in(&tree, "ask")) == 0);
    CHECK(slb_release(listener) == 0);
    tree_close(&tree);
}

static void a_spawned_child_serves_a_name(void) {
    struct tree tree = tree_open();
    for (int i = 0; i < 2; i++) {
        pid_t child = start_in(&tree, "serve");
        int32_t pid = 0;
        CHECK(next_told(&tree, &pid) == SLB_BOOTSTRAP_REGISTERED && pid == child);
        slb_handle endpoint = slb_bootstrap_look_up(tree.bootstrap, NAMED);
        slb_handle client = slb_connection_create_endpoint(tree.inbox->queue, endpoint);
        CHECK(endpoint != 0 && slb_connection_activate(client) == 0);
        CHECK(slb_connection_request(client, HELLO, sizeof HELLO, 7) == 0);
        struct record record = inbox_next(tree.inbox);
        CHECK(record.event == SLB_EVENT_REPLY && record.detail == 0);
        kill_child(child);
        record = inbox_next(tree.inbox);
        CHECK(record.event == SLB_EVENT_ERROR && record.detail == SLB_ERROR_INVALID);
        CHECK(next_told(&tree, &pid) == SLB_BOOTSTRAP_GONE && pid == child);
        CHECK(slb_bootstrap_look_up(tree.bootstrap, NAMED) == 0 && slb_error_code() == SLB_E_ABSENT);
        CHECK(slb_release(client) == 0);
        CHECK(slb_release(endpoint) == 0);
    }
    tree_close(&tree);
}

/* A client that is not served hears it, and why: it never waits for ever. */
static void a_child_hears_that_its_channel_was_lost(void) {
    struct tree tree = tree_open();
    slb_handle listener = listen_in(&tree);
    char value[SLB_BOOTSTRAP_VALUE_BYTES + 1] = {0};
    CHECK(slb_bootstrap_offer(tree.bootstrap, (uint8_t *)value, SLB_BOOTSTRAP_VALUE_BYTES) > 0);
    CHECK(slb_bootstrap_withdraw(tree.bootstrap) == 0);
    CHECK(exit_code_served(&tree, listener, start("ask", value)) == 3);
    CHECK(exit_code_served(&tree, listener, start("ask", "nonsense")) == 3);
    CHECK(slb_release(listener) == 0);
    tree_close(&tree);
}

/* On Linux the channel is a descriptor, which a fork passes on. Apple's libxpc removes it at a fork. */
static void a_forked_grandchild_finds_a_name(void) {
    struct tree tree = tree_open();
    slb_handle listener = listen_in(&tree);
    int code = exit_code_served(&tree, listener, start_in(&tree, "fork"));
#ifdef __APPLE__
    LEARNT("a channel %s", code == 0 ? "survives fork()" : "is lost at fork()");
    CHECK(code == 0 || code == 3);
#else
    CHECK(code == 0);
#endif
    CHECK(slb_release(listener) == 0);
    tree_close(&tree);
}

#ifdef __APPLE__
static mach_port_urefs_t references(mach_port_t port) {
    mach_port_urefs_t count = 0;
    mach_port_get_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, &count);
    return count;
}

/* What bootstrap/endpoint_port.c measures. */
static void who_owns_a_reference(void) {
    xpc_endpoint_t (*create)(mach_port_t) = (xpc_endpoint_t(*)(mach_port_t))dlsym(RTLD_DEFAULT, "xpc_endpoint_create_mach_port_4sim");
    mach_port_t (*copy)(xpc_endpoint_t) = (mach_port_t(*)(xpc_endpoint_t))dlsym(RTLD_DEFAULT, "xpc_endpoint_copy_listener_port_4sim");
    mach_port_t port;
    LEARNT("create %s, copy %s", create ? "exists" : "is missing", copy ? "exists" : "is missing");
    if (!create || !copy) IGNORE("libxpc lacks a function");
    CHECK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) == KERN_SUCCESS);
    CHECK(mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS);
    xpc_endpoint_t endpoint = create(port);
    mach_port_urefs_t created = references(port);
    mach_port_t copied = endpoint ? copy(endpoint) : MACH_PORT_NULL;
    LEARNT("references: 1 before, %u after create, %u after copy of %s port", created, references(port),
           copied == port ? "the same" : "another");
}
#endif

static const struct test tests[] = {
    {"a name leads to its listener", a_name_leads_to_its_listener},
    {"a spawned child finds a name", a_spawned_child_finds_a_name},
    {"a spawned child serves a name", a_spawned_child_serves_a_name},
    {"a child hears that its channel was lost", a_child_hears_that_its_channel_was_lost},
    {"a forked grandchild finds a name", a_forked_grandchild_finds_a_name},
#ifdef __APPLE__
    {"who owns a reference", who_owns_a_reference},
#endif
};

int main(int argc, char **argv) {
    if (argc > 3 && strcmp(argv[1], "--child") == 0) return be_child(argv[2]);
    return RUN_TESTS(tests, check_nothing_left, argc, argv);
}
