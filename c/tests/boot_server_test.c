/*
 * boot_server_test.c - what the server of a bootstrap answers, over real sockets.
 */
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "boot_support.h"

/* A tree, a channel into it, and a service "s" that this process registered through another channel. */
struct stage {
    struct tree *tree;
    int channel, other, service;
};

static struct stage stage_open(void) {
    struct stage stage = {.tree = tree_start(false)};
    stage.channel = open_channel(stage.tree);
    stage.other = open_channel(stage.tree);
    stage.service = serve_name(stage.other, "s");
    CHECK(await_told(stage.tree, BOOT_EVENT_REGISTERED, "s", 1));
    boot_server_ended(stage.tree->server, "s"); /* waits for its lock: the descriptors of that request are closed */
    return stage;
}

/* The service is still there: nothing that was tried has hurt it. */
static void stage_close(struct stage *stage) {
    CHECK(connects(stage->channel, "s", stage->service));
    close(stage->channel);
    close(stage->other);
    close(stage->service);
    tree_stop(stage->tree);
}

/* ---- names ---- */

static void registers_and_connects(void) {
    struct stage stage = stage_open();
    CHECK(pid_told(stage.tree, BOOT_EVENT_REGISTERED, "s") == getpid());
    CHECK(connects(stage.channel, "s", stage.service));
    CHECK(connects(stage.other, "s", stage.service));
    CHECK(ask(stage.channel, BOOT_LOOK_UP, "t") == BOOT_UNKNOWN_SERVICE);
    int right, ends[2];
    CHECK(boot_make_pair(ends) == 0);
    CHECK(ask_for(stage.channel, BOOT_REGISTER, "s", ends[1], NULL) == BOOT_NAME_IN_USE);
    CHECK(ask_for(stage.channel, BOOT_RELAY_REGISTER, "t", ends[1], NULL) == BOOT_DONE);
    CHECK(connects(stage.channel, "t", ends[0]));
    CHECK(ask_for(stage.channel, BOOT_RELAY_LOOK_UP, "t", -1, &right) == BOOT_DONE && right >= 0);
    close(right);
    close(ends[0]);
    close(ends[1]);
    CHECK(await_told(stage.tree, BOOT_EVENT_GONE, "t", 1));
    CHECK(ask(stage.channel, BOOT_LOOK_UP, "t") == BOOT_UNKNOWN_SERVICE);
    stage_close(&stage);
}

static void checks_in(void) {
    struct stage stage = stage_open();
    int right;
    CHECK(ask(stage.channel, BOOT_CHECK_IN, "s") == BOOT_SERVICE_ACTIVE);
    CHECK(ask_for(stage.channel, BOOT_CHECK_IN, "c", -1, &right) == BOOT_DONE && right >= 0);
    CHECK(connects(stage.other, "c", right));
    CHECK(ask(stage.other, BOOT_CHECK_IN, "c") == BOOT_SERVICE_ACTIVE);
    close(right);
    CHECK(await_told(stage.tree, BOOT_EVENT_GONE, "c", 1));
    CHECK(ask_for(stage.other, BOOT_CHECK_IN, "c", -1, &right) == BOOT_DONE);
    close(right);
    stage_close(&stage);
}

/* A right that its owner shuts down goes as one that it closes. */
static void a_name_goes_with_its_right(void) {
    struct stage stage = stage_open();
    int first = serve_name(stage.channel, "r");
    shutdown(first, SHUT_RDWR);
    CHECK(await_told(stage.tree, BOOT_EVENT_GONE, "r", 1));
    int second = serve_name(stage.channel, "r");
    CHECK(connects(stage.channel, "r", second));
    close(first);
    close(second);
    CHECK(await_told(stage.tree, BOOT_EVENT_GONE, "r", 2));
    stage_close(&stage);
}

