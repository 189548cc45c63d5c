/*
 * bridge_files_test.c: the directories and files of the shim, and the limits of the process that
 * they meet.
 */
#include <fcntl.h>
#include <sys/resource.h>

#include "stream_support.h"

/* Modes do not depend on the umask: with 0177 nobody could enter a directory that was just made. */
static void is_private_whatever_the_umask(void) {
    static const mode_t masks[] = {0, 077, 0177, 0277, 0777};
    struct inbox *inbox = inbox_open();
    char first[64], second[80], at[96];
    snprintf(first, sizeof first, "%s/a", home);
    snprintf(second, sizeof second, "%s/b", first);
    snprintf(at, sizeof at, "%s/s", second);
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        char lock[112];
        snprintf(lock, sizeof lock, "%s.lock", at);
        mode_t before = umask(masks[i]);
        slb_handle stream = listen_at(inbox, at);
        umask(before);
        CHECK(stream != 0);
        CHECK(mode_of(first) == 0700 && mode_of(second) == 0700 && mode_of(at) == 0600 && mode_of(lock) == 0600);
        CHECK(slb_release(stream) == 0);
        CHECK(rmdir(second) == 0 && rmdir(first) == 0);
    }
    inbox_close(inbox);
}

static void names_the_variable_of_its_directory(void) {
    struct inbox *inbox = inbox_open();
    char login[64], below[96], words[240];
    snprintf(login, sizeof login, "%s/login", home);
    snprintf(below, sizeof below, "%s/streamlib/s", login);
    setenv("XDG_RUNTIME_DIR", login, 1);
    snprintf(words, sizeof words, "%s/streamlib cannot be made or opened: No such file or directory; XDG_RUNTIME_DIR is %s; let",
             login, login);
    refused_at(inbox, below, SLB_E_PERMISSION, words);
    CHECK(!exists(login)); /* as root it would get a wrong owner */
    unsetenv("XDG_RUNTIME_DIR");
    snprintf(below, sizeof below, "%s/file/run/s", home);
    snprintf(login, sizeof login, "%s/file", home);
    CHECK(close(creat(login, 0600)) == 0);
    snprintf(words, sizeof words, "%s/file/run cannot be made or opened: Not a directory", home);
    refused_at(inbox, below, SLB_E_SYSTEM, words);
    CHECK(unlink(login) == 0);
    inbox_close(inbox);
}

static void error_has(const char *words) {
    uint8_t text[SLB_MAX_TEXT_BYTES + 1] = "";
    slb_error_copy(text, SLB_MAX_TEXT_BYTES);
    bool has = strstr((const char *)text, words) != NULL;
    if (!has) fprintf(stderr, "the error is \"%s\", without \"%s\"\n", (const char *)text, words);
    CHECK(has);
}

static void a_lack_of_descriptors_is_its_own(void) {
    if (under_valgrind()) IGNORE("valgrind has descriptors of its own");
    struct inbox *inbox = inbox_open();
    struct rlimit before;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    slb_handle made = surface_of_one_plane(inbox->queue, 16, 16, 4, 0);
    int next = dup(0); /* the lowest that is free */
    close(next);
    struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    slb_handle queue = slb_queue_create();
    error_has("Cannot make an event queue: this process has no free descriptor: its limit is ");
    slb_handle stream = listen_at(inbox, path);
    error_has("this process has no free descriptor: its limit is ");
    slb_handle region = surface_of_one_plane(inbox->queue, 16, 16, 4, 0);
    error_has("this process has no free descriptor: its limit is ");
#ifdef __linux__
    CHECK(slb_surface_native(made) == SLB_E_SYSTEM);
    error_has("Cannot return a surface's descriptor: this process has no free descriptor: its limit is ");
#endif
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(queue == 0 && stream == 0 && region == 0);
    CHECK(slb_surface_native(made) > 0 && slb_release(made) == 0);
    inbox_close(inbox);
}

/* The role "threads". */
static int start_without_threads(void) {
    struct rlimit none = {0};
    if ((geteuid() == 0 && setuid(65534) != 0) || setrlimit(RLIMIT_NPROC, &none) != 0) return 2;
    CHECK(slb_stderr_write((const uint8_t *)"x", 1) == SLB_E_SYSTEM);
    error_has("Cannot start the thread that writes to stderr: this user has too many processes and threads");
    _exit(check_failures ? 1 : 0); /* the search for leaks would need a thread */
}

static void a_lack_of_threads_is_its_own(void) {
#ifdef __APPLE__
    IGNORE("RLIMIT_NPROC does not count threads there");
#endif
    if (under_valgrind()) IGNORE("valgrind cannot be read by another user");
    int status = wait_for_child(spawn_child("threads", ""));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const struct test tests[] = {
    {"is private whatever the umask", is_private_whatever_the_umask},
    {"names the variable of its directory", names_the_variable_of_its_directory},
    {"a lack of descriptors is its own", a_lack_of_descriptors_is_its_own},
    {"a lack of threads is its own", a_lack_of_threads_is_its_own},
};

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "--child") == 0) return start_without_threads();
    if (!make_directory(home, sizeof home)) return 1;
    snprintf(path, sizeof path, "%s/run/s", home);
    int failed = RUN_TESTS(tests, check_nothing_left, argc, argv);
    char run[64];
    snprintf(run, sizeof run, "%s/run", home);
    rmdir(run);
    rmdir(home);
    return failed;
}
