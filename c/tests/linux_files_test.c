/*
 * linux_files_test.c - the files of named services: private directories, locks, what is left behind.
 */
#include <libgen.h>
#include <sys/file.h>

#include "service_support.h"

/* As root, continues as another user, who owns `home`: root would not see that a mode is missing. */
static void act_as_nobody(void) {
    char parent[sizeof home];
    if (geteuid() != 0) return;
    strcpy(parent, home);
    CHECK(chmod(dirname(parent), 0711) == 0 && chown(home, 65534, 65534) == 0 && seteuid(65534) == 0);
}

static void act_as_before(void) {
    if (getuid() == 0) CHECK(seteuid(0) == 0);
}

static void makes_private_files_with(mode_t mask) {
    enter_home();
    act_as_nobody();
    mode_t before = umask(mask);
    setenv("STREAMLIB_HOME", in_home("a/b"), 1);
    struct record *heard = record_create();
    xpc_connection_t listener = listen_as(SERVICE, heard);
    CHECK(xpc_connection_copy_invalidation_reason(listener) == NULL);
    CHECK(mode_of("a") == 0700 && mode_of("a/b") == 0700 && mode_of("a/b/run") == 0700);
    CHECK(mode_of("a/b/run/" SERVICE ".xpc") == 0600);
    CHECK(mode_of("a/b/run/" SERVICE ".xpc.lock") == 0600);
    xpc_connection_cancel(listener);
    CHECK(!exists("a/b/run/" SERVICE ".xpc")); /* already when cancel returns */
    CHECK(!exists("a/b/run/" SERVICE ".xpc.lock"));
    CHECK(record_get(heard, 0) == INVALID);
    xpc_release(listener);
    umask(before);
    CHECK(serves(SERVICE, "")); /* in the directories of the first */
    act_as_before();
    leave_home();
}

static void makes_private_files(void) {
    static const mode_t masks[] = {022, 0, 077, 0177, 0277, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) makes_private_files_with(masks[i]);
}

/* What cannot be made is named, with the system's reason, the variable and the mend. */
static void explains_what_cannot_be_made(void) {
    enter_home();
    setenv("HOME", in_home("ro"), 1);
    setenv("XDG_RUNTIME_DIR", in_home("login"), 1);
    CHECK(mkdir(in_home("ro"), 0500) == 0);
    CHECK(close(creat(in_home("file"), 0600)) == 0);
    setenv("STREAMLIB_HOME", in_home("file/below"), 1);
    CHECK(serves(SERVICE, "/file/below: Not a directory; let this user write there, or set STREAMLIB_HOME to another"));
    CHECK(serves(SERVICE, in_home("file/below")));
    unsetenv("STREAMLIB_HOME");
    CHECK(serves(SERVICE, "login/streamlib: No such file or directory; XDG_RUNTIME_DIR is "));
    CHECK(serves(SERVICE, "which is not there, as after su or sudo, in cron or a container: unset it, or set STREAMLIB_HOME"));
    CHECK(!exists("login")); /* it is the login's to make, whoever asks */
    unsetenv("XDG_RUNTIME_DIR");
    setenv("HOME", in_home("gone"), 1);
    CHECK(refused_without_login("gone, which is not there: correct it, or set STREAMLIB_HOME"));
    CHECK(!exists("gone"));
    setenv("HOME", in_home("ro"), 1);
    if (geteuid() == 0) CHECK(chown(in_home("ro"), 65534, 65534) == 0);
    act_as_nobody();
    CHECK(refused_without_login("/ro/.streamlib: Permission denied; HOME is "));
    CHECK(refused_without_login("/ro: let this user write there, or set STREAMLIB_HOME to a directory of your own"));
    CHECK(chmod(in_home("ro"), 0700) == 0 && mkdir(in_home("ro/.streamlib"), 0700) == 0);
    CHECK(mkdir(in_home("ro/.streamlib/run"), 0600) == 0 && chmod(in_home("ro/.streamlib/run"), 0200) == 0);
    CHECK(refused_without_login("its mode is 200, so this user cannot use it: chmod 700 it"));
    act_as_before();
    unsetenv("HOME");
    leave_home();
}

static void refuses_directories_that_others_can_use(void) {
    enter_home();
    CHECK(mkdir(in_home("run"), 0700) == 0 && chmod(in_home("run"), 0710) == 0);
    CHECK(serves(SERVICE, "others have access to it (chmod 700 it)"));
    CHECK(chmod(in_home("run"), 0700) == 0);
    CHECK(serves(SERVICE, ""));
    CHECK(rename(in_home("run"), in_home("elsewhere")) == 0);
    CHECK(symlink("elsewhere", in_home("run")) == 0);
    CHECK(serves(SERVICE, "it is a link or no directory"));
    CHECK(unlink(in_home("run")) == 0 && close(creat(in_home("run"), 0600)) == 0);
    CHECK(serves(SERVICE, "it is a link or no directory"));
    CHECK(unlink(in_home("run")) == 0);
    if (geteuid() == 0) {
        CHECK(mkdir(in_home("run"), 0700) == 0 && chown(in_home("run"), 65534, 65534) == 0);
        CHECK(serves(SERVICE, "it belongs to another user"));
        struct record *heard = record_create();
        xpc_connection_t client = start(xpc_connection_create_mach_service(SERVICE, NULL, 0), record_event, heard);
        CHECK(record_get(heard, 0) == INVALID);
        check_reason(client, "it belongs to another user");
        end(client);
    }
    leave_home();
}