/* Also through a channel that has been closed, and when the server itself ends. */
static void names_outlive_their_channel(void) {
    struct stage stage = stage_open();
    int third = open_channel(stage.tree);
    int service = serve_name(third, "r");
    close(third);
    CHECK(connects(stage.channel, "r", service));
    stage_close(&stage);
    CHECK(is_readable(service)); /* the server has closed its end */
    close(service);
}

static void other_requests(void) {
    struct stage stage = stage_open();
    uint8_t bytes[200] = {0x13, 0x15, 0, 0, 188};
    int right;
    bytes[20] = BOOT_LOOK_UP2 & 255;
    bytes[21] = BOOT_LOOK_UP2 >> 8;
    bytes[28] = 1;
    bytes[32] = 's';
    CHECK(ask_bytes(stage.channel, bytes, 188, BOOT_LOOK_UP2, NULL, 0, &right) == BOOT_DONE && right >= 0);
    close(right);
    close(accept_one(stage.service, &(int32_t){0}));
    bytes[4] = 189;
    CHECK(ask_bytes(stage.channel, bytes, 189, BOOT_LOOK_UP2, NULL, 0, NULL) == BOOT_NOT_PRIVILEGED);
    CHECK(ask(stage.channel, BOOT_SUBSET, "s") == BOOT_INVALID_RIGHT);
    CHECK(ask(stage.channel, BOOT_RELAY_SPAWN, "s") == BOOT_NOT_PRIVILEGED);
    CHECK(ask(stage.channel, BOOT_RELAY_SPAWN, "nobody") == BOOT_NOT_PRIVILEGED);
    CHECK(ask(stage.channel, 399, "s") == BOOT_BAD_ID);
    CHECK(ask(stage.channel, 403, "s") == BOOT_BAD_ID);
    CHECK(ask(stage.channel, 0, "s") == BOOT_BAD_ID);
    CHECK(ask(stage.channel, BOOT_LOOK_UP, "") == BOOT_BAD_ARGUMENTS);
    stage_close(&stage);
}

static void declared_services(void) {
    struct stage stage = stage_open();
    struct tree *tree = stage.tree;
    CHECK(boot_server_declare(tree->server, "d", true) == BOOT_DONE);
    CHECK(ask(stage.channel, BOOT_LOOK_UP, "d") == BOOT_BUSY);
    CHECK(await_told(tree, BOOT_EVENT_WANTED, "d", 1));
    CHECK(ask(stage.other, BOOT_LOOK_UP, "d") == BOOT_BUSY);
    CHECK(ask(stage.other, BOOT_RELAY_SPAWN, "d") == BOOT_DONE);
    boot_server_ended(tree->server, "d");
    CHECK(ask(stage.channel, BOOT_RELAY_SPAWN, "d") == BOOT_DONE);
    CHECK(await_told(tree, BOOT_EVENT_WANTED, "d", 2));
    int service = serve_name(stage.other, "d");
    CHECK(connects(stage.channel, "d", service));
    close(service);
    CHECK(await_told(tree, BOOT_EVENT_GONE, "d", 1));
    boot_server_ended(tree->server, "d"); /* its process has */
    boot_right right;
    CHECK(boot_server_look_up(tree->server, "d", &right) == BOOT_BUSY);
    CHECK(await_told(tree, BOOT_EVENT_WANTED, "d", 3));
    CHECK(boot_server_declare(tree->server, "d", false) == BOOT_DONE);
    CHECK(!told_more(tree, BOOT_EVENT_WANTED, "d", 3));
    CHECK(ask(stage.channel, BOOT_LOOK_UP, "d") == BOOT_UNKNOWN_SERVICE);
    stage_close(&stage);
}

