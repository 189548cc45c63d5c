/*
 * linux_service_test.c - named services: paths, names, silent connections.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../linux/service.h"
#include "service_support.h"
#include "sha256.h"

static void hashes(void) {
    static const uint8_t empty[] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc}, abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01};
    static const uint8_t long_one[] = {0x24, 0x8d, 0x6a, 0x61, 0xd2, 0x06};
    static const uint8_t million[] = {0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14};
    uint8_t digest[32];
    xl_sha256("", 0, digest);
    CHECK(memcmp(digest, empty, 6) == 0);
    xl_sha256("abc", 3, digest);
    CHECK(memcmp(digest, abc, 6) == 0);
    xl_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, digest);
    CHECK(memcmp(digest, long_one, 6) == 0);
    char *many = malloc(1000000);
    memset(many, 'a', 1000000);
    xl_sha256(many, 1000000, digest);
    CHECK(memcmp(digest, million, 6) == 0);
    free(many);
}

static void finds_paths(void) {
    char small[10], name[300];
    setenv("STREAMLIB_HOME", "/h", 1);
    setenv("XDG_RUNTIME_DIR", "/x", 1);
    setenv("HOME", "/home/u", 1);
    CHECK_TEXT(path_of(SERVICE), "/h/run/com.example.service.xpc");
    setenv("STREAMLIB_HOME", "", 1);
    CHECK_TEXT(path_of(SERVICE), "/x/streamlib/com.example.service.xpc");
    unsetenv("XDG_RUNTIME_DIR");
    char own[XL_USER_RUNTIME_BYTES], expected[200] = "/home/u/.streamlib/run/com.example.service.xpc";
    bool login = xl_user_runtime("/run/user", own);
    if (login) snprintf(expected, sizeof expected, "%s/streamlib/com.example.service.xpc", own);
    CHECK_TEXT(path_of(SERVICE), expected);
    unsetenv("HOME");
    CHECK_TEXT(path_of(SERVICE), login ? expected : "ENOENT");
    setenv("STREAMLIB_HOME", "relative", 1);
    CHECK_TEXT(path_of(SERVICE), "EINVAL");
    CHECK(serves(SERVICE, "STREAMLIB_HOME is 'relative', which is not absolute"));
    setenv("STREAMLIB_HOME", "", 1);
    setenv("XDG_RUNTIME_DIR", "run", 1);
    CHECK(serves(SERVICE, "XDG_RUNTIME_DIR is 'run', which is not absolute"));
    unsetenv("XDG_RUNTIME_DIR");
    setenv("HOME", "rel", 1);
    CHECK(refused_without_login("HOME is 'rel', which is not absolute"));
    setenv("STREAMLIB_HOME", "/h", 1);
    CHECK_TEXT(path_of(""), "EINVAL");
    CHECK_TEXT(path_of("a/b"), "EINVAL");
    CHECK_TEXT(path_of("."), "EINVAL");
    CHECK_TEXT(path_of("..a"), "EINVAL");
    CHECK(xpc_linux_service_path(SERVICE, small, sizeof small) == -1 && errno == ERANGE);

    memset(name, 'a', sizeof name);
    name[103 - strlen("/h/run/.xpc")] = '\0'; /* a path of 103 bytes: the longest that is not shortened */
    CHECK(strlen(path_of(name)) == 103 && strstr(path_of(name), "aaaa"));
    strcat(name, "a");
    CHECK_TEXT(path_of(name), "/h/run/96e78b5a83de995f.xpc");
    char base[128] = "/";
    memset(base + 1, 'b', 103 - strlen("/") - strlen("/run/0123456789abcdef.xpc"));
    setenv("STREAMLIB_HOME", base, 1);
    CHECK(strlen(path_of(SERVICE)) == 103);
    strcat(base, "b");
    setenv("STREAMLIB_HOME", base, 1);
    CHECK_TEXT(path_of(SERVICE), "ENAMETOOLONG");
    CHECK(serves(SERVICE, "socket path too long"));
}

static void finds_the_directory_of_a_login(void) {
    char found[XL_USER_RUNTIME_BYTES], own[32];
    enter_home();
    CHECK(chdir(in_home("")) == 0); /* a short path */
    snprintf(own, sizeof own, "u/%u", (unsigned)geteuid());
    CHECK(!xl_user_runtime("u", found));
    CHECK(mkdir("u", 0755) == 0 && mkdir(own, 0700) == 0);
    CHECK(xl_user_runtime("u", found));
    CHECK_TEXT(found, own);
    CHECK(chmod(own, 0710) == 0 && !xl_user_runtime("u", found));
    CHECK(chmod(own, 0700) == 0 && rename(own, "u/other") == 0);
    CHECK(symlink("other", own) == 0 && !xl_user_runtime("u", found));
    CHECK(unlink(own) == 0 && close(creat(own, 0600)) == 0 && !xl_user_runtime("u", found));
    CHECK(unlink(own) == 0);
    if (geteuid() == 0) {
        CHECK(mkdir(own, 0700) == 0 && chown(own, 65534, 65534) == 0 && !xl_user_runtime("u", found));
    }
    CHECK(chdir("/") == 0);
    leave_home();
}

static void only_one_listener_serves_a_name(void) {
    enter_home();
    char expected[100];
    struct record *heard = record_create();
    xpc_connection_t first = listen_as(SERVICE, heard);
    snprintf(expected, sizeof expected, "another process already serves this name (pid %d)", (int)getpid());
    CHECK(serves(SERVICE, expected));
    CHECK(exists("run/" SERVICE ".xpc")); /* the process without the lock has removed nothing */
    CHECK(serves(SERVICE ".other", ""));
    end(first);
    CHECK(serves(SERVICE, ""));
    leave_home();
}

