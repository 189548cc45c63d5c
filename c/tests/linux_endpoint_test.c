/*
 * linux_endpoint_test.c - endpoints that were passed on: each holder has an end of its own, so none can
 * take the listener from the others.
 *
 * A hostile holder uses the descriptor of its endpoint by hand. The other processes are this program again,
 * in the roles at the end of this file.
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "endpoint.h"
#include "linux_raw.h"

#define GONE "the endpoint's listener was cancelled or has died"

/* ---- Passing on ----------------------------------------------------------------------- */

/* A connection of this process with itself: what is sent on it arrives as from another process. */
static struct pair courier;

static void courier_open(void) {
    courier = pair_open();
    send_number(courier.client, 0);
    CHECK(record_wait(courier.seen, 1)); /* from now on it opens and closes no descriptors */
    record_clear(courier.seen);
}

static void courier_close(void) {
    pair_close(&courier);
    settle();
}

/* The endpoint as a process gets it to which it is sent. To be released. */
static xpc_endpoint_t passed_on(xpc_endpoint_t endpoint) {
    size_t before = record_count(courier.seen);
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_value(message, "endpoint", endpoint);
    xpc_connection_send_message(courier.client, message);
    xpc_release(message);
    xpc_object_t received = xpc_dictionary_get_value(record_get(courier.seen, before), "endpoint");
    CHECK(received && xpc_get_type(received) == XPC_TYPE_ENDPOINT);
    return (xpc_endpoint_t)xpc_retain(received);
}

static int fd_of(xpc_endpoint_t endpoint) { return ((struct xl_carrier *)endpoint)->fd; }

static xpc_connection_t client_of(xpc_endpoint_t endpoint, struct record *heard) {
    return start(xpc_connection_create_from_endpoint(endpoint), record_event, heard);
}

static bool answers(xpc_connection_t client) {
    xpc_object_t message = message_of(4);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(client, message);
    bool answered = xpc_get_type(reply) == XPC_TYPE_DICTIONARY && number_of(xpc_dictionary_get_value(reply, "echo")) == 4;
    xpc_release(reply);
    xpc_release(message);
    return answered;
}

/* Whether the listener serves a new client of the endpoint. */
static bool serves(xpc_endpoint_t endpoint) {
    xpc_connection_t client = client_of(endpoint, record_create());
    bool served = answers(client);
    end(client);
    return served;
}

static xpc_connection_t answering(void) { return start(xpc_connection_create(NULL, NULL), accept_and_answer, NULL); }

/* ---- In one process ------------------------------------------------------------------- */

static void a_holder_ends_only_its_own(void) {
    courier_open();
    struct record *heard = record_create(), *lost = record_create();
    xpc_connection_t listener = answering();
    xpc_endpoint_t own = xpc_endpoint_create(listener), honest = passed_on(own), hostile = passed_on(own);
    xpc_connection_t client = client_of(honest, heard), of_hostile = client_of(hostile, lost);
    CHECK(answers(client) && answers(of_hostile));
    shutdown(fd_of(hostile), SHUT_RDWR);
    CHECK(record_get(lost, 0) == INVALID);
    CHECK(answers(client) && serves(honest) && serves(own) && !serves(hostile));
    CHECK(record_count(heard) == 0);
    xpc_release(own);
    xpc_release(honest);
    xpc_release(hostile);
    end(client);
    end(of_hostile);
    end(listener);
    courier_close();
}

static void an_end_survives_the_one_it_was_derived_from(void) {
    enum { DEPTH = 20 };
    courier_open();
    xpc_connection_t listener = answering();
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    for (int i = 0; i < DEPTH; i++) {
        xpc_endpoint_t next = passed_on(endpoint);
        if (i % 2) shutdown(fd_of(endpoint), SHUT_RDWR);
        xpc_release(endpoint);
        endpoint = next;
    }
    CHECK(serves(endpoint));
    xpc_release(endpoint);
    end(listener);
    courier_close();
}