/* At once, before the server has taken the event of its end: names that it had are free, a declared one is wanted again. */
static void services_that_have_just_ended(void) {
    struct stage stage = stage_open();
    struct tree *tree = stage.tree;
    int ends[2];
    CHECK(boot_server_declare(tree->server, "d", true) == BOOT_DONE);
    for (int i = 1; i <= 100; i++) {
        close(serve_name(stage.other, "d"));
        CHECK(ask(stage.channel, BOOT_LOOK_UP, "d") == BOOT_BUSY);
        CHECK(await_told(tree, BOOT_EVENT_WANTED, "d", i));
        boot_server_ended(tree->server, "d");
        close(serve_name(stage.other, "e"));
        int again = serve_name(stage.channel, "e");
        shutdown(again, SHUT_RDWR);
        CHECK(boot_make_pair(ends) == 0);
        CHECK(boot_server_register(tree->server, "e", ends[1]) == BOOT_DONE);
        close(again);
        close(ends[0]);
    }
    stage_close(&stage);
}

static void names_of_the_server(void) {
    struct stage stage = stage_open();
    int ends[2];
    boot_right right = BOOT_NO_RIGHT;
    CHECK(boot_make_pair(ends) == 0);
    CHECK(boot_server_register(stage.tree->server, "own", fcntl(ends[1], F_DUPFD_CLOEXEC, 0)) == BOOT_DONE);
    CHECK(boot_server_register(stage.tree->server, "own", fcntl(ends[1], F_DUPFD_CLOEXEC, 0)) == BOOT_NAME_IN_USE);
    CHECK(boot_server_register(stage.tree->server, "s", ends[1]) == BOOT_NAME_IN_USE);
    CHECK(connects(stage.channel, "own", ends[0]));
    CHECK(boot_server_look_up(stage.tree->server, "own", &right) == BOOT_DONE);
    close((int)right);
    CHECK(boot_server_look_up(stage.tree->server, "t", &right) == BOOT_UNKNOWN_SERVICE);
    close(ends[0]);
    CHECK(await_told(stage.tree, BOOT_EVENT_GONE, "own", 1));
    stage_close(&stage);
}

/* ---- descriptors ---- */

/* How many descriptors of each kind of request it takes; what is too many is closed, see `settle`. */
static void counts_of_descriptors(void) {
    struct stage stage = stage_open();
    int ends[2], many[MANY];
    uint8_t bytes[BOOT_RIGHT_REQUEST_BYTES];
    CHECK(boot_make_pair(ends) == 0);
    for (int i = 0; i < MANY; i++) many[i] = ends[1];
    static const int more[] = {1, 2, MANY - 1}; /* beside the socket for the answer */
    size_t length = encode(BOOT_LOOK_UP, "s", bytes);
    CHECK(send_with(stage.channel, bytes, length, NULL, 0) == 0); /* nobody to answer */
    for (int i = 0; i < 3; i++) {
        CHECK(ask_bytes(stage.channel, bytes, length, BOOT_LOOK_UP, many, more[i], NULL) == BOOT_BAD_ARGUMENTS);
    }
    length = encode(BOOT_REGISTER, "new", bytes);
    CHECK(send_with(stage.channel, bytes, length, NULL, 0) == 0);
    CHECK(ask_bytes(stage.channel, bytes, length, BOOT_REGISTER, many, 0, NULL) == BOOT_BAD_ARGUMENTS);
    CHECK(ask_bytes(stage.channel, bytes, length, BOOT_REGISTER, many, 2, NULL) == BOOT_BAD_ARGUMENTS);
    CHECK(ask_bytes(stage.channel, bytes, length, BOOT_REGISTER, many, MANY - 1, NULL) == BOOT_BAD_ARGUMENTS);
    CHECK(send_with(stage.channel, bytes, length, many, MANY) == 0);
    CHECK(ask(stage.channel, BOOT_LOOK_UP, "new") == BOOT_UNKNOWN_SERVICE);
    close(ends[0]);
    close(ends[1]);
    stage_close(&stage);
}

enum kind { A_FILE, A_PIPE, A_STREAM, A_DATAGRAM, AN_INTERNET_SOCKET, A_LISTENING_SOCKET, AN_UNCONNECTED_SOCKET, ONE_THAT_HUNG_UP, KINDS };

