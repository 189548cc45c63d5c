/*
 * linux_limits_test.c - limits of the process: each gives an error with its name, never a signal.
 *
 * A limit that is lowered holds for the whole process, so each test is a process of its own. It ends
 * by _exit: the search for leaks needs a thread, which it may not have.
 */
#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>

#include "service_support.h"

static bool limit(int resource, rlim_t value) {
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) != 0) return false;
    now.rlim_cur = value;
    return setrlimit((__rlimit_resource_t)resource, &now) == 0;
}

/* ---- The processes -------------------------------------------------------------------- */

static void memory_is_refused(void) {
    CHECK(limit(RLIMIT_FSIZE, 1 << 20));
    CHECK(xpc_linux_region_create(2 << 20) == NULL && errno == EFBIG);
    CHECK(strstr(xpc_linux_cause(EFBIG), "its limit is 1048576 bytes (RLIMIT_FSIZE); raise it with `ulimit -f`"));
    void *region = xpc_linux_region_create(1 << 20);
    CHECK(region != NULL);
    xpc_linux_region_destroy(region, 1 << 20);
}

static void a_long_message_is_refused(void) {
    static uint8_t long_data[400000];
    struct pair pair = pair_open();
    CHECK(limit(RLIMIT_FSIZE, 4096));
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_data(message, "data", long_data, sizeof long_data);
    xpc_connection_send_message(pair.client, message);
    xpc_release(message);
    CHECK(record_get(pair.heard, 0) == INVALID); /* the message is lost, so what follows it is too */
    char *why = xpc_connection_copy_invalidation_reason(pair.client);
    CHECK(why && strstr(why, "RLIMIT_FSIZE"));
    free(why);
    pair_close(&pair);
    time_t end = patience_end();
    while (live_objects() > 0 && look_again(end)) continue;
    CHECK(live_objects() == 0);
}

static void a_lock_is_refused(void) {
    CHECK(limit(RLIMIT_FSIZE, 0));
    CHECK(serves(SERVICE, "cannot write the lock of "));
    CHECK(serves(SERVICE, "its limit is 0 bytes (RLIMIT_FSIZE)"));
    CHECK(!exists("run/" SERVICE ".xpc.lock"));
}

static void descriptors_are_refused(void) {
    int next = dup(0);
    close(next);
    CHECK(limit(RLIMIT_NOFILE, (rlim_t)next));
    CHECK(serves(SERVICE, "this process has no free descriptor: its limit is "));
    CHECK(serves(SERVICE, "(RLIMIT_NOFILE); raise it with `ulimit -n`"));
}

static void threads_are_refused(void) {
    if (geteuid() == 0) CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
    CHECK(limit(RLIMIT_NPROC, 0)); /* which does not bind root */
    CHECK(serves(SERVICE, "too many processes and threads: the limit is 0 (RLIMIT_NPROC); raise it with `ulimit -u`"));
}

/* ---- The tests ------------------------------------------------------------------------ */

static const struct {
    const char *name;
    void (*run)(void);
} roles[] = {
    {"memory", memory_is_refused},          {"message", a_long_message_is_refused}, {"lock", a_lock_is_refused},
    {"descriptors", descriptors_are_refused}, {"threads", threads_are_refused},
};

static int be_child(const char *role, const char *directory) {
    snprintf(home, sizeof home, "%s", directory);
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(role, roles[i].name) == 0) roles[i].run();
    }
    fflush(NULL);
    _exit(check_failures ? 1 : 0);
}

static void in_a_process(const char *role) {
    enter_home();
    int status = wait_for_child(spawn_child(role, home));
    if (WIFSIGNALED(status)) fprintf(stderr, "it was ended by signal %d\n", WTERMSIG(status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    leave_home();
}

static void file_size_of_memory(void) { in_a_process("memory"); }
static void file_size_of_a_message(void) { in_a_process("message"); }
static void file_size_of_a_lock(void) { in_a_process("lock"); }
static void descriptors(void) {
    if (under_valgrind()) IGNORE("valgrind has descriptors of its own");
    in_a_process("descriptors");
}
static void threads(void) {
    if (under_valgrind()) IGNORE("valgrind cannot be read by another user");
    in_a_process("threads");
}

static const struct test tests[] = {
    {"file size: memory", file_size_of_memory}, {"file size: a message", file_size_of_a_message},
    {"file size: a lock", file_size_of_a_lock}, {"descriptors", descriptors},
    {"threads", threads},
};

int main(int argc, char **argv) {
    if (argc > 3 && strcmp(argv[1], "--child") == 0) return be_child(argv[2], argv[3]);
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
