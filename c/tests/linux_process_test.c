/*
 * linux_process_test.c - connections between processes: relay, death, reuse, identity.
 *
 * The other processes are this program again, in the roles at the end of this file.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "linux_support.h"

#define BROKER "com.example.broker"
#define SERVICE "com.example.service"

static xpc_connection_t listen_as(const char *name, handler_f handler, void *context) {
    uint64_t listener = XPC_CONNECTION_MACH_SERVICE_LISTENER;
    return start(xpc_connection_create_mach_service(name, NULL, listener), handler, context);
}

static xpc_connection_t client_of(const char *name, struct record *heard) {
    return start(xpc_connection_create_mach_service(name, NULL, 0), record_event, heard);
}

static xpc_object_t request_sync(xpc_connection_t client, uint64_t number) {
    xpc_object_t message = message_of(number);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(client, message);
    xpc_release(message);
    return reply;
}

/* A broker, and the messages that the children send to it. */
struct broker {
    xpc_connection_t listener;
    struct record *reports;
};

static struct broker broker_open(void) {
    enter_home();
    struct broker broker = {.reports = record_create()};
    broker.listener = listen_as(BROKER, accept_into, broker.reports);
    return broker;
}

static void broker_close(struct broker *broker) {
    end(broker->listener);
    settle();
    leave_home();
}

/* ---- Tests ---------------------------------------------------------------------------- */

static void tells_that_a_host_was_killed(void) {
    struct broker broker = broker_open();
    struct record *heard = record_create(), *answers = record_create();
    pid_t host = spawn_child("host", "");
    xpc_object_t report = record_get(broker.reports, 0);
    xpc_connection_t client = xpc_dictionary_create_connection(report, "endpoint");
    start(client, record_event, heard);
    xpc_object_t reply = request_sync(client, 5);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 5);
    CHECK(xpc_connection_get_pid(client) == host);
    CHECK(xpc_connection_get_pid(xpc_dictionary_get_remote_connection(report)) == host);
    xpc_object_t unanswered = xpc_dictionary_create_empty();
    xpc_dictionary_set_bool(unanswered, "keep", true);
    xpc_connection_send_message_with_reply(client, unanswered, NULL, BLOCK(record_event, answers));
    xpc_object_t after = request_sync(client, 6); /* the host has the first request by now */
    kill_child(host);
    CHECK(record_get(answers, 0) == INTERRUPTED);
    CHECK(record_get(heard, 0) == INVALID);
    CHECK(record_get(broker.reports, 1) == INVALID);
    xpc_release(after);
    xpc_release(unanswered);
    xpc_release(reply);
    end(client);
    broker_close(&broker);
}

static void connects_two_processes_through_a_third(void) {
    struct broker broker = broker_open();
    pid_t host = spawn_child("host", "");
    xpc_object_t stored = record_get(broker.reports, 0);
    pid_t client = spawn_child("client", "");
    xpc_object_t request = record_get(broker.reports, 1);
    xpc_object_t reply = xpc_dictionary_create_reply(request);
    xpc_dictionary_set_value(reply, "endpoint", xpc_dictionary_get_value(stored, "endpoint"));
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply);
    xpc_release(reply);
    CHECK(number_of(record_get(broker.reports, 2)) == (uint64_t)host); /* the pid that the client was connected to */
    CHECK(wait_for_child(client) == 0);
    CHECK(record_get(broker.reports, 3) == INVALID);
    kill_child(host);
    broker_close(&broker);
}

static void a_named_client_survives_its_service(void) {
    struct broker broker = broker_open();
    struct record *heard = record_create();
    pid_t first = spawn_child("service", "");
    CHECK(record_wait(broker.reports, 1));
    xpc_connection_t client = client_of(SERVICE, heard);
    xpc_object_t reply = request_sync(client, 1);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 1);
    CHECK(xpc_connection_get_pid(client) == first);
    xpc_release(reply);
    kill_child(first);
    CHECK(record_get(heard, 0) == INTERRUPTED);

    pid_t second = spawn_child("service", ""); /* replaces the socket file that the killed process left */
    CHECK(record_wait(broker.reports, 3));     /* after the death of the first */
    reply = request_sync(client, 2);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 2);
    CHECK(xpc_connection_get_pid(client) == second);
    CHECK(record_count(heard) == 1);
    xpc_release(reply);
    kill_child(second);
    CHECK(record_get(heard, 1) == INTERRUPTED);

    send_number(client, 3); /* now no process serves the name */
    CHECK(record_get(heard, 2) == INVALID);
    check_reason(client, "no such service: nothing listens at");
    end(client);
    broker_close(&broker);
}