static int make(enum kind kind) {
    int ends[2] = {-1, -1}, type = kind == A_STREAM ? SOCK_STREAM : kind == A_DATAGRAM ? SOCK_DGRAM : SOCK_SEQPACKET;
    switch (kind) {
    case A_FILE: return open("/dev/null", O_RDWR | O_CLOEXEC);
    case A_PIPE: CHECK(pipe2(ends, O_CLOEXEC) == 0); break;
    case A_STREAM:
    case A_DATAGRAM:
    case ONE_THAT_HUNG_UP: CHECK(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0); break;
    case AN_INTERNET_SOCKET: return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    case A_LISTENING_SOCKET:
        ends[1] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        CHECK(bind(ends[1], &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t)) == 0 && listen(ends[1], 1) == 0);
        return ends[1];
    default: return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    }
    close(ends[0]);
    return ends[1];
}

static void reply_descriptors(void) {
    struct stage stage = stage_open();
    uint8_t bytes[BOOT_RIGHT_REQUEST_BYTES];
    size_t length = encode(BOOT_LOOK_UP, "s", bytes);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        int32_t pid;
        int fd = make(kind);
        CHECK(send_with(stage.channel, bytes, length, &fd, 1) == 0);
        close(fd);
        CHECK(ask(stage.channel, BOOT_LOOK_UP, "t") == BOOT_UNKNOWN_SERVICE); /* that was handled before */
        int connection = accept_one(stage.service, &pid); /* nobody got the other end of it */
        if (connection >= 0) CHECK(is_readable(connection));
        if (connection >= 0) close(connection);
    }
    stage_close(&stage);
}

static void rights_that_are_none(void) {
    struct stage stage = stage_open();
    for (enum kind kind = 0; kind < KINDS; kind++) {
        int fd = make(kind);
        CHECK(fd >= 0);
        CHECK(ask_for(stage.channel, BOOT_REGISTER, "new", fd, NULL) == BOOT_BAD_ARGUMENTS);
        close(fd);
    }
    CHECK(ask(stage.channel, BOOT_LOOK_UP, "new") == BOOT_UNKNOWN_SERVICE);
    stage_close(&stage);
}

/* The channel itself as a right: what the server connects with comes back to it, and is no request. */
static void a_channel_as_a_right(void) {
    struct stage stage = stage_open();
    CHECK(ask_for(stage.channel, BOOT_REGISTER, "loop", stage.channel, NULL) == BOOT_DONE);
    for (int i = 0; i < 10; i++) CHECK(ask(stage.other, BOOT_LOOK_UP, "loop") == BOOT_DONE);
    CHECK(connects(stage.channel, "s", stage.service));
    close(stage.channel);
    stage.channel = open_channel(stage.tree);
    stage_close(&stage);
}

static void lengths(void) {
    struct stage stage = stage_open();
    uint8_t bytes[4096] = {0};
    for (size_t length = 0; length <= sizeof bytes; length += length < 200 ? 1 : 97) {
        encode(BOOT_LOOK_UP, "s", bytes);
        int32_t code = ask_bytes(stage.channel, bytes, length, BOOT_LOOK_UP, NULL, 0, NULL);
        CHECK(code == (length < BOOT_HEADER_BYTES ? NO_ANSWER : length == BOOT_REQUEST_BYTES ? BOOT_DONE : BOOT_BAD_ARGUMENTS));
        if (code == BOOT_DONE) close(accept_one(stage.service, &(int32_t){0}));
    }
    for (int i = 0; i < 3; i++) CHECK(send_with(stage.channel, "", 0, NULL, 0) == 0); /* an empty packet is no end */
    stage_close(&stage);
}