/* As after su: the variable is of another login, and nothing may be made there. */
static void leaves_the_directory_of_another_login_alone(void) {
    if (geteuid() != 0) return;
    enter_home();
    CHECK(mkdir(in_home("other"), 0700) == 0 && chown(in_home("other"), 65534, 65534) == 0);
    setenv("XDG_RUNTIME_DIR", in_home("other"), 1);
    unsetenv("STREAMLIB_HOME");
    CHECK(serves(SERVICE, "XDG_RUNTIME_DIR is of another login: it belongs to user 65534, this is user 0; unset it"));
    CHECK(!exists("other/streamlib"));
    /* A volume of this user's own in a directory of another one is used. */
    CHECK(mkdir(in_home("other/streamlib"), 0700) == 0);
    CHECK(serves(SERVICE, ""));
    CHECK(chown(in_home("other/streamlib"), 65534, 65534) == 0);
    CHECK(serves(SERVICE, "XDG_RUNTIME_DIR is of another login"));
    unsetenv("XDG_RUNTIME_DIR");
    leave_home();
}

/* With a strange umask, a kill may leave a lock that its own user may not open. */
static void takes_over_locks_without_their_mode(void) {
    enter_home();
    CHECK(mkdir(in_home("run"), 0700) == 0);
    plant_lock("run/" SERVICE ".xpc.lock", "");
    CHECK(chmod(in_home("run/" SERVICE ".xpc.lock"), 0) == 0);
    if (geteuid() == 0) {
        static const char *const names[] = {"run", "run/" SERVICE ".xpc.lock"};
        for (int i = 0; i < 2; i++) CHECK(chown(in_home(names[i]), 65534, 65534) == 0);
    }
    act_as_nobody();
    CHECK(serves(SERVICE, ""));
    CHECK(!exists("run/" SERVICE ".xpc.lock"));
    act_as_before();
    leave_home();
}

static int failing; /* a lock whose holder is about to fail, and removes it */

static void *fail_to_serve(void *unused) {
    (void)unused;
    lapse_ms(50);
    CHECK(unlink(in_home("run/" SERVICE ".xpc.lock")) == 0);
    close(failing);
    return NULL;
}

/* A process that fails to serve a name removes its lock: the name is not taken. */
static void one_that_fails_is_no_other_server(void) {
    pthread_t other;
    enter_home();
    CHECK(mkdir(in_home("run"), 0700) == 0);
    plant_lock("run/" SERVICE ".xpc.lock", "");
    failing = open(in_home("run/" SERVICE ".xpc.lock"), O_RDWR | O_CLOEXEC);
    CHECK(flock(failing, LOCK_EX | LOCK_NB) == 0);
    CHECK(pthread_create(&other, NULL, fail_to_serve, NULL) == 0);
    CHECK(serves(SERVICE, ""));
    pthread_join(other, NULL);
    /* But not for ever: a process may have been stopped there. */
    plant_lock("run/" SERVICE ".xpc.lock", "");
    failing = open(in_home("run/" SERVICE ".xpc.lock"), O_RDWR | O_CLOEXEC);
    CHECK(flock(failing, LOCK_EX | LOCK_NB) == 0);
    CHECK(serves(SERVICE, "another process already serves this name"));
    close(failing);
    leave_home();
}

/* The role "exits": serves a name, and exits without closing it. */
static int exit_while_serving(void) {
    struct record *heard = record_create();
    xpc_connection_t listener = listen_as(SERVICE, heard);
    if (xpc_connection_copy_invalidation_reason(listener) || access(path_of(SERVICE), F_OK) != 0) return 2;
    return 0;
}

static void an_exit_leaves_no_files(void) {
    enter_home();
    int status = wait_for_child(spawn_child("exits", ""));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(exists("run") && !exists("run/" SERVICE ".xpc") && !exists("run/" SERVICE ".xpc.lock"));
    leave_home();
}

static const struct test tests[] = {
    {"makes private files", makes_private_files},
    {"refuses directories that others can use", refuses_directories_that_others_can_use},
    {"leaves the directory of another login alone", leaves_the_directory_of_another_login_alone},
    {"explains what cannot be made", explains_what_cannot_be_made},
    {"takes over locks without their mode", takes_over_locks_without_their_mode},
    {"one that fails is no other server", one_that_fails_is_no_other_server},
    {"an exit leaves no files", an_exit_leaves_no_files},
};

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "--child") == 0) return exit_while_serving();
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
