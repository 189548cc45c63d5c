/*
 * boot_hostile_test.c - processes of a tree that mean harm, or ask for too much, do not hurt the others.
 */
#include <sys/resource.h>

#include "boot_support.h"

static int inherited_channel(void) { return atoi(getenv(BOOT_VARIABLE)); }

/* ---- the other processes ---- */

enum { STORM_PROCESSES = 32, STORM_LOOK_UPS = 200, FLOOD = 600, CALM_PROCESSES = 4, CALM_LOOK_UPS = 25 };

/* Each connection leads to a service that answers with the number that it is sent: 0 if all answers are its own. */
static bool own_answer(int channel, uint32_t number) {
    int connection;
    uint32_t back = 0;
    int32_t code;
    while ((code = ask_for(channel, BOOT_LOOK_UP, "echo", -1, &connection)) == BOOT_BUSY || code == NO_ANSWER) lapse_ms(1);
    if (code != BOOT_DONE) return false;
    bool own = write(connection, &number, sizeof number) == sizeof number && is_readable(connection) &&
               read(connection, &back, sizeof back) == sizeof back && back == number;
    close(connection);
    return own;
}

static int look_up_often(const char *times) {
    int channel = inherited_channel();
    for (int i = 0; i < atoi(times); i++) {
        if (!own_answer(channel, (uint32_t)getpid() << 8 ^ (uint32_t)i)) return 1;
    }
    return 0;
}

/* Starts many processes over the one channel that this process has inherited. */
static int storm(const char *form) {
    bool calm = strcmp(form, "calm") == 0;
    pid_t children[STORM_PROCESSES];
    int processes = calm ? CALM_PROCESSES : STORM_PROCESSES, bad = 0;
    char times[16];
    snprintf(times, sizeof times, "%d", calm ? CALM_LOOK_UPS : STORM_LOOK_UPS);
    for (int i = 0; i < processes; i++) children[i] = spawn_child("look up", times);
    for (int i = 0; i < processes; i++) bad += !ended_well(children[i]);
    return bad;
}

/* Registers names until it may have no more. The exit status is their number. */
static int hog(const char *ignored) {
    int channel = inherited_channel(), count = 0;
    char name[32];
    (void)ignored;
    for (;; count++) {
        int right;
        snprintf(name, sizeof name, "hog.%d.%d", (int)getpid(), count);
        int32_t code = ask_for(channel, BOOT_CHECK_IN, name, -1, &right);
        if (code == BOOT_NO_MEMORY) break;
        if (code != BOOT_DONE) return 255;
    }
    fprintf(stderr, "%d names\n", count);
    if (write(STDOUT_FILENO, "\n", 1) != 1) return 255;
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) continue; /* its names live until its test ends them */
    return 0;
}

/* Asks, and never reads the answers. */
static int flood(const char *ignored) {
    static int kept[FLOOD];
    uint8_t bytes[BOOT_RIGHT_REQUEST_BYTES];
    int channel = inherited_channel();
    size_t length = encode(BOOT_LOOK_UP, "echo", bytes);
    (void)ignored;
    for (int i = 0; i < FLOOD; i++) {
        int reply[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, reply) != 0) break;
        int result = send_with(channel, bytes, length, &reply[1], 1);
        close(reply[1]);
        kept[i] = reply[0];
        if (result != 0) break;
    }
    int32_t code;
    while ((code = ask(channel, BOOT_LOOK_UP, "nobody")) == NO_ANSWER) lapse_ms(1); /* all were handled */
    return code == BOOT_UNKNOWN_SERVICE && kept[0] > 0 ? 0 : 1;
}

/* Ends what it has got, for others if it can. */
static int shut_down(const char *what) {
    int channel = inherited_channel(), connection;
    if (strcmp(what, "channel") == 0) {
        char text[BOOT_TEXT_BYTES];
        shutdown(channel, SHUT_RDWR);
        return boot_channel_look(text) == BOOT_LOST && strstr(text, "has ended") ? 0 : 1;
    }
    for (int i = 0; i < 3; i++) {
        if (ask_for(channel, BOOT_LOOK_UP, "echo", -1, &connection) != BOOT_DONE) return 1;
        shutdown(connection, SHUT_RDWR);
        close(connection);
    }
    return 0;
}

/* ---- a service that sends back what it gets ---- */

struct echo {
    struct tree *tree;
    int channel, service, stop[2];
    pthread_t thread;
};

enum { CONNECTIONS_MOST = 1500 };