/* The listener of an earlier build, by hand: it reads CONNECT packets, and ignores a DERIVE. */
static void an_endpoint_of_an_earlier_build_is_passed_on_as_it_is(void) {
    courier_open();
    int ends[2], connection;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    CHECK(xl_socket_identify(ends[0]) == 0);
    xpc_endpoint_t endpoint = xpc_linux_endpoint_create(ends[1]);
    close(ends[1]);
    CHECK(!xl_socket_can_derive(fd_of(endpoint)));
    xpc_endpoint_t once = passed_on(endpoint), twice = passed_on(once);
    const char *why;
    struct xl_packet packet;
    CHECK(xl_packet_receive(ends[0], &packet, &why) == XL_NOTHING);
    xpc_release(endpoint);
    xpc_release(once);
    CHECK(xpc_linux_endpoint_connect(fd_of(twice), 0, &connection) == 0);
    CHECK(xl_packet_receive(ends[0], &packet, &why) == XL_RECEIVED && packet.header.kind == XL_KIND_CONNECT);
    close(packet.descriptor);
    close(connection);
    xpc_release(twice);
    close(ends[0]);
    courier_close();
}

static void ends_wait_for_the_activation(void) {
    courier_open();
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_endpoint_t own = xpc_endpoint_create(listener), first = passed_on(own), second = passed_on(first);
    xpc_connection_t clients[] = {client_of(own, record_create()), client_of(first, record_create()),
                                  client_of(second, record_create())};
    for (uint64_t i = 0; i < 3; i++) send_number(clients[i], i);
    start(listener, accept_and_answer, NULL);
    for (int i = 0; i < 3; i++) {
        CHECK(answers(clients[i]));
        end(clients[i]);
    }
    xpc_release(own);
    xpc_release(first);
    xpc_release(second);
    end(listener);
    courier_close();
}

static void ends_wait_for_a_resume(void) {
    courier_open();
    struct record *heard = record_create();
    xpc_connection_t listener = answering();
    xpc_endpoint_t own = xpc_endpoint_create(listener), endpoint = passed_on(own);
    CHECK(serves(endpoint)); /* so that the listener has its end */
    xpc_connection_suspend(listener);
    xpc_connection_t client = client_of(endpoint, heard);
    xpc_object_t message = message_of(1);
    xpc_connection_send_message_with_reply(client, message, NULL, BLOCK(record_event, heard));
    lapse_ms(50);
    CHECK(record_count(heard) == 0);
    xpc_connection_resume(listener);
    CHECK(xpc_get_type(record_get(heard, 0)) == XPC_TYPE_DICTIONARY);
    xpc_release(message);
    xpc_release(own);
    xpc_release(endpoint);
    end(client);
    end(listener);
    courier_close();
}

/* Whoever passes an endpoint on may keep the end that it gives to the listener. */
static void a_kept_end_does_not_hide_the_end_of_the_listener(void) {
    int ends[2];
    struct record *heard = record_create();
    xpc_connection_t listener = answering();
    xpc_endpoint_t own = xpc_endpoint_create(listener);
    CHECK(xl_socket_pair(ends) == 0);
    CHECK(xl_endpoint_send(fd_of(own), XL_KIND_DERIVE, 0, ends[1]) == XL_SENT);
    xpc_endpoint_t endpoint = (xpc_endpoint_t)xl_carrier_consume(XPC_TYPE_ENDPOINT, ends[0]);
    xpc_connection_t client = client_of(endpoint, heard);
    CHECK(answers(client));
    xpc_connection_cancel(listener);
    CHECK(record_get(heard, 0) == INVALID);
    CHECK(!serves(endpoint));
    close(ends[1]);
    xpc_release(own);
    xpc_release(endpoint);
    end(client);
    end(listener);
}

static struct xpc_linux_endpoints endpoints(void) {
    struct xpc_linux_endpoints now;
    xpc_linux_get_endpoints(&now);
    return now;
}