static void takes_over_what_is_stale_and_nothing_else(void) {
    enter_home();
    CHECK(mkdir(in_home("run"), 0700) == 0);
    plant_socket("run/" SERVICE ".xpc", false);
    plant_lock("run/" SERVICE ".xpc.lock", "1\n" SERVICE "\n");
    CHECK(serves(SERVICE, "")); /* stale because its lock is free, whatever pid is in it */
    int served = plant_socket("run/" SERVICE ".xpc", true);
    CHECK(serves(SERVICE, "another process already serves this name"));
    CHECK(exists("run/" SERVICE ".xpc"));
    close(served);
    CHECK(serves(SERVICE, ""));
    CHECK(close(creat(in_home("run/" SERVICE ".xpc"), 0600)) == 0);
    CHECK(serves(SERVICE, "is in the way and is no socket"));
    CHECK(exists("run/" SERVICE ".xpc"));
    CHECK(unlink(in_home("run/" SERVICE ".xpc")) == 0);
    CHECK(close(creat(in_home("victim"), 0600)) == 0);
    CHECK(symlink("../victim", in_home("run/" SERVICE ".xpc.lock")) == 0); /* planted by an attacker */
    CHECK(serves(SERVICE, "cannot lock"));
    CHECK(exists("victim") && exists("run/" SERVICE ".xpc.lock"));
    leave_home();
}

static void refuses_names(void) {
    enter_home();
    CHECK(serves("a/b", "no service can have the name 'a/b'"));
    CHECK(serves("", "no service can have the name ''"));
    unsetenv("STREAMLIB_HOME");
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("HOME");
    CHECK(refused_without_login("no directory for services: set STREAMLIB_HOME, XDG_RUNTIME_DIR or HOME"));
    leave_home();
}

/* ---- Silence -------------------------------------------------------------------------- */

/* Connects to the service and says nothing. */
static int connect_silently(const char *service) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.107s", path_of(service));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    while (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno == EAGAIN) continue;
    return fd;
}

static bool has_ended(int fd) {
    struct pollfd state = {.fd = fd};
    return poll(&state, 1, 0) == 1 && (state.revents & POLLHUP);
}

static struct xpc_linux_silent silent_now(void) {
    struct xpc_linux_silent silent;
    xpc_linux_get_silent(&silent);
    return silent;
}

/* Another process, with one silent connection. Ends when `leave` is closed. */
static pid_t another_silent_process(int *leave) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(ends[1]);
        int fd = connect_silently(SERVICE);
        while (read(ends[0], &byte, 1) > 0) continue;
        _exit(fd < 0 || has_ended(fd));
    }
    close(ends[0]);
    *leave = ends[1];
    return pid;
}

static void silent_connections_make_room(void) {
    enum { MANY = 100, KEPT = 64, DESCRIPTORS = 44 + 4 * KEPT };
    int fds[MANY], leave, status;
    struct rlimit before;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0 && before.rlim_max >= DESCRIPTORS);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = DESCRIPTORS, .rlim_max = before.rlim_max}) == 0);
    enter_home();
    xpc_connection_t listener = start(
        xpc_connection_create_mach_service(SERVICE, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER), accept_and_answer, NULL);
    uint64_t dropped = silent_now().dropped;
    pid_t other = another_silent_process(&leave);
    time_t patience = patience_end();
    while (silent_now().connections < 1 && look_again(patience)) continue;
    for (int i = 0; i < MANY; i++) fds[i] = connect_silently(SERVICE);
    while (silent_now().dropped < dropped + MANY + 1 - KEPT && look_again(patience)) continue;
    while (silent_now().connections > KEPT && look_again(patience)) continue;
    struct xpc_linux_silent silent = silent_now();
    CHECK(silent.connections == KEPT && silent.dropped == dropped + MANY + 1 - KEPT && silent.pid == getpid());
    /* Those that came first have left, though the other process came before them. */
    for (int i = 0; i < MANY + 1 - KEPT; i++) {
        while (!has_ended(fds[i]) && look_again(patience)) continue;
    }
    for (int i = 0; i < MANY; i++) CHECK(has_ended(fds[i]) == (i < MANY + 1 - KEPT));
    xpc_connection_t client = start(xpc_connection_create_mach_service(SERVICE, NULL, 0), record_event, record_create());
    xpc_object_t message = message_of(1), reply = xpc_connection_send_message_with_reply_sync(client, message);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 1);
    xpc_release(message);
    xpc_release(reply);
    close(leave);
    CHECK(waitpid(other, &status, 0) == other && status == 0);
    for (int i = 0; i < MANY; i++) close(fds[i]);
    while (silent_now().connections > 0 && look_again(patience)) continue;
    CHECK(silent_now().connections == 0);
    end(client);
    end(listener);
    leave_home();
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

static const struct test tests[] = {
    {"hashes", hashes},
    {"finds paths", finds_paths},
    {"finds the directory of a login", finds_the_directory_of_a_login},
    {"only one listener serves a name", only_one_listener_serves_a_name},
    {"takes over what is stale and nothing else", takes_over_what_is_stale_and_nothing_else},
    {"refuses names", refuses_names},
    {"silent connections make room", silent_connections_make_room},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
