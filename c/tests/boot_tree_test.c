/*
 * boot_tree_test.c - channels: inherited, lost, offered; and a bootstrap in a bootstrap.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include "boot_support.h"

static int inherited_channel(void) { return atoi(getenv(BOOT_VARIABLE)); }

/* Sets the variable for the rest of a test, or of a process. */
static void in_bootstrap(const char *value) { setenv(BOOT_VARIABLE, value, 1); }

static bool is_lost(const char *value, const char *part) {
    char text[BOOT_TEXT_BYTES] = "";
    in_bootstrap(value);
    bool lost = boot_channel_look(text) == BOOT_LOST && boot_channel_look(NULL) == BOOT_LOST && strstr(text, part);
    if (!lost) fprintf(stderr, "%s: \"%s\", without \"%s\"\n", value, text, part);
    unsetenv(BOOT_VARIABLE);
    return lost;
}

/* ---- the variable ---- */

static void values(void) {
    static const char *const malformed[] = {"x", "5", "5:", ":5", "-1:5", "5:6:", "5:6:isolate", "5:6:isolated:", "99999999999:1",
                                            "5:99999999999999999999999", "5 :6", "port"};
    char text[BOOT_TEXT_BYTES], value[BOOT_VALUE_BYTES];
    struct stat status;
    int ends[2];
    CHECK(boot_channel_look(text) == BOOT_NONE && !boot_channel_is_isolated());
    in_bootstrap("");
    CHECK(boot_channel_look(text) == BOOT_NONE);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) CHECK(is_lost(malformed[i], "unset it"));
    CHECK(boot_make_pair(ends) == 0 && fstat(ends[0], &status) == 0);
    snprintf(value, sizeof value, "%d:%llu", ends[0], (unsigned long long)status.st_ino);
    in_bootstrap(value);
    CHECK(boot_channel_look(text) == BOOT_PRESENT && !boot_channel_is_isolated());
    strcat(value, BOOT_ISOLATED);
    in_bootstrap(value);
    CHECK(boot_channel_look(text) == BOOT_PRESENT && boot_channel_is_isolated());
    snprintf(value, sizeof value, "%d:%llu", ends[1], (unsigned long long)status.st_ino);
    CHECK(is_lost(value, "it has another number here"));
    snprintf(value, sizeof value, "%d:%llu", ends[0], (unsigned long long)status.st_ino);
    close(ends[1]);
    CHECK(is_lost(value, "has ended"));
    close(ends[0]);
    CHECK(is_lost(value, "did not reach this process"));
}