static bool are_held(uint64_t count) {
    time_t patience = patience_end();
    while (endpoints().held != count && look_again(patience)) continue;
    return endpoints().held == count;
}

/* What is sent to a passed-on endpoint must be right, or that end is closed. */
static void garbage_ends_its_own_end(void) {
    courier_open();
    xpc_connection_t listener = answering();
    xpc_endpoint_t own = xpc_endpoint_create(listener), honest = passed_on(own);
    xpc_object_t message = message_of(1);
    for (int i = 0; i < 3; i++) {
        struct record *lost = record_create();
        xpc_endpoint_t hostile = passed_on(own);
        xpc_connection_t client = client_of(hostile, lost);
        CHECK(answers(client) && are_held(2));
        if (i == 0) CHECK(send(fd_of(hostile), "garbage", 7, MSG_NOSIGNAL) == 7);
        if (i == 1) send(fd_of(hostile), "", 0, MSG_NOSIGNAL);
        if (i == 2) {
            const char *why;
            bool refused;
            struct xl_parcel *parcel = xl_parcel_create(XL_KIND_MESSAGE, 0, message, &why, &refused);
            CHECK(xl_parcel_send(fd_of(hostile), parcel, -1) == XL_SENT);
            xl_parcel_free(parcel);
        }
        CHECK(record_get(lost, 0) == INVALID);
        CHECK(are_held(1));
        CHECK(serves(honest));
        end(client);
        xpc_release(hostile);
    }
    xpc_release(message);
    xpc_release(own);
    xpc_release(honest);
    end(listener);
    courier_close();
}

/* A listening socket with a connection that nobody accepts. */
static int listening_socket(int *client) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    *client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0 && listen(fd, 1) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    CHECK(connect(*client, (struct sockaddr *)&address, length) == 0);
    return fd;
}

/* A holder derives ends that are none. The listener neither spins nor stops. */
static void sockets_of_another_kind_are_no_ends(void) {
    enum { KINDS = 6 };
    courier_open();
    xpc_connection_t listener = answering();
    xpc_endpoint_t own = xpc_endpoint_create(listener), honest = passed_on(own), hostile = passed_on(own);
    int pipes[2], streams[2], closed[2], accepted, fds[KINDS];
    CHECK(pipe2(pipes, O_CLOEXEC) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, streams) == 0);
    CHECK(xl_socket_pair(closed) == 0);
    close(closed[1]);
    fds[0] = pipes[0];
    fds[1] = streams[0];
    fds[2] = closed[0];
    fds[3] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    fds[4] = listening_socket(&accepted);
    fds[5] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (int i = 0; i < KINDS; i++) {
        CHECK(xl_endpoint_send(fd_of(hostile), XL_KIND_DERIVE, 0, fds[i]) == XL_SENT);
        close(fds[i]);
    }
    CHECK(serves(hostile)); /* after all of them */
    CHECK(are_held(2));
    CHECK(serves(honest) && serves(own));
    close(pipes[1]);
    close(streams[1]);
    close(accepted);
    xpc_release(own);
    xpc_release(honest);
    xpc_release(hostile);
    end(listener);
    courier_close();
}

static bool are_open(int count) {
    time_t patience = patience_end();
    while (open_descriptors() != count && look_again(patience)) continue;
    return open_descriptors() == count;
}

/* Two for the listener; then one for each endpoint of its own process, and one for each that was passed on. */
static void costs_a_descriptor_for_each_holder(void) {
    courier_open();
    xpc_endpoint_t held[5];
    int before = open_descriptors();
    xpc_connection_t listener = answering();
    CHECK(are_open(before + 2));
    xpc_endpoint_t own = xpc_endpoint_create(listener);
    CHECK(are_open(before + 3));
    for (uint64_t i = 0; i < 5; i++) {
        held[i] = passed_on(own);
        record_clear(courier.seen);
        CHECK(are_held(i + 1));
    }
    CHECK(are_open(before + 3 + 2 * 5)); /* this process is the holder too */
    for (int i = 0; i < 5; i++) xpc_release(held[i]);
    CHECK(are_held(0));
    CHECK(are_open(before + 3));
    xpc_release(own);
    end(listener);
    courier_close();
}