static void only_one_process_serves_a_name(void) {
    struct broker broker = broker_open();
    struct record *heard = record_create();
    char expected[100];
    pid_t service = spawn_child("service", "");
    CHECK(record_wait(broker.reports, 1));
    xpc_connection_t second = listen_as(SERVICE, record_event, heard);
    CHECK(record_get(heard, 0) == INVALID);
    snprintf(expected, sizeof expected, "another process already serves this name (pid %d)", (int)service);
    check_reason(second, expected);
    end(second);
    kill_child(service);
    CHECK(record_wait(broker.reports, 2));
    xpc_connection_t third = listen_as(SERVICE, accept_and_answer, NULL);
    xpc_connection_t client = client_of(SERVICE, heard);
    xpc_object_t reply = request_sync(client, 1);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 1);
    xpc_release(reply);
    end(client);
    end(third);
    broker_close(&broker);
}

static void what_was_sent_before_an_exit_arrives(void) {
    enum { COUNT = 200 };
    struct broker broker = broker_open();
    pid_t talker = spawn_child("talker", "");
    CHECK(record_wait(broker.reports, COUNT + 1));
    for (size_t i = 0; i < COUNT; i++) CHECK(number_of(record_get(broker.reports, i)) == i);
    CHECK(record_get(broker.reports, COUNT) == INVALID);
    CHECK(wait_for_child(talker) == 0);
    broker_close(&broker);
}

static void shares_memory_and_descriptors(void) {
    struct broker broker = broker_open();
    int ends[2];
    char byte = 0;
    uint32_t *words = xpc_linux_region_create(3 * 4096);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    pid_t client = spawn_child("client", "");
    xpc_object_t shmem = xpc_shmem_create(words, 3 * 4096 - 100);
    xpc_object_t reply = xpc_dictionary_create_reply(record_get(broker.reports, 0));
    xpc_dictionary_set_value(reply, "memory", shmem);
    xpc_dictionary_set_fd(reply, "pipe", ends[1]);
    words[0] = 41;
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply);
    close(ends[1]);
    CHECK(is_readable(ends[0]));
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x'); /* written after the memory */
    CHECK(words[0] == 41 && words[1] == 42 && words[3071] == 43);
    CHECK(wait_for_child(client) == 0);
    xpc_release(reply);
    xpc_release(shmem);
    xpc_linux_region_destroy(words, 3 * 4096);
    close(ends[0]);
    broker_close(&broker);
}

static void another_user_is_not_served(void) {
    if (geteuid() != 0) return; /* only root can become another user */
    struct broker broker = broker_open();
    struct record *seen = record_create();
    pid_t stranger = spawn_child("stranger", "");
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_into, seen);
    xpc_object_t reply = xpc_dictionary_create_reply(record_get(broker.reports, 0));
    xpc_dictionary_set_connection(reply, "endpoint", listener);
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply);
    CHECK(wait_for_child(stranger) == 0);
    CHECK(record_count(seen) == 0);
    xpc_release(reply);
    end(listener);
    broker_close(&broker);
}

/* Acts as a service manager: listens for the service. The socket is inherited by a child, and blocking. */
static int listen_for_service(struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    CHECK(xpc_linux_service_path(SERVICE, address->sun_path, sizeof address->sun_path) == 0);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    CHECK(bind(fd, (struct sockaddr *)address, sizeof *address) == 0 && listen(fd, 5) == 0);
    return fd;
}

/* In a child: becomes the service, with the socket as descriptor 4. */
static void become_service(const char *role, int fd) {
    char pid[20];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDNAMES", "something.else:" SERVICE, 1);
    dup2(fd, 4);
    become_child(role, "");
}

static void serves_an_inherited_socket(void) {
    struct broker broker = broker_open();
    struct record *heard = record_create();
    struct sockaddr_un address;
    int fd = listen_for_service(&address);
    xpc_connection_t client = client_of(SERVICE, heard); /* exists before its service, which starts on demand */
    send_number(client, 1);
    pid_t service = fork();
    if (service == 0) become_service("service", fd);
    CHECK(record_wait(broker.reports, 1));
    xpc_object_t reply = request_sync(client, 2);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 2);
    CHECK(xpc_connection_get_pid(client) == service);
    xpc_release(reply);
    kill_child(service);
    CHECK(record_get(heard, 0) == INTERRUPTED);
    CHECK(access(address.sun_path, F_OK) == 0); /* it belongs to the manager, so the service must not remove it */
    close(fd);
    end(client);
    broker_close(&broker);
}

/* Even where a channel to a bootstrap was lost, without which a listener is invalid. */
static void an_inherited_socket_comes_before_a_bootstrap(void) {
    struct broker broker = broker_open();
    struct sockaddr_un address;
    int fd = listen_for_service(&address);
    pid_t child = fork();
    if (child == 0) {
        setenv("STREAMLIB_BOOTSTRAP", "100:1", 1);
        become_service("listener", fd);
    }
    CHECK(wait_for_child(child) == 0);
    close(fd);
    broker_close(&broker);
}

