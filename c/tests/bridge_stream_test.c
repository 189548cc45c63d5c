/*
 * bridge_stream_test.c: tests listening stream sockets through the shim's ABI: creation, lock,
 * inherited sockets, accept, release.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "stream_support.h"

#define SERVICE "com.example.stream"

static slb_handle inherit(struct inbox *inbox) {
    return slb_stream_inherited(inbox->queue, (const uint8_t *)SERVICE, strlen(SERVICE));
}

static struct sockaddr_un address_of(const char *at) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at);
    return address;
}

/* Returns a socket that is connected to the path; -1 if no process listens there. */
static int connect_to(const char *at) {
    struct sockaddr_un address = address_of(at);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

/* Accepts a connection; waits for the bell if there is none. */
static int accept_next(slb_handle stream, int bell) {
    int32_t fd;
    while ((fd = slb_stream_accept(stream)) == SLB_E_AGAIN) {
        char ring;
        if (!is_readable(bell)) {
            fprintf(stderr, "the bell did not ring\n");
            exit(1);
        }
        CHECK(read(bell, &ring, 1) == 1);
    }
    return fd;
}

/* ---- making and holding ---- */

static void listens_in_private(void) {
    struct inbox *inbox = inbox_open();
    slb_handle stream = listen_at(inbox, path);
    CHECK(stream != 0);
    CHECK(mode_of(path) == 0600 && mode_of(beside(".lock")) == 0600);
    char directory[64];
    snprintf(directory, sizeof directory, "%s/run", home);
    CHECK(mode_of(directory) == 0700);
    uint8_t where[128] = "";
    CHECK(slb_stream_path_copy(stream, where, sizeof where) == strlen(path));
    CHECK_TEXT((const char *)where, path);
    CHECK(slb_release(stream) == 0);
    CHECK(!exists(path) && !exists(beside(".lock")));
    CHECK(slb_release(stream) == SLB_E_HANDLE);
    inbox_close(inbox);
}

static void holds_its_path(void) {
    struct inbox *inbox = inbox_open();
    slb_handle first = listen_at(inbox, path);
    char words[64];
    snprintf(words, sizeof words, "process %d,", (int)getpid());
    refused_at(inbox, path, SLB_E_IN_USE, words);
    int fd = connect_to(path);
    CHECK(fd >= 0); /* the first listener still works */
    close(fd);
    CHECK(slb_release(first) == 0);
    slb_handle second = listen_at(inbox, path);
    CHECK(second != 0);
    inbox_close(inbox); /* with everything that belongs to the queue */
    CHECK(!exists(path) && !exists(beside(".lock")));
}

static void takes_over_from_the_dead(void) {
    pid_t child = fork();
    if (child == 0) {
        struct inbox *inbox = inbox_open();
        _exit(listen_at(inbox, path) ? 0 : 1); /* as after a kill: nothing is released */
    }
    CHECK(wait_for_child(child) == 0);
    CHECK(exists(path));
    struct inbox *inbox = inbox_open();
    slb_handle stream = listen_at(inbox, path);
    CHECK(stream != 0);
    int fd = connect_to(path);
    CHECK(fd >= 0);
    close(fd);
    CHECK(slb_release(stream) == 0);
    inbox_close(inbox);
}

static void leaves_alone_what_is_not_its_own(void) {
    struct inbox *inbox = inbox_open();
    slb_handle stream = listen_at(inbox, path);
    /* The files are removed by others, and another broker starts: the files then belong to it. */
    CHECK(unlink(path) == 0 && unlink(beside(".lock")) == 0);
    slb_handle other = listen_at(inbox, path);
    CHECK(other != 0);
    CHECK(slb_release(stream) == 0);
    CHECK(exists(path) && exists(beside(".lock")));
    CHECK(slb_release(other) == 0);
    CHECK(!exists(path));
    inbox_close(inbox);
}

static void refuses_paths_that_cannot_be(void) {
    struct inbox *inbox = inbox_open();
    char longest[104], too_long[128];
    snprintf(longest, sizeof longest, "%s/run/", home);
    while (strlen(longest) < 103) strcat(longest, "s");
    snprintf(too_long, sizeof too_long, "%ss", longest);
    refused_at(inbox, "run/s", SLB_E_ARGUMENT, "absolute");
    refused_at(inbox, "/run/", SLB_E_ARGUMENT, "absolute");
    refused_at(inbox, too_long, SLB_E_ARGUMENT, "104 bytes, the system takes 103");
    CHECK(slb_stream_listen(inbox->queue, (const uint8_t *)"/a\0b", 4) == 0 && slb_error_code() == SLB_E_ARGUMENT);
    CHECK(slb_stream_listen(inbox->queue, (const uint8_t *)"", 0) == 0 && slb_error_code() == SLB_E_ARGUMENT);
    CHECK(slb_stream_listen(0, (const uint8_t *)path, (uint32_t)strlen(path)) == 0);
    CHECK(slb_error_code() == SLB_E_HANDLE);
    slb_handle stream = listen_at(inbox, longest);
    CHECK(stream != 0);
    inbox_close(inbox);
}

static void refuses_what_others_reach(void) {
    struct inbox *inbox = inbox_open();
    char open_directory[64], below[96], link[64];
    snprintf(open_directory, sizeof open_directory, "%s/open", home);
    snprintf(below, sizeof below, "%s/s", open_directory);
    CHECK(mkdir(open_directory, 0700) == 0 && chmod(open_directory, 0750) == 0);
    refused_at(inbox, below, SLB_E_PERMISSION, "750");
    CHECK(chmod(open_directory, 0700) == 0);
    snprintf(link, sizeof link, "%s/link", home);
    CHECK(symlink(open_directory, link) == 0);
    snprintf(below, sizeof below, "%s/s", link);
    refused_at(inbox, below, SLB_E_PERMISSION, "it is a link or a file");
    CHECK(unlink(link) == 0 && rmdir(open_directory) == 0);
    refused_at(inbox, "/proc/nobody/s", SLB_E_PERMISSION, "choose a directory of your own");
    inbox_close(inbox);
}

static void leaves_alone_what_was_planted(void) {
    struct inbox *inbox = inbox_open();
    slb_handle stream = listen_at(inbox, path); /* makes the directory */
    CHECK(slb_release(stream) == 0);
    char target[64];
    snprintf(target, sizeof target, "%s/target", home);
    const char *const places[] = {"", ".lock"};
    for (int i = 0; i < 2; i++) {
        const char *place = beside(places[i]);
        CHECK(symlink(target, place) == 0);
        refused_at(inbox, path, SLB_E_PERMISSION, "look at it, then remove it");
        CHECK(!exists(target) && exists(place));
        CHECK(unlink(place) == 0);
        CHECK(mkdir(place, 0700) == 0);
        refused_at(inbox, path, SLB_E_PERMISSION, place);
        CHECK(rmdir(place) == 0);
    }
    inbox_close(inbox);
}

/* ---- accepting ---- */

static void the_bell_tells_of_connections(void) {
    struct inbox *inbox = inbox_open();
    slb_handle stream = listen_at(inbox, path);
    int bell = slb_stream_take_bell(stream);
    CHECK(bell >= 0);
    CHECK(slb_stream_take_bell(stream) == SLB_E_CLOSED);
    for (int round = 0; round < 100; round++) {
        CHECK(slb_stream_accept(stream) == SLB_E_AGAIN);
        int clients[3];
        for (int i = 0; i < 3; i++) clients[i] = connect_to(path);
        for (int i = 0; i < 3; i++) {
            int accepted = accept_next(stream, bell);
            CHECK(accepted >= 0);
            CHECK(fcntl(accepted, F_GETFD) & FD_CLOEXEC);
            CHECK(fcntl(accepted, F_GETFL) & O_NONBLOCK);
            CHECK(write(clients[i], "x", 1) == 1);
            close(clients[i]);
            close(accepted);
        }
    }
    CHECK(slb_release(stream) == 0);
    CHECK(slb_stream_accept(stream) == SLB_E_HANDLE);
    close(bell);
    inbox_close(inbox);
}

static void who_waits_is_accepted_once_there_are_descriptors(void) {
    if (under_valgrind()) IGNORE("valgrind accepts beyond the limit, and closes again");
    struct inbox *inbox = inbox_open();
    slb_handle stream = listen_at(inbox, path);
    int bell = slb_stream_take_bell(stream);
    int client = connect_to(path);
    struct rlimit before, none;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    int next = dup(0); /* the lowest that is free */
    close(next);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    for (int i = 0; i < 3; i++) CHECK(slb_stream_accept(stream) == SLB_E_SYSTEM);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    int accepted = accept_next(stream, bell);
    CHECK(accepted >= 0);
    CHECK(slb_stream_accept(stream) == SLB_E_AGAIN);
    int second = connect_to(path);
    int again = accept_next(stream, bell);
    CHECK(again >= 0);
    close(client);
    close(accepted);
    close(second);
    close(again);
    close(bell);
    inbox_close(inbox);
}

/* ---- inherited ---- */

#ifdef __APPLE__
#define AS_SYSTEMD_DOES IGNORE("launchd passes sockets in another way")
#else
#define AS_SYSTEMD_DOES (void)0
#endif

/* Acts as a service manager: descriptor 3 becomes a listening socket of this type at the path. */
static void pass_socket(int type) {
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, type, 0);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 8) != 0) _exit(2);
    if (fd != 3 && dup2(fd, 3) != 3) _exit(2);
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", SERVICE, 1);
}