/* Connects until the queue is full. Returns how often. */
static int fill(xpc_endpoint_t endpoint) {
    int ends[2], count = 0;
    CHECK(xl_socket_pair(ends) == 0);
    while (xl_endpoint_send(fd_of(endpoint), XL_KIND_CONNECT, 0, ends[1]) == XL_SENT) count++;
    close(ends[0]);
    close(ends[1]);
    return count;
}

/* The queue of the listener is full for a moment: what is passed on meanwhile waits for it, a second at most. */
static void a_full_queue_is_waited_for(void) {
    courier_open();
    uint64_t dead = endpoints().sent_dead;
    xpc_connection_t listener = answering();
    xpc_endpoint_t own = xpc_endpoint_create(listener);
    xpc_connection_suspend(listener);
    CHECK(fill(own) > 10);
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_value(message, "endpoint", own);
    xpc_connection_send_message(courier.client, message);
    xpc_connection_resume(listener);
    xpc_connection_t client = xpc_dictionary_create_connection(record_get(courier.seen, 0), "endpoint");
    CHECK(answers(start(client, record_event, record_create())));
    CHECK(endpoints().sent_dead == dead);
    xpc_release(message);
    xpc_release(own);
    end(client);
    end(listener);
    courier_close();
}

/* A message with an endpoint needs a free descriptor, and waits for one. */
static void a_send_waits_for_a_descriptor(void) {
    if (under_valgrind()) IGNORE("valgrind has descriptors of its own");
    struct rlimit before;
    courier_open();
    xpc_connection_t listener = answering();
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_connection(message, "endpoint", listener);
    int next = dup(0);
    close(next);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max}) == 0);
    xpc_connection_send_message(courier.client, message);
    lapse_ms(120); /* two attempts */
    CHECK(record_count(courier.seen) == 0 && record_count(courier.heard) == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    xpc_connection_t client = xpc_dictionary_create_connection(record_get(courier.seen, 0), "endpoint");
    CHECK(answers(start(client, record_event, record_create())));
    xpc_release(message);
    end(client);
    end(listener);
    courier_close();
}

/* ---- Between processes ---------------------------------------------------------------- */

#define BROKER "com.example.broker"

/* A service of this process, and what the other processes send to it. */
static struct {
    xpc_connection_t listener;
    struct record *reports;
} broker;

static void broker_open(void) {
    enter_home();
    courier_open();
    broker.reports = record_create();
    broker.listener = start(
        xpc_connection_create_mach_service(BROKER, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER), accept_into, broker.reports);
}

static void broker_close(void) {
    end(broker.listener);
    courier_close();
    leave_home();
}

/* Answers the report with that index: with an endpoint, or to let its sender go on. */
static void broker_answer(size_t report, xpc_endpoint_t endpoint) {
    xpc_object_t reply = xpc_dictionary_create_reply(record_get(broker.reports, report));
    if (endpoint) xpc_dictionary_set_value(reply, "endpoint", endpoint);
    xpc_connection_send_message(xpc_dictionary_get_remote_connection(reply), reply);
    xpc_release(reply);
}

static xpc_endpoint_t endpoint_of_report(size_t report) {
    xpc_object_t endpoint = xpc_dictionary_get_value(record_get(broker.reports, report), "endpoint");
    CHECK(endpoint != NULL);
    return (xpc_endpoint_t)xpc_retain(endpoint);
}

