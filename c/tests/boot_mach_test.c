/*
 * boot_mach_test.c - the server and the channel of a bootstrap on macOS, run on Linux over a double of Mach
 * (mach/mach_double.h), which counts every right. It shows that the code keeps Mach's rules as the double has
 * them; what Apple's kernel does, only a Mac can show.
 */
#include <errno.h>

#include "bootstrap/channel.h"
#include "bootstrap/messages_macos.h"
#include "bootstrap/registered_macos.h"
#include "bootstrap/server.h"
#include "check.h"
#include "mach_double.h"

enum { HOST = 4000, CHILD = 5000, QUOTA = 256 };

/* ---- a server, and a child of it ------------------------------------------------------------ */

static struct {
    struct boot_server *server;
    pthread_mutex_t lock; /* guards what follows */
    int told[4];
    int32_t pid; /* of the last event */
} tree = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pid_t children;

static bool tell(void *context, enum boot_event event, int32_t pid, const char *name) {
    (void)context;
    (void)name;
    pthread_mutex_lock(&tree.lock);
    tree.told[event]++;
    tree.pid = pid;
    pthread_mutex_unlock(&tree.lock);
    return true;
}

static int told(enum boot_event event) {
    pthread_mutex_lock(&tree.lock);
    int count = tree.told[event];
    pthread_mutex_unlock(&tree.lock);
    return count;
}

static bool await_told(enum boot_event event, int count) {
    time_t end = patience_end();
    while (told(event) < count && look_again(end)) continue;
    return told(event) == count;
}

static bool await_names(int count) {
    time_t end = patience_end();
    while ((mach_double_names() != count || mach_double_waiting() > 0) && look_again(end)) continue;
    return mach_double_names() == count;
}

static int32_t connect_right(boot_right service, int32_t pid, boot_right *connection) {
    (void)pid;
    *connection = service;
    bool done = mach_port_mod_refs(mach_task_self(), (mach_port_t)service, MACH_PORT_RIGHT_SEND, 1) == KERN_SUCCESS;
    return done ? BOOT_DONE : BOOT_UNKNOWN_SERVICE;
}

static struct boot_server *start_server(bool isolated) {
    struct boot_server_options options = {.tell = tell, .connect = connect_right, .isolated = isolated};
    return boot_server_start(&options);
}

/* This thread is a child that was started with a channel, from now on. */
static void become_child(void) {
    char value[BOOT_VALUE_BYTES];
    CHECK(boot_server_offer(tree.server, value));
    CHECK_TEXT(value, "port:isolated");
    setenv(BOOT_VARIABLE, value, 1);
    mach_double_become(CHILD + ++children, geteuid());
    CHECK(boot_channel_port() != MACH_PORT_NULL); /* it takes the port when it first looks */
    boot_server_withdraw(tree.server);
}

static int names_before, names_inside;

static void open_tree(void) {
    memset(tree.told, 0, sizeof tree.told);
    unsetenv(BOOT_VARIABLE);
    mach_double_become(HOST, geteuid());
    names_before = mach_double_names();
    tree.server = start_server(true);
    CHECK(tree.server);
    become_child();
    names_inside = mach_double_names();
}

static void close_tree(void) {
    boot_right right;
    char why[BOOT_TEXT_BYTES];
    mach_port_t port = boot_channel_port(), none[3] = {0};
    CHECK(await_names(names_inside));
    CHECK(mach_double_watched() == 0);
    boot_server_stop(tree.server);
    CHECK(boot_channel_look(why) == BOOT_LOST && strstr(why, "has ended"));
    CHECK(boot_channel_look_up("any", &right) == -1 && errno == EPIPE);
    mach_ports_register(mach_task_self(), none, 3);
    boot_mach_drop(port);
    CHECK(await_names(names_before));
    CHECK(mach_double_waiting() == 0);
    CHECK(mach_double_breaches() == 0);
}

static uint32_t references(mach_port_t port) {
    mach_port_urefs_t count = 0;
    mach_port_get_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, &count);
    return count;
}