static bool is_activated(void) { return slb_service_is_activated((const uint8_t *)SERVICE, strlen(SERVICE)) == 1; }

/* Runs in a separate process, without a descriptor 3. */
static void in_child(void (*body)(void)) {
    pid_t child = fork();
    if (child == 0) {
        check_failures = 0;
        for (int fd = 3; fd < 64; fd++) close(fd);
        body();
        _exit(check_failures ? 1 : 0);
    }
    int status = wait_for_child(child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void serve_inherited(void) {
    CHECK(!is_activated());
    pass_socket(SOCK_STREAM);
    CHECK(!is_activated()); /* only XPC's socket would mean that the name is held */
    struct inbox *inbox = inbox_open();
    for (int round = 0; round < 2; round++) { /* it can be released and taken again */
        int early = connect_to(path); /* before any accept: it waits in the backlog */
        slb_handle stream = inherit(inbox);
        CHECK(stream != 0);
        uint8_t where[128] = "";
        CHECK(slb_stream_path_copy(stream, where, sizeof where) == strlen(path));
        int bell = slb_stream_take_bell(stream);
        int accepted = accept_next(stream, bell);
        CHECK(accepted >= 0);
        close(accepted);
        close(early);
        CHECK(slb_release(stream) == 0);
        close(bell);
        CHECK(exists(path)); /* it belongs to the service manager */
        early = connect_to(path);
        CHECK(early >= 0);
        int late = accept(3, NULL, NULL); /* the next broker can accept it */
        CHECK(late >= 0);
        close(late);
        close(early);
    }
    inbox_close(inbox);
}

static void one_is_inherited(void) {
    AS_SYSTEMD_DOES;
    in_child(serve_inherited);
    unlink(path);
}

static void ignore_another_type(void) {
    pass_socket(SOCK_SEQPACKET); /* XPC's */
    CHECK(is_activated());
    struct inbox *inbox = inbox_open();
    CHECK(inherit(inbox) == 0 && slb_error_code() == SLB_E_ABSENT);
    setenv("LISTEN_PID", "1", 1); /* meant for another process */
    CHECK(!is_activated());
    inbox_close(inbox);
}

static void another_type_is_not_inherited(void) {
    AS_SYSTEMD_DOES;
    in_child(ignore_another_type);
    unlink(path);
}

static const struct test tests[] = {
    {"listens in private", listens_in_private},
    {"holds its path", holds_its_path},
    {"takes over from the dead", takes_over_from_the_dead},
    {"leaves alone what is not its own", leaves_alone_what_is_not_its_own},
    {"refuses paths that cannot be", refuses_paths_that_cannot_be},
    {"refuses what others reach", refuses_what_others_reach},
    {"leaves alone what was planted", leaves_alone_what_was_planted},
    {"the bell tells of connections", the_bell_tells_of_connections},
    {"who waits is accepted once there are descriptors", who_waits_is_accepted_once_there_are_descriptors},
    {"one is inherited", one_is_inherited},
    {"another type is not inherited", another_type_is_not_inherited},
};

int main(int argc, char **argv) {
    if (!make_directory(home, sizeof home)) return 1;
    snprintf(path, sizeof path, "%s/run/s", home);
    int failed = RUN_TESTS(tests, check_nothing_left, argc, argv);
    char run[64];
    snprintf(run, sizeof run, "%s/run", home);
    rmdir(run);
    rmdir(home);
    return failed;
}