/* host -> this process -> client and wrecker, of which the wrecker is hostile, and then this process too. */
static void a_relay_and_a_client_are_hostile(void) {
    broker_open();
    pid_t host = spawn_child("host", "");
    xpc_endpoint_t endpoint = endpoint_of_report(0);
    pid_t client = spawn_child("client", "");
    broker_answer(1, endpoint);
    CHECK(record_wait(broker.reports, 3)); /* the client is connected */
    pid_t wrecker = spawn_child("wrecker", "");
    broker_answer(3, endpoint);
    CHECK(record_wait(broker.reports, 5)); /* it has done its worst */
    CHECK(serves(endpoint));
    shutdown(fd_of(endpoint), SHUT_RDWR);
    CHECK(!serves(endpoint));
    broker_answer(2, NULL);
    CHECK(wait_for_child(client) == 0); /* its connection goes on, and it can make more */
    kill_child(wrecker);
    kill_child(host);
    xpc_release(endpoint);
    broker_close();
}

static void a_queue_is_of_one_holder(void) {
    broker_open();
    pid_t host = spawn_child("host", "");
    xpc_endpoint_t relay = endpoint_of_report(0), hostile = passed_on(relay), honest = passed_on(relay);
    CHECK(serves(honest));
    kill(host, SIGSTOP);
    CHECK(fill(hostile) > 10);
    int ends[2];
    CHECK(xl_socket_pair(ends) == 0);
    CHECK(xl_endpoint_send(fd_of(honest), XL_KIND_CONNECT, 0, ends[1]) == XL_SENT);
    CHECK(xl_endpoint_send(fd_of(relay), XL_KIND_CONNECT, 0, ends[1]) == XL_SENT);
    kill(host, SIGCONT);
    CHECK(serves(honest) && serves(relay));
    close(ends[0]);
    close(ends[1]);
    kill_child(host);
    xpc_release(relay);
    xpc_release(hostile);
    xpc_release(honest);
    broker_close();
}

/* Endpoints of a stopped listener are passed on, the last one after a wait. The ones that found room work when it goes on. */
static void a_stopped_listener_stops_no_sender(void) {
    enum { MOST = 5000 };
    broker_open();
    pid_t host = spawn_child("host", "");
    xpc_endpoint_t endpoint = endpoint_of_report(0), first, last;
    uint64_t dead = endpoints().sent_dead;
    kill(host, SIGSTOP);
    first = last = passed_on(endpoint);
    xpc_retain(last);
    for (int i = 0; i < MOST && endpoints().sent_dead == dead; i++) {
        xpc_release(last);
        last = passed_on(endpoint);
        record_clear(courier.seen);
    }
    CHECK(endpoints().sent_dead == dead + 1);
    xpc_connection_t client = client_of(last, record_create());
    CHECK(!answers(client));
    check_reason(client, GONE);
    kill(host, SIGCONT);
    CHECK(serves(first));
    xpc_release(last);
    time_t patience = patience_end();
    for (last = passed_on(endpoint); !serves(last) && look_again(patience); last = passed_on(endpoint)) xpc_release(last);
    CHECK(serves(last));
    end(client);
    kill_child(host);
    xpc_release(endpoint);
    xpc_release(first);
    xpc_release(last);
    broker_close();
}

/* Two processes derive as many ends as they can. The next still gets one, and the listener's own process too. */
static void a_flood_leaves_room_for_others(void) {
    if (under_valgrind()) IGNORE("valgrind applies a limit of descriptors only after the call");
    enum { ALLOWED = 64, DESCRIPTORS = 44 + 2 * ALLOWED };
    struct rlimit before;
    broker_open();
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0 && before.rlim_max >= DESCRIPTORS);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = before.rlim_max}) == 0);
    xpc_connection_t listener = answering();
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    uint64_t refused = endpoints().refused;
    pid_t flooders[2];
    for (size_t i = 0; i < 2; i++) {
        flooders[i] = spawn_child("flooder", "");
        broker_answer(2 * i, endpoint);
        uint64_t alive = number_of(record_get(broker.reports, 2 * i + 1));
        CHECK(alive >= 1 && alive <= ALLOWED / (i ? 4 : 2));
        CHECK(endpoints().held < ALLOWED && endpoints().refused > refused);
        CHECK(endpoints().pid == flooders[i]);
        refused = endpoints().refused;
    }
    xpc_endpoint_t own = passed_on(endpoint);
    CHECK(serves(own) && serves(endpoint));
    pid_t client = spawn_child("relay", "");
    broker_answer(4, endpoint);
    CHECK(wait_for_child(client) == 0);
    for (size_t i = 0; i < 2; i++) kill_child(flooders[i]);
    CHECK(are_held(1)); /* `own` */
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    xpc_release(own);
    xpc_release(endpoint);
    end(listener);
    broker_close();
}