/* ---- Roles of the children ------------------------------------------------------------ */

static struct record *kept; /* requests that are never answered */

static void answer_or_keep(void *context, xpc_object_t event) {
    (void)context;
    if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) return;
    if (xpc_dictionary_get_bool(event, "keep")) record_event(kept, event);
    else answer(event);
}

static void accept_answer_or_keep(void *context, xpc_object_t event) {
    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) start(event, answer_or_keep, context);
}

static void wait_to_be_killed(void) {
    for (;;) pause();
}

static void host(xpc_connection_t broker) {
    kept = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), accept_answer_or_keep, NULL);
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_connection(message, "endpoint", listener);
    xpc_connection_send_message(broker, message);
    wait_to_be_killed();
}

static void service(xpc_connection_t broker) {
    listen_as(SERVICE, accept_and_answer, NULL);
    send_number(broker, 0);
    wait_to_be_killed();
}

static void listener(xpc_connection_t broker) {
    (void)broker;
    xpc_connection_t listener = listen_as(SERVICE, accept_and_answer, NULL);
    char *reason = xpc_connection_copy_invalidation_reason(listener);
    CHECK(!reason);
    free(reason);
    end(listener);
}

static void write_memory(xpc_object_t reply) {
    uint32_t *words = NULL;
    CHECK(xpc_shmem_map(xpc_dictionary_get_value(reply, "memory"), (void **)&words) == 3 * 4096);
    CHECK(words[0] == 41);
    words[1] = 42;
    words[3071] = 43;
    munmap(words, 3 * 4096);
    int fd = xpc_dictionary_dup_fd(reply, "pipe");
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(write(fd, "x", 1) == 1);
    close(fd);
}

static void talk_to_host(xpc_connection_t broker, xpc_object_t reply) {
    xpc_connection_t client = xpc_dictionary_create_connection(reply, "endpoint");
    start(client, record_event, record_create());
    xpc_object_t echo = request_sync(client, 9);
    CHECK(number_of(xpc_dictionary_get_value(echo, "echo")) == 9);
    send_number(broker, (uint64_t)xpc_connection_get_pid(client));
    xpc_release(echo);
    end(client);
}

/* Gets memory or an endpoint from the broker. Writes to the memory, or talks to the host of the endpoint. */
static void client(xpc_connection_t broker) {
    xpc_object_t reply = request_sync(broker, 0);
    if (xpc_dictionary_get_value(reply, "memory")) write_memory(reply);
    else talk_to_host(broker, reply);
    xpc_release(reply);
}

static void talker(xpc_connection_t broker) {
    struct record *sent = record_create();
    for (uint64_t i = 0; i < 200; i++) send_number(broker, i);
    xpc_connection_send_barrier(broker, BARRIER(record_event, sent));
    CHECK(record_wait(sent, 1));
}

static void stranger(xpc_connection_t broker) {
    struct record *heard = record_create();
    xpc_object_t reply = request_sync(broker, 0);
    CHECK(setresuid(65534, 65534, 65534) == 0);
    xpc_connection_t client = xpc_dictionary_create_connection(reply, "endpoint");
    start(client, record_event, heard);
    send_number(client, 1);
    CHECK(record_get(heard, 0) == INVALID);
    end(client);
    xpc_release(reply);
}

static int be_child(const char *role) {
    static const struct {
        const char *name;
        void (*play)(xpc_connection_t broker);
    } roles[] = {{"host", host},     {"service", service}, {"client", client},
                 {"talker", talker}, {"stranger", stranger}, {"listener", listener}};
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* ends this child if the test has crashed */
    xpc_connection_t broker = client_of(BROKER, record_create());
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(role, roles[i].name) == 0) roles[i].play(broker);
    }
    end(broker);
    settle();
    return check_failures ? 1 : 0;
}

static const struct test tests[] = {
    {"tells that a host was killed", tells_that_a_host_was_killed},
    {"connects two processes through a third", connects_two_processes_through_a_third},
    {"a named client survives its service", a_named_client_survives_its_service},
    {"only one process serves a name", only_one_process_serves_a_name},
    {"what was sent before an exit arrives", what_was_sent_before_an_exit_arrives},
    {"shares memory and descriptors", shares_memory_and_descriptors},
    {"another user is not served", another_user_is_not_served},
    {"serves an inherited socket", serves_an_inherited_socket},
    {"an inherited socket comes before a bootstrap", an_inherited_socket_comes_before_a_bootstrap},
};

int main(int argc, char **argv) {
    prepare();
    if (argc > 2 && strcmp(argv[1], "--child") == 0) return be_child(argv[2]);
    return RUN_TESTS(tests, settle, argc, argv);
}