static void *echo_work(void *context) {
    struct echo *echo = context;
    static struct pollfd watched[CONNECTIONS_MOST];
    nfds_t count = 2;
    watched[0] = (struct pollfd){.fd = echo->stop[0], .events = POLLIN};
    watched[1] = (struct pollfd){.fd = echo->service, .events = POLLIN};
    while (poll(watched, count, -1) >= 0 && !watched[0].revents) {
        int32_t pid;
        int end = watched[1].revents ? accept_one(echo->service, &pid) : -1;
        if (end >= 0 && count < CONNECTIONS_MOST) watched[count++] = (struct pollfd){.fd = end, .events = POLLIN};
        else if (end >= 0) close(end);
        for (nfds_t i = count - 1; i >= 2; i--) {
            uint32_t number;
            if (!watched[i].revents) continue;
            if (read(watched[i].fd, &number, sizeof number) == sizeof number && write(watched[i].fd, &number, sizeof number) > 0) continue;
            close(watched[i].fd);
            watched[i] = watched[--count];
        }
    }
    while (count > 2) close(watched[--count].fd);
    return NULL;
}

static struct echo *echo_open(void) {
    struct echo *echo = calloc(1, sizeof *echo);
    echo->tree = tree_start(false);
    echo->channel = open_channel(echo->tree);
    echo->service = serve_name(echo->channel, "echo");
    CHECK(pipe2(echo->stop, O_CLOEXEC) == 0);
    CHECK(pthread_create(&echo->thread, NULL, echo_work, echo) == 0);
    return echo;
}

/* The others can still look up, and each gets its own answer. */
static void echo_close(struct echo *echo) {
    CHECK(own_answer(echo->channel, 7));
    CHECK(ended_well(spawn_in(echo->tree, "look up", "3")));
    close(echo->stop[1]);
    pthread_join(echo->thread, NULL);
    close(echo->stop[0]);
    close(echo->service);
    close(echo->channel);
    tree_stop(echo->tree);
    free(echo);
}

/* ---- tests ---- */

static void in_tree(const char *role, const char *argument) {
    struct echo *echo = echo_open();
    CHECK(ended_well(spawn_in(echo->tree, role, argument)));
    echo_close(echo);
}

static void storms(void) { in_tree("storm", under_valgrind() ? "calm" : "all"); }
static void floods(void) { in_tree("flood", ""); }
static void shuts_connections_down(void) { in_tree("shut down", "connection"); }
static void shuts_its_channel_down(void) { in_tree("shut down", "channel"); }

static void starts_hog(struct tree *tree, int *input, int *output, pid_t *child) {
    int in[2], out[2], saved_in = dup(STDIN_FILENO), saved_out = dup(STDOUT_FILENO);
    char byte;
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    *child = spawn_in(tree, "hog", "");
    dup2(saved_in, STDIN_FILENO);
    dup2(saved_out, STDOUT_FILENO);
    close(saved_in);
    close(saved_out);
    close(in[0]);
    close(out[1]);
    *input = in[1];
    *output = out[0];
    CHECK(read(*output, &byte, 1) == 1); /* it has all the names that it may have */
}