/* A text that a program chose is cut, and printable. */
static void long_values(void) {
    char value[5000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = 0;
    CHECK(is_lost(value, "unset it"));
}

/* ---- offers ---- */

static void offers(void) {
    struct tree *tree = tree_start(false);
    char value[BOOT_VALUE_BYTES];
    int before = open_descriptors();
    boot_server_withdraw(tree->server); /* nothing is offered */
    CHECK(boot_server_offer(tree->server, value));
    int channel = atoi(value);
    CHECK(channel >= 100 && (fcntl(channel, F_GETFD) & FD_CLOEXEC) == 0);
    in_bootstrap(value);
    CHECK(boot_channel_look(NULL) == BOOT_PRESENT);
    CHECK(ask(channel, BOOT_LOOK_UP, "a") == BOOT_UNKNOWN_SERVICE);
    boot_server_withdraw(tree->server);
    boot_server_withdraw(tree->server);
    unsetenv(BOOT_VARIABLE);
    CHECK(fcntl(channel, F_GETFD) < 0);
    time_t end = patience_end();
    while (open_descriptors() > before && look_again(end)) continue; /* nobody has the channel: its other end is closed */
    CHECK(open_descriptors() == before);
    CHECK(boot_server_offer(tree->server, value));
    tree_stop(tree); /* withdraws too: see settle */
}

static void offers_with_few_descriptors(void) {
    if (under_valgrind()) IGNORE("valgrind has descriptors of its own");
    struct tree *tree = tree_start(false);
    struct rlimit limit, few;
    char value[BOOT_VALUE_BYTES];
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    few = (struct rlimit){.rlim_cur = 64, .rlim_max = limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK(boot_server_offer(tree->server, value));
    CHECK(atoi(value) >= 32 && atoi(value) < 64);
    boot_server_withdraw(tree->server);
    few.rlim_cur = 20;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK(!boot_server_offer(tree->server, value) && errno == EMFILE);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    tree_stop(tree);
}

static void *offer_elsewhere(void *context) {
    struct tree *tree = context;
    char value[BOOT_VALUE_BYTES];
    for (int i = 0; i < 50; i++) {
        CHECK(boot_server_offer(tree->server, value));
        boot_server_withdraw(tree->server);
    }
    return NULL;
}

static void offers_of_several_threads(void) {
    struct tree *tree = tree_start(false);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, offer_elsewhere, tree) == 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    tree_stop(tree);
}

/* ---- registering, with the code that a listener uses ---- */

static void registers_through_the_channel(void) {
    struct tree *tree = tree_start(false);
    char value[BOOT_VALUE_BYTES];
    int ends[2];
    CHECK(boot_make_pair(ends) == 0);
    CHECK(boot_channel_register("a", ends[1]) == -1 && errno == EPIPE); /* there is no bootstrap */
    CHECK(boot_server_offer(tree->server, value));
    in_bootstrap(value);
    CHECK(boot_channel_register("a", ends[1]) == BOOT_DONE);
    CHECK(boot_channel_register("a", ends[1]) == BOOT_NAME_IN_USE);
    int channel = fcntl(atoi(value), F_DUPFD_CLOEXEC, 0);
    CHECK(connects(channel, "a", ends[0]));
    close(channel);
    close(ends[0]);
    CHECK(boot_channel_register("b", ends[1]) == BOOT_BAD_ARGUMENTS); /* it has hung up */
    close(ends[1]);
    boot_server_withdraw(tree->server);
    unsetenv(BOOT_VARIABLE);
    tree_stop(tree);
}

/* A process whose own names are those of its own bootstrap asks nobody above, which would be itself. */
static void asks_itself(void) {
    struct tree *tree = tree_start(false);
    char value[BOOT_VALUE_BYTES];
    CHECK(boot_server_offer(tree->server, value));
    in_bootstrap(value);
    CHECK(ask(inherited_channel(), BOOT_LOOK_UP, "nobody") == BOOT_UNKNOWN_SERVICE);
    boot_server_withdraw(tree->server);
    unsetenv(BOOT_VARIABLE);
    tree_stop(tree);
}

/* ---- a bootstrap in a bootstrap ---- */

/* The codes that somebody in the inner bootstrap shall get for these names. */
static int asks_below(const char *argument) {
    int outer, inner, channel = inherited_channel();
    if (sscanf(argument, "%d %d", &outer, &inner) != 2) return 2;
    int32_t first = ask(channel, BOOT_LOOK_UP, "outer"), second = ask(channel, BOOT_LOOK_UP, "inner");
    int32_t none = ask(channel, BOOT_LOOK_UP, "nobody");
    bool isolated = boot_channel_is_isolated();
    fprintf(stderr, "outer %d, inner %d, nobody %d%s\n", first, second, none, isolated ? ", isolated" : "");
    return first == outer && second == inner && (none == BOOT_UNKNOWN_SERVICE || none == outer) ? isolated ? 7 : 8 : 2;
}

/* Runs a bootstrap inside another. Its exit status is that of the process in it. */
static int nests(const char *argument) {
    bool isolated = *argument == '!';
    int ends[2], status;
    char byte;
    struct tree *tree = tree_start(isolated);
    if (boot_make_pair(ends) != 0) return 3;
    if (boot_server_register(tree->server, "inner", ends[1]) != BOOT_DONE) return 4;
    if (argument[1] == '?') { /* until the outer one has ended */
        if (read(STDIN_FILENO, &byte, 1) != 0) return 5;
    }
    status = wait_for_child(spawn_in(tree, "asks below", argument + 2));
    close(ends[0]);
    tree_stop(tree);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 9;
}

static void nested(bool outer_isolated, const char *argument, bool isolated) {
    struct tree *tree = tree_start(outer_isolated);
    int channel = open_channel(tree), service = serve_name(channel, "outer");
    int status = wait_for_child(spawn_in(tree, "nests", argument));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (isolated ? 7 : 8));
    close(channel);
    close(service);
    tree_stop(tree);
}

static void passes_on(void) { nested(false, "--0 0", false); }

static void isolated_ones_do_not(void) { nested(false, "!-1102 0", true); }

/* What is above is isolated: so is what is below, whatever it says itself. */
static void below_an_isolated_one(void) { nested(true, "--0 0", true); }

static void below_one_that_has_ended(void) {
    struct tree *tree = tree_start(false);
    int input[2], saved = dup(STDIN_FILENO);
    CHECK(pipe2(input, O_CLOEXEC) == 0);
    dup2(input[0], STDIN_FILENO);
    pid_t child = spawn_in(tree, "nests", "-?-308 0");
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(input[0]);
    tree_stop(tree);
    close(input[1]);
    int status = wait_for_child(child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 8);
}

/* Nobody takes requests out of the channel above, and it is full. */
static void below_one_that_is_busy(void) {
    int ends[2], channel;
    struct stat status;
    char value[BOOT_VALUE_BYTES], bytes[BOOT_REQUEST_BYTES] = {0};
    CHECK(boot_make_pair(ends) == 0);
    channel = fcntl(ends[1], F_DUPFD, 100);
    CHECK(fstat(channel, &status) == 0);
    while (send(channel, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) continue;
    snprintf(value, sizeof value, "%d:%llu", channel, (unsigned long long)status.st_ino);
    in_bootstrap(value);
    pid_t child = spawn_child("nests", "--6 0");
    unsetenv(BOOT_VARIABLE);
    int end = wait_for_child(child);
    CHECK(WIFEXITED(end) && WEXITSTATUS(end) == 8);
    close(channel);
    close(ends[0]);
    close(ends[1]);
}

static int child_main(const char *role, const char *argument) {
    return strcmp(role, "nests") == 0 ? nests(argument) : asks_below(argument);
}

static const struct test tests[] = {
    {"values of the variable", values},
    {"long values of the variable", long_values},
    {"offers", offers},
    {"offers with few descriptors", offers_with_few_descriptors},
    {"offers of several threads", offers_of_several_threads},
    {"registers through the channel", registers_through_the_channel},
    {"a process asks itself", asks_itself},
    {"unknown names are passed on", passes_on},
    {"not by an isolated bootstrap", isolated_ones_do_not},
    {"below an isolated bootstrap", below_an_isolated_one},
    {"below a bootstrap that has ended", below_one_that_has_ended},
    {"below a bootstrap that is busy", below_one_that_is_busy},
};

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--child") == 0) return child_main(argv[2], argv[3]);
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