/* A holder has this process pass on, again and again, an endpoint that leads back to its own listener. */
static void a_process_that_is_made_to_flood_itself_has_a_share(void) {
    if (under_valgrind()) IGNORE("valgrind applies a limit of descriptors only after the call");
    enum { ALLOWED = 64, DESCRIPTORS = 44 + 2 * ALLOWED, TRIES = 50, OWN = 10 };
    struct rlimit before;
    xpc_connection_t listener = answering();
    xpc_endpoint_t own = xpc_endpoint_create(listener);
    int ends[2], derived[TRIES], own_ends[OWN];
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0 && before.rlim_max >= DESCRIPTORS);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = before.rlim_max}) == 0);
    CHECK(xl_socket_pair(ends) == 0);
    CHECK(xl_endpoint_send(fd_of(own), XL_KIND_DERIVE, 0, ends[1]) == XL_SENT);
    close(ends[1]);
    uint64_t refused = endpoints().refused;
    for (int i = 0; i < TRIES; i++) CHECK(xl_endpoint_derive(ends[0], false, &derived[i]) == XL_SENT);
    time_t patience = patience_end();
    while (endpoints().held + endpoints().refused - refused < TRIES + 1 && look_again(patience)) continue;
    CHECK(endpoints().held <= ALLOWED / 2 + 1 && endpoints().refused > refused);
    uint64_t held = endpoints().held; /* what it passes on of its own accord is not counted with them */
    for (int i = 0; i < OWN; i++) CHECK(xl_endpoint_derive(fd_of(own), false, &own_ends[i]) == XL_SENT);
    CHECK(are_held(held + OWN));
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    for (int i = 0; i < TRIES; i++) close(derived[i]);
    for (int i = 0; i < OWN; i++) close(own_ends[i]);
    close(ends[0]);
    xpc_release(own);
    end(listener);
}

/* ---- Roles of the children ------------------------------------------------------------ */

static void wait_to_be_killed(void) {
    for (;;) pause();
}

static xpc_object_t ask(xpc_connection_t to) {
    xpc_object_t message = message_of(0);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(to, message);
    xpc_release(message);
    return reply;
}

/* The endpoint that the broker answers with. To be released. */
static xpc_endpoint_t ask_for_endpoint(xpc_connection_t to) {
    xpc_object_t reply = ask(to), endpoint = xpc_dictionary_get_value(reply, "endpoint");
    CHECK(endpoint != NULL);
    xpc_retain(endpoint);
    xpc_release(reply);
    return (xpc_endpoint_t)endpoint;
}

static void host(xpc_connection_t to) {
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_connection(message, "endpoint", answering());
    xpc_connection_send_message(to, message);
    wait_to_be_killed();
}

static void client(xpc_connection_t to) {
    struct record *heard = record_create();
    xpc_endpoint_t endpoint = ask_for_endpoint(to);
    xpc_connection_t connected = client_of(endpoint, heard);
    CHECK(answers(connected));
    xpc_release(ask(to)); /* meanwhile the others do their worst */
    CHECK(answers(connected) && serves(endpoint));
    CHECK(record_count(heard) == 0);
    xpc_release(endpoint);
    end(connected);
}