/* Again when the server was too slow for the time limit of a look-up, as it may be on a slow machine. */
static int32_t look_up(const char *name, mach_port_t *port) {
    boot_right right;
    int32_t code;
    time_t end = patience_end();
    do code = boot_channel_look_up(name, &right);
    while (code == -1 && errno == ETIMEDOUT && look_again(end));
    *port = right == BOOT_NO_RIGHT ? MACH_PORT_NULL : (mach_port_t)right;
    CHECK((code == BOOT_DONE) == (*port != MACH_PORT_NULL));
    return code;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_a_name_leads_to_its_listener(void) {
    open_tree();
    boot_right right;
    mach_port_t found, listener = boot_mach_make();
    CHECK(look_up("a", &found) == BOOT_UNKNOWN_SERVICE);
    CHECK(boot_channel_register("a", listener) == BOOT_DONE);
    CHECK(tree.pid == CHILD + children && told(BOOT_EVENT_REGISTERED) == 1);
    CHECK(references(listener) == 2 && mach_double_watched() == 1);
    CHECK(boot_channel_register("a", listener) == BOOT_NAME_IN_USE && references(listener) == 2);
    CHECK(boot_channel_register("b", listener) == BOOT_DONE && references(listener) == 3);
    CHECK(look_up("a", &found) == BOOT_DONE && found == listener && references(listener) == 4);
    CHECK(boot_server_look_up(tree.server, "b", &right) == BOOT_DONE && right == listener && references(listener) == 5);
    for (int i = 0; i < 2; i++) boot_mach_drop(listener);
    boot_mach_close(listener); /* both names go with it */
    CHECK(await_told(BOOT_EVENT_GONE, 2));
    CHECK(look_up("a", &found) == BOOT_UNKNOWN_SERVICE);
    boot_mach_drop(listener);
    close_tree();
}

static void test_a_name_goes_with_its_process(void) {
    open_tree();
    mach_port_t listener = boot_mach_make();
    CHECK(boot_channel_register("a", listener) == BOOT_DONE);
    mach_double_end(CHILD + children);
    CHECK(await_told(BOOT_EVENT_GONE, 1));
    CHECK(references(listener) == 1);
    CHECK(boot_channel_register("a", listener) == BOOT_NO_MEMORY); /* a process that has ended registers nothing */
    CHECK(references(listener) == 1 && told(BOOT_EVENT_REGISTERED) == 1);
    boot_mach_drop(listener);
    boot_mach_close(listener);
    close_tree();
}

/* libdispatch may have the one notification of a name, or take it. */
static void test_a_notification_of_another_is_left_to_it(void) {
    for (int first = 0; first < 2; first++) {
        open_tree();
        union boot_mach_message message;
        mach_port_t found, previous, listener = boot_mach_make(), other = boot_mach_make();
        for (int i = 0; i < 2; i++) {
            if (i != first) {
                CHECK(boot_channel_register("a", listener) == BOOT_DONE);
                continue;
            }
            mach_port_request_notification(mach_task_self(), listener, MACH_NOTIFY_DEAD_NAME, 1, other,
                                           MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
            CHECK((previous == MACH_PORT_NULL) == (first == 0));
            boot_mach_drop(previous);
        }
        boot_mach_close(listener);
        CHECK(boot_mach_receive(other, &message, PATIENCE_SECONDS * 1000) == MACH_MSG_SUCCESS);
        CHECK(message.header.msgh_id == MACH_NOTIFY_DEAD_NAME && message.dead_name.not_port == listener);
        boot_mach_drop(listener);
        CHECK(look_up("a", &found) == BOOT_UNKNOWN_SERVICE && told(BOOT_EVENT_GONE) == 1);
        boot_mach_drop(listener);
        boot_mach_drop(other);
        boot_mach_close(other);
        close_tree();
    }
}

static void test_a_receive_right_is_made_for_who_checks_in(void) {
    open_tree();
    boot_right receive, none;
    mach_port_t found;
    CHECK(boot_channel_check_in("a", &receive) == BOOT_DONE);
    CHECK(boot_channel_check_in("a", &none) == BOOT_SERVICE_ACTIVE && none == BOOT_NO_RIGHT);
    CHECK(look_up("a", &found) == BOOT_DONE && found == (mach_port_t)receive);
    boot_mach_drop(found);
    boot_mach_close((mach_port_t)receive);
    CHECK(await_told(BOOT_EVENT_GONE, 1));
    close_tree();
}

static void test_another_user_is_refused(void) {
    open_tree();
    mach_port_t found, listener = boot_mach_make();
    mach_port_mod_refs(mach_task_self(), listener, MACH_PORT_RIGHT_SEND, 1);
    CHECK(boot_server_register(tree.server, "a", listener) == BOOT_DONE);
    mach_double_become(CHILD + children, geteuid() + 1);
    CHECK(look_up("a", &found) == BOOT_NOT_PRIVILEGED);
    CHECK(boot_channel_register("b", listener) == BOOT_NOT_PRIVILEGED);
    mach_double_become(CHILD + children, geteuid());
    CHECK(references(listener) == 2);
    CHECK(boot_channel_register("b", boot_channel_port()) == BOOT_BAD_ARGUMENTS); /* the channel itself is no listener */
    boot_mach_close(listener);
    CHECK(await_told(BOOT_EVENT_GONE, 1));
    boot_mach_drop(listener);
    close_tree();
}

static void test_a_declared_service_is_wanted(void) {
    open_tree();
    mach_port_t found;
    CHECK(boot_server_declare(tree.server, "a", true) == BOOT_DONE);
    for (int i = 1; i <= 2; i++) {
        CHECK(look_up("a", &found) == BOOT_BUSY && await_told(BOOT_EVENT_WANTED, i));
        boot_server_ended(tree.server, "a");
    }
    CHECK(boot_server_declare(tree.server, "a", false) == BOOT_DONE);
    close_tree();
}

/* Sends a message with a right, by hand. No answer is asked for. */
static void send_right(uint8_t how, mach_port_t port) {
    struct boot_request request = {.id = BOOT_REGISTER, .has_right = true, .name = "raw"};
    union boot_mach_message message;
    boot_request_encode(&request, message.bytes);
    message.header.msgh_remote_port = boot_channel_port();
    message.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
    message.request.right.name = port;
    message.request.right.disposition = how;
    CHECK(boot_mach_send(&message.header, PATIENCE_SECONDS * 1000) == MACH_MSG_SUCCESS);
}

static void test_no_message_does_harm_or_leaves_a_right(void) {
    open_tree();
    mach_port_t found;
    for (int32_t id = 0; id < 1000; id++) { /* forged notifications among them */
        mach_msg_header_t header = {.msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_size = sizeof header,
                                    .msgh_remote_port = boot_channel_port(), .msgh_id = id};
        CHECK(boot_mach_send(&header, PATIENCE_SECONDS * 1000) == MACH_MSG_SUCCESS);
    }
    const uint8_t ways[] = {MACH_MSG_TYPE_MOVE_RECEIVE, MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_COPY_SEND,
                            MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE};
    for (size_t i = 0; i < sizeof ways; i++) {
        mach_port_t port = boot_mach_make();
        send_right(ways[i], port);
        CHECK(look_up("nobody", &found) == BOOT_UNKNOWN_SERVICE); /* so the message was handled */
        if (ways[i] != MACH_MSG_TYPE_MOVE_RECEIVE) boot_mach_close(port);
        if (ways[i] != MACH_MSG_TYPE_MOVE_SEND) boot_mach_drop(port);
        CHECK(await_names(names_inside));
    }
    uint8_t bytes[BOOT_BYTES_MAX] = {0}; /* too long, with its trailer */
    mach_msg_header_t header = {.msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_size = sizeof bytes,
                                .msgh_remote_port = boot_channel_port(), .msgh_id = BOOT_LOOK_UP};
    memcpy(bytes, &header, sizeof header);
    CHECK(boot_mach_send((mach_msg_header_t *)(void *)bytes, PATIENCE_SECONDS * 1000) == MACH_MSG_SUCCESS);
    CHECK(look_up("nobody", &found) == BOOT_UNKNOWN_SERVICE);
    close_tree();
}

static void test_a_send_without_room_leaves_nothing(void) {
    open_tree();
    mach_port_t listener = boot_mach_make();
    boot_right found;
    mach_double_no_room();
    CHECK(boot_channel_look_up("a", &found) == -1 && errno == ETIMEDOUT);
    mach_double_no_room();
    CHECK(boot_channel_register("a", listener) == -1 && errno == ETIMEDOUT);
    CHECK(references(listener) == 1);
    boot_mach_drop(listener);
    boot_mach_close(listener);
    close_tree();
}

static void test_a_channel_has_a_quota(void) {
    open_tree();
    char name[32];
    mach_port_t listener = boot_mach_make();
    for (int i = 0; i <= QUOTA; i++) {
        snprintf(name, sizeof name, "name-%d", i);
        CHECK(boot_channel_register(name, listener) == (i < QUOTA ? BOOT_DONE : BOOT_NO_MEMORY));
    }
    boot_mach_close(listener);
    CHECK(await_told(BOOT_EVENT_GONE, QUOTA));
    boot_mach_drop(listener);
    close_tree();
}

static void test_a_fork_of_this_process_is_mended(void) {
    open_tree();
    CHECK(boot_channel_look(NULL) == BOOT_PRESENT);
    mach_port_t found = boot_registered_get();
    CHECK(found == boot_channel_port());
    boot_mach_drop(found);
    mach_double_fork();
    CHECK(boot_registered_get() == MACH_PORT_NULL);
    CHECK(boot_channel_look(NULL) == BOOT_PRESENT);
    found = boot_registered_get();
    CHECK(found == boot_channel_port());
    boot_mach_drop(found);
    close_tree();
}

static void test_a_child_of_a_fork_hears_why(void) {
    open_tree();
    char why[BOOT_TEXT_BYTES];
    mach_port_t channel = boot_channel_port();
    mach_double_fork();
    mach_double_become(CHILD + ++children, geteuid());
    CHECK(boot_channel_look(why) == BOOT_LOST && strstr(why, "fork()"));
    boot_mach_drop(channel); /* that of the other process */
    become_child();
    close_tree();
}

static void test_offers_end(void) {
    open_tree();
    char value[BOOT_VALUE_BYTES];
    boot_server_withdraw(tree.server); /* without an offer */
    for (int i = 0; i < 3; i++) {
        CHECK(boot_server_offer(tree.server, value));
        boot_server_withdraw(tree.server);
        boot_server_withdraw(tree.server);
        CHECK(await_names(names_inside)); /* nobody has the channel: it was closed */
    }
    close_tree();
}

/* Asks a server through a channel by hand, as another process. */
static int32_t ask_through(mach_port_t channel, const char *name, mach_port_t *found) {
    struct boot_request request = {.id = BOOT_LOOK_UP};
    struct boot_answer answer = {.code = -1};
    union boot_mach_message message;
    mach_port_t reply;
    strcpy(request.name, name);
    boot_request_encode(&request, message.bytes);
    mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &reply);
    message.header.msgh_remote_port = channel;
    message.header.msgh_local_port = reply;
    mach_double_speak_as(CHILD + 900);
    CHECK(boot_mach_send(&message.header, PATIENCE_SECONDS * 1000) == MACH_MSG_SUCCESS);
    mach_double_speak_as(CHILD + children);
    CHECK(boot_mach_receive(reply, &message, PATIENCE_SECONDS * 1000) == MACH_MSG_SUCCESS);
    CHECK(boot_answer_decode(message.bytes, message.header.msgh_size, &answer));
    *found = answer.has_right ? message.answer.right.name : MACH_PORT_NULL;
    boot_mach_close(reply);
    return answer.code;
}

static void test_a_bootstrap_in_a_bootstrap_passes_on(void) {
    open_tree();
    char value[BOOT_VALUE_BYTES];
    mach_port_t found, listener = boot_mach_make();
    CHECK(boot_channel_register("above", listener) == BOOT_DONE);
    struct boot_server *below = start_server(false);
    CHECK(boot_server_offer(below, value));
    mach_port_t channel = boot_registered_get();
    boot_server_withdraw(below);
    CHECK(ask_through(channel, "above", &found) == BOOT_DONE && found == listener);
    boot_mach_drop(found);
    CHECK(ask_through(channel, "nobody", &found) == BOOT_UNKNOWN_SERVICE);
    boot_mach_drop(channel);
    boot_server_stop(below);
    boot_mach_close(listener);
    CHECK(await_told(BOOT_EVENT_GONE, 1));
    boot_mach_drop(listener);
    close_tree();
}

static const struct test tests[] = {
    {"a name leads to its listener", test_a_name_leads_to_its_listener},
    {"a name goes with its process", test_a_name_goes_with_its_process},
    {"a notification of another is left to it", test_a_notification_of_another_is_left_to_it},
    {"a receive right is made for who checks in", test_a_receive_right_is_made_for_who_checks_in},
    {"another user is refused", test_another_user_is_refused},
    {"a declared service is wanted", test_a_declared_service_is_wanted},
    {"no message does harm or leaves a right", test_no_message_does_harm_or_leaves_a_right},
    {"a send without room leaves nothing", test_a_send_without_room_leaves_nothing},
    {"a channel has a quota", test_a_channel_has_a_quota},
    {"a fork of this process is mended", test_a_fork_of_this_process_is_mended},
    {"a child of a fork hears why", test_a_child_of_a_fork_hears_why},
    {"offers end", test_offers_end},
    {"a bootstrap in a bootstrap passes on", test_a_bootstrap_in_a_bootstrap_passes_on},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, NULL, argc, argv); }