/* Three processes take all the names they can from a server that may have 256 descriptors. */
static void hogs(void) {
    enum { HOGS = 3 };
    if (under_valgrind()) IGNORE("valgrind has descriptors of its own");
    struct rlimit limit, few;
    int inputs[HOGS], outputs[HOGS];
    pid_t children[HOGS];
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    few = (struct rlimit){.rlim_cur = 256, .rlim_max = limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    struct echo *echo = echo_open();
    for (int i = 0; i < HOGS; i++) starts_hog(echo->tree, &inputs[i], &outputs[i], &children[i]);
    CHECK(open_descriptors() < 160);
    for (uint32_t i = 0; i < 50; i++) CHECK(own_answer(echo->channel, i));
    close(serve_name(echo->channel, "another")); /* others still register too */
    for (int i = 0; i < HOGS; i++) {
        close(inputs[i]);
        CHECK(ended_well(children[i]));
        close(outputs[i]);
    }
    echo_close(echo);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void quota_of_a_channel(void) {
    struct tree *tree = tree_start(false);
    int hungry = open_channel(tree), other = open_channel(tree), rights[1024], count = 0, one;
    char name[16];
    for (; count < 1024; count++) {
        snprintf(name, sizeof name, "n.%d", count);
        if (ask_for(hungry, BOOT_CHECK_IN, name, -1, &rights[count]) != BOOT_DONE) break;
    }
    CHECK(count >= 2 && count < 1024);
    CHECK(ask(hungry, BOOT_CHECK_IN, "more") == BOOT_NO_MEMORY);
    CHECK(ask_for(other, BOOT_CHECK_IN, "more", -1, &one) == BOOT_DONE);
    close(rights[--count]); /* there is room for one */
    snprintf(name, sizeof name, "n.%d", count);
    CHECK(await_told(tree, BOOT_EVENT_GONE, name, 1));
    CHECK(ask_for(hungry, BOOT_CHECK_IN, "again", -1, &rights[count]) == BOOT_DONE);
    for (; count >= 0; count--) close(rights[count]);
    close(one);
    close(hungry);
    close(other);
    tree_stop(tree);
}

/* A service that takes no connection: who looks it up is told to try again, and the others are not. */
static void a_service_that_does_not_accept(void) {
    struct echo *echo = echo_open();
    int stuck = serve_name(echo->channel, "stuck"), connection, count = 0;
    int32_t code, pid;
    while ((code = ask_for(echo->channel, BOOT_LOOK_UP, "stuck", -1, &connection)) == BOOT_DONE && count < 100000) {
        close(connection);
        count++;
    }
    CHECK(code == BOOT_BUSY && count > 0);
    CHECK(own_answer(echo->channel, 1));
    for (int end; (end = accept_one(stuck, &pid)) >= 0;) close(end);
    CHECK(connects(echo->channel, "stuck", stuck));
    close(stuck);
    echo_close(echo);
}

/* Random bytes with random descriptors, then all works as before. */
static void any_bytes(void) {
    struct echo *echo = echo_open();
    unsigned seed = 1;
    int ends[2], many[MANY];
    CHECK(boot_make_pair(ends) == 0);
    for (int i = 0; i < MANY; i++) many[i] = ends[1];
    for (int i = 0; i < 3000; i++) {
        uint8_t bytes[300] = {0};
        uint32_t id = 398 + (uint32_t)rand_r(&seed) % 12;
        size_t length = encode(id == 400 || id == 401 ? 402 : id, "echo", bytes); /* registers nothing */
        for (int k = rand_r(&seed) % 6; k > 0; k--) bytes[24 + rand_r(&seed) % 160] = (uint8_t)rand_r(&seed);
        if (rand_r(&seed) % 4 == 0) length = (size_t)rand_r(&seed) % sizeof bytes;
        CHECK(send_with(echo->channel, bytes, length, many, rand_r(&seed) % 50 == 0 ? MANY : rand_r(&seed) % 4) == 0);
        char drain[BOOT_BYTES_MAX];
        while (recv(ends[0], drain, sizeof drain, MSG_DONTWAIT) > 0) continue;
    }
    CHECK(ask(echo->channel, BOOT_LOOK_UP, "nobody") == BOOT_UNKNOWN_SERVICE); /* all were handled */
    close(ends[0]);
    close(ends[1]);
    echo_close(echo);
}

/* ---- the check for leaks ---- */

static void a_leak_is_seen(void) {
    struct tree *tree = tree_start(false);
    int channel = open_channel(tree), before = open_descriptors(), right;
    CHECK(ask_for(channel, BOOT_CHECK_IN, "a", -1, &right) == BOOT_DONE);
    CHECK(open_descriptors() > before && !nothing_is_left());
    close(right);
    close(channel);
    tree_stop(tree);
    CHECK(nothing_is_left());
}

static int child_main(const char *role, const char *argument) {
    static const struct {
        const char *role;
        int (*run)(const char *argument);
    } roles[] = {{"look up", look_up_often}, {"storm", storm}, {"hog", hog}, {"flood", flood}, {"shut down", shut_down}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(role, roles[i].role) == 0) return roles[i].run(argument);
    }
    return 2;
}

static const struct test tests[] = {
    {"a leak is seen", a_leak_is_seen},
    {"a storm of look-ups over one channel", storms},
    {"a flood of requests whose answers nobody reads", floods},
    {"connections that are shut down", shuts_connections_down},
    {"a channel that is shut down", shuts_its_channel_down},
    {"hogs of names", hogs},
    {"the quota of a channel", quota_of_a_channel},
    {"a service that does not accept", a_service_that_does_not_accept},
    {"any bytes, with descriptors", any_bytes},
};

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--child") == 0) return child_main(argv[2], argv[3]);
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