static void wrecker(xpc_connection_t to) {
    xpc_endpoint_t endpoint = ask_for_endpoint(to);
    int ends[2];
    CHECK(xl_socket_pair(ends) == 0);
    for (int i = 0; i < 2000; i++) {
        xl_endpoint_send(fd_of(endpoint), i % 2 ? XL_KIND_CONNECT : XL_KIND_DERIVE, 0, ends[1]);
    }
    send(fd_of(endpoint), "garbage", 7, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd_of(endpoint), SHUT_RDWR);
    shutdown(ends[1], SHUT_RDWR);
    send_number(to, 0);
    wait_to_be_killed();
}

/* Passes the endpoint on to itself, and uses what it gets. */
static void relay(xpc_connection_t to) {
    courier_open();
    xpc_endpoint_t endpoint = ask_for_endpoint(to), derived = passed_on(endpoint);
    CHECK(serves(derived));
    xpc_release(endpoint);
    xpc_release(derived);
    pair_close(&courier);
}

static bool has_hung_up(int fd) {
    struct pollfd state = {.fd = fd};
    return poll(&state, 1, 0) == 1 && (state.revents & POLLHUP);
}

static void flooder(xpc_connection_t to) {
    enum { TRIES = 300 };
    int derived[TRIES];
    uint64_t alive = 0;
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max < 1024 ? limit.rlim_max : 1024;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    xpc_endpoint_t endpoint = ask_for_endpoint(to);
    for (int i = 0; i < TRIES; i++) {
        derived[i] = -1;
        CHECK(xl_endpoint_derive(fd_of(endpoint), false, &derived[i]) == XL_SENT);
    }
    CHECK(serves(endpoint)); /* after all of them */
    for (int i = 0; i < TRIES; i++) {
        if (derived[i] >= 0 && !has_hung_up(derived[i])) alive++;
    }
    send_number(to, alive);
    wait_to_be_killed();
}

static int be_child(const char *role) {
    static const struct {
        const char *name;
        void (*play)(xpc_connection_t to);
    } roles[] = {{"host", host}, {"client", client}, {"wrecker", wrecker}, {"relay", relay}, {"flooder", flooder}};
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* ends this child if the test has crashed */
    xpc_connection_t to = start(xpc_connection_create_mach_service(BROKER, NULL, 0), record_event, record_create());
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(role, roles[i].name) == 0) roles[i].play(to);
    }
    end(to);
    settle();
    return check_failures ? 1 : 0;
}

static const struct test tests[] = {
    {"a holder ends only its own", a_holder_ends_only_its_own},
    {"an end survives the one it was derived from", an_end_survives_the_one_it_was_derived_from},
    {"an endpoint of an earlier build is passed on as it is", an_endpoint_of_an_earlier_build_is_passed_on_as_it_is},
    {"ends wait for the activation", ends_wait_for_the_activation},
    {"ends wait for a resume", ends_wait_for_a_resume},
    {"a kept end does not hide the end of the listener", a_kept_end_does_not_hide_the_end_of_the_listener},
    {"garbage ends its own end", garbage_ends_its_own_end},
    {"sockets of another kind are no ends", sockets_of_another_kind_are_no_ends},
    {"costs a descriptor for each holder", costs_a_descriptor_for_each_holder},
    {"a full queue is waited for", a_full_queue_is_waited_for},
    {"a send waits for a descriptor", a_send_waits_for_a_descriptor},
    {"a relay and a client are hostile", a_relay_and_a_client_are_hostile},
    {"a queue is of one holder", a_queue_is_of_one_holder},
    {"a stopped listener stops no sender", a_stopped_listener_stops_no_sender},
    {"a flood leaves room for others", a_flood_leaves_room_for_others},
    {"a process that is made to flood itself has a share", a_process_that_is_made_to_flood_itself_has_a_share},
};

int main(int argc, char **argv) {
    prepare();
    if (argc > 2 && strcmp(argv[1], "--child") == 0) return be_child(argv[2]);
    return RUN_TESTS(tests, settle, argc, argv);
}