/* The other way round: the asker takes one, and the kernel closes the others. */
static void answers_with_many_descriptors(void) {
    struct boot_answer answer = {.id = BOOT_LOOK_UP + BOOT_REPLY, .has_right = true, .disposition = BOOT_MOVE_SEND};
    uint8_t bytes[BOOT_RIGHT_ANSWER_BYTES];
    size_t length = boot_answer_encode(&answer, bytes);
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    for (int count = 1; count <= 3; count++) {
        int32_t code;
        boot_right right;
        int before = open_descriptors();
        CHECK(send_with(ends[1], bytes, length, (int[]){ends[1], ends[1], ends[1]}, count) == 0);
        CHECK(boot_channel_answer(ends[0], BOOT_LOOK_UP, &code, &right) && code == BOOT_DONE && right >= 0);
        close((int)right);
        CHECK(open_descriptors() == before);
    }
    close(ends[0]);
    close(ends[1]);
}

/* A server that has no descriptor free drops the request; its asker tries again. */
static void no_descriptor_is_free(void) {
    if (under_valgrind()) IGNORE("valgrind has descriptors of its own");
    struct stage stage = stage_open();
    struct rlimit limit, none;
    uint8_t bytes[BOOT_RIGHT_REQUEST_BYTES];
    int reply[2], right, free_one = open("/dev/null", O_RDONLY | O_CLOEXEC);
    size_t length = encode(BOOT_LOOK_UP, "s", bytes);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, reply) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    close(free_one);
    none = (struct rlimit){.rlim_cur = (rlim_t)free_one, .rlim_max = limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK(send_with(stage.channel, bytes, length, &reply[1], 1) == 0);
    close(reply[1]);
    int32_t code = receive_answer(reply[0], BOOT_LOOK_UP, &right);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(code == NO_ANSWER || code == BOOT_NO_MEMORY);
    close(reply[0]);
    stage_close(&stage);
}

/* One is free, for the answer: the asker learns that the server lacks another. */
static void no_descriptor_is_free_for_a_right(void) {
    if (under_valgrind()) IGNORE("valgrind has descriptors of its own");
    struct stage stage = stage_open();
    struct rlimit limit, one;
    uint8_t bytes[BOOT_RIGHT_REQUEST_BYTES];
    int reply[2], ends[2], got, free_one;
    size_t length = encode(BOOT_REGISTER, "new", bytes);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, reply) == 0 && boot_make_pair(ends) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    free_one = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(free_one);
    one = (struct rlimit){.rlim_cur = (rlim_t)free_one + 1, .rlim_max = limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &one) == 0);
    CHECK(send_with(stage.channel, bytes, length, (int[]){reply[1], ends[1]}, 2) == 0);
    int32_t code = receive_answer(reply[0], BOOT_REGISTER, &got);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(code == BOOT_NO_MEMORY);
    close(reply[0]);
    close(reply[1]);
    close(ends[0]);
    close(ends[1]);
    stage_close(&stage);
}

static _Atomic bool looks;

static void *interrupt(void *thread) {
    while (looks) pthread_kill(*(const pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void note_nothing(int signal) { (void)signal; }

/* A host has a signal for each child that ends: the server of a name must not seem to have ended then. */
static void signals_end_no_name(void) {
    struct stage stage = stage_open();
    struct sigaction action = {.sa_handler = note_nothing, .sa_flags = SA_RESTART}, before;
    pthread_t self = pthread_self(), other;
    boot_right right;
    looks = true;
    CHECK(sigaction(SIGUSR1, &action, &before) == 0 && pthread_create(&other, NULL, interrupt, &self) == 0);
    for (int i = 0; i < 2000; i++) {
        CHECK(boot_server_look_up(stage.tree->server, "s", &right) == BOOT_DONE);
        close((int)right);
    }
    looks = false;
    CHECK(pthread_join(other, NULL) == 0 && sigaction(SIGUSR1, &before, NULL) == 0);
    stage_close(&stage);
}

/* ---- other processes ---- */

static int inherited_channel(void) { return atoi(getenv(BOOT_VARIABLE)); }

static int as_another_user(void) {
    if (setuid(65534) != 0) return 3;
    int channel = inherited_channel();
    return ask(channel, BOOT_LOOK_UP, "s") == BOOT_NOT_PRIVILEGED && ask(channel, BOOT_CHECK_IN, "t") == BOOT_NOT_PRIVILEGED ? 0 : 4;
}

/* As a program that changes its effective user, such as a setuid one. */
static int with_another_effective_user(void) {
    int ends[2];
    if (seteuid(65534) != 0 || boot_make_pair(ends) != 0) return 3;
    int32_t code = boot_channel_register("t", ends[0]);
    /* For the leak sanitizer, which looks at this process from outside. */
    if (seteuid(0) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0) return 4;
    return code == BOOT_NOT_PRIVILEGED ? 0 : 5;
}

static void another_user(void) {
    if (geteuid() != 0) IGNORE("it needs root, to become another user");
    if (under_valgrind()) IGNORE("valgrind cannot be read by another user");
    struct stage stage = stage_open();
    CHECK(ended_well(spawn_in(stage.tree, "another user", "")));
    CHECK(ended_well(spawn_in(stage.tree, "another effective user", "")));
    CHECK(ask(stage.channel, BOOT_LOOK_UP, "t") == BOOT_UNKNOWN_SERVICE);
    stage_close(&stage);
}

/* Registers two names, and leaves a helper that holds their rights until `argument`, a pipe, ends. */
static int with_helper(const char *argument) {
    int channel = inherited_channel(), pipe = atoi(argument);
    char byte;
    serve_name(channel, "held.1");
    serve_name(channel, "held.2");
    if (fork() == 0) {
        alarm(TEST_SECONDS);
        while (read(pipe, &byte, 1) > 0) continue;
        _exit(0);
    }
    pause();
    return 0;
}

static void a_killed_process_with_a_helper(void) {
    if (under_valgrind()) IGNORE("valgrind does not support pidfd_open");
    struct stage stage = stage_open();
    int ends[2];
    char argument[16];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    fcntl(ends[0], F_SETFD, 0);
    snprintf(argument, sizeof argument, "%d", ends[0]);
    pid_t child = spawn_in(stage.tree, "with helper", argument);
    CHECK(await_told(stage.tree, BOOT_EVENT_REGISTERED, "held.2", 1));
    CHECK(pid_told(stage.tree, BOOT_EVENT_REGISTERED, "held.2") == child);
    kill_child(child);
    CHECK(await_told(stage.tree, BOOT_EVENT_GONE, "held.1", 1));
    CHECK(await_told(stage.tree, BOOT_EVENT_GONE, "held.2", 1));
    CHECK(ask(stage.channel, BOOT_LOOK_UP, "held.1") == BOOT_UNKNOWN_SERVICE);
    int again = serve_name(stage.channel, "held.1"); /* the name is free */
    CHECK(connects(stage.other, "held.1", again));
    close(again);
    close(ends[0]);
    close(ends[1]);
    stage_close(&stage);
}

static int child_main(const char *role, const char *argument) {
    if (strcmp(role, "another user") == 0) return as_another_user();
    if (strcmp(role, "another effective user") == 0) return with_another_effective_user();
    return with_helper(argument);
}

static const struct test tests[] = {
    {"registers and connects", registers_and_connects},
    {"checks in", checks_in},
    {"a name goes with its right", a_name_goes_with_its_right},
    {"names outlive their channel", names_outlive_their_channel},
    {"other requests", other_requests},
    {"declared services", declared_services},
    {"services that have just ended", services_that_have_just_ended},
    {"names of the server's process", names_of_the_server},
    {"counts of descriptors", counts_of_descriptors},
    {"descriptors for an answer that are none", reply_descriptors},
    {"rights that are none", rights_that_are_none},
    {"a channel as a right", a_channel_as_a_right},
    {"every length", lengths},
    {"answers with many descriptors", answers_with_many_descriptors},
    {"no descriptor is free", no_descriptor_is_free},
    {"no descriptor is free for a right", no_descriptor_is_free_for_a_right},
    {"signals end no name", signals_end_no_name},
    {"another user", another_user},
    {"a killed process whose helper lives", a_killed_process_with_a_helper},
};

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--child") == 0) return child_main(argv[2], argv[3]);
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
