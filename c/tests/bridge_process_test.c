/*
 * bridge_process_test.c: what the shim does with its own process: it ends with the
 * process that reads its output, and writes to stderr without waiting. Each test
 * has a child, whose stderr, and for the first tests also stdout, is a pipe.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#ifdef __linux__
#include <sys/ptrace.h>
#endif
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge_support.h"
#include "program.h"

enum { CHUNK = 100000 };

/* ---- the children ---- */

static int follow_for_ever(void) {
    if (slb_process_follow(20, NULL, 0) != 0 || slb_process_is_orphan()) return 2;
    if (write(STDOUT_FILENO, "", 1) != 1) return 3;
    close(STDOUT_FILENO); /* as user code may */
    close(STDERR_FILENO);
    for (;;) continue;
}

static int fill(void) {
    static uint8_t chunk[CHUNK];
    memset(chunk, 'x', sizeof chunk);
    for (int sent = 0; sent < 2 * SLB_STDERR_BYTES; sent += CHUNK) {
        if (slb_stderr_write(chunk, CHUNK) != 0) return 2;
    }
    return 0;
}

/* Writes more than the budget at once, says on stdout that it was not held up, and ends when the test takes no more. */
static int flood(void) {
    if (fill() != 0) return 2;
    if (slb_process_follow(0, NULL, 0) != 0 || write(STDOUT_FILENO, "", 1) != 1) return 3;
    for (;;) pause();
}

/* Writes until the disk is no longer full: the test then replaces what is behind stderr. */
static int outlive_a_full_disk(void) {
    int pipe_end = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0 || dup2(full, STDERR_FILENO) < 0) return 2;
    slb_stderr_write((const uint8_t *)"12345", 5);
    lapse_ms(300);
    slb_stderr_write((const uint8_t *)"67890", 5);
    lapse_ms(300);
    if (dup2(pipe_end, STDERR_FILENO) < 0) return 3;
    slb_stderr_write((const uint8_t *)"+", 1);
    lapse_ms(300);
    slb_stderr_write((const uint8_t *)"after", 5);
    return 0;
}

static int say_last_words(void) {
    return slb_stderr_write((const uint8_t *)"last words", 10);
}

/* Makes and removes a scratch file; the first of a process sweeps. */
static int use_scratch(void) {
    uint8_t path[SLB_MAX_TEXT_BYTES];
    uint32_t length = slb_scratch_create((const uint8_t *)"text", 4, path, sizeof path);
    return length > 0 && slb_scratch_remove(path, length) == 0 ? 0 : 2;
}

/* Begins to follow when nobody reads its output any more, and exits at once, before another thread can run. */
static int begin_as_orphan(void) {
    const char *path = getenv("SCRATCH_FILE");
    signal(SIGPIPE, SIG_IGN);
    while (write(STDOUT_FILENO, "", 1) == 1 || write(STDERR_FILENO, "", 1) == 1) lapse_ms(1);
    int32_t result = slb_process_follow(60000, (const uint8_t *)path, (uint32_t)strlen(path));
    _exit(result == 0 && slb_process_is_orphan() && access(path, F_OK) != 0 ? 0 : 2);
}

static int be_child(const char *role) {
    if (strcmp(role, "scratch") == 0) return use_scratch();
    if (strcmp(role, "orphan") == 0) return begin_as_orphan();
    if (strcmp(role, "follow") == 0) return follow_for_ever();
    if (strcmp(role, "flood") == 0) return flood();
    if (strcmp(role, "spill") == 0) return fill();
    if (strcmp(role, "full") == 0) return outlive_a_full_disk();
    return say_last_words();
}

/* ---- a child and its pipes ---- */

struct talker {
    pid_t pid;
    int out, err; /* the reading ends */
};

/* `flags` are set on the child's end of stderr, which it shares with others as a rule. */
static struct talker start(const char *role, int flags) {
    int out[2], err[2];
    struct talker talker = {0};
    CHECK(pipe(out) == 0 && pipe(err) == 0);
    CHECK(fcntl(err[1], F_SETFL, flags) == 0);
    talker.pid = fork();
    if (talker.pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        for (int end = 0; end < 2; end++) close(out[end]), close(err[end]);
        become_child(role, "");
    }
    close(out[1]);
    close(err[1]);
    talker.out = out[0];
    talker.err = err[0];
    return talker;
}

static void finish(struct talker *talker) {
    close(talker->out);
    close(talker->err);
}

/* What comes on a pipe, up to `last` or the pipe's end. The caller frees it. */
static char *read_until(int pipe_end, const char *last) {
    size_t size = 4 << 20, total = 0;
    char *text = calloc(1, size);
    ssize_t got = 0;
    while ((total < strlen(last) || strcmp(text + total - strlen(last), last) != 0) && is_readable(pipe_end) &&
           (got = read(pipe_end, text + total, size - 1 - total)) > 0) {
        total += (size_t)got;
    }
    return text;
}

static void exited_with(pid_t pid, int code) {
    int status = wait_for_child(pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code);
}

/* ---- tests ---- */

static void a_process_ends_with_the_reader_of_its_output(void) {
    struct talker talker = start("follow", 0);
    char byte;
    CHECK(is_readable(talker.out) && read(talker.out, &byte, 1) == 1);
    lapse_ms(50);
    CHECK(waitpid(talker.pid, NULL, WNOHANG) == 0); /* not before */
    finish(&talker);
    exited_with(talker.pid, SLB_EXIT_FOLLOWED);
}

static void one_reader_less_is_enough(void) {
    struct talker talker = start("follow", 0);
    char byte;
    CHECK(is_readable(talker.out) && read(talker.out, &byte, 1) == 1);
    close(talker.out);
    exited_with(talker.pid, SLB_EXIT_FOLLOWED);
    close(talker.err);
}

static void a_writer_is_not_held_up_by_who_does_not_read(void) {
    struct talker talker = start("flood", 0);
    char byte;
    CHECK(is_readable(talker.out) && read(talker.out, &byte, 1) == 1);
    finish(&talker);
    exited_with(talker.pid, SLB_EXIT_FOLLOWED);
}

static void an_exit_is_not_held_up_either(void) {
    struct talker talker = start("spill", 0);
    exited_with(talker.pid, 0);
    finish(&talker);
}

static void what_is_lost_is_counted(int flags) {
    struct talker talker = start("flood", flags);
    char byte;
    CHECK(is_readable(talker.out) && read(talker.out, &byte, 1) == 1);
    char *text = read_until(talker.err, "lost]\n");
    char *note = strstr(text, "\n[");
    CHECK(note != NULL);
    if (note) {
        long kept = (long)(note - text);
        CHECK(kept % CHUNK == 0 && kept >= SLB_STDERR_BYTES - CHUNK);
        CHECK(strspn(text, "x") == (size_t)kept);
        long sent = (2L * SLB_STDERR_BYTES / CHUNK + 1) * CHUNK;
        CHECK(strtol(note + 2, NULL, 10) == sent - kept);
        CHECK(strstr(note, " bytes of output lost]\n") != NULL);
    }
    free(text);
    finish(&talker);
    exited_with(talker.pid, SLB_EXIT_FOLLOWED);
}

static void a_slow_reader_is_told_what_it_missed(void) { what_is_lost_is_counted(0); }

/* Another program that shares the pipe can make it non-blocking, as Node does. */
static void a_non_blocking_pipe_is_waited_for(void) { what_is_lost_is_counted(O_NONBLOCK); }

static void a_full_disk_loses_text_only(void) {
#ifdef __APPLE__
    IGNORE("there is no /dev/full");
#endif
    struct talker talker = start("full", 0);
    char *text = read_until(talker.out, "after");
    CHECK(strcmp(text, "\n[11 bytes of output lost]\nafter") == 0);
    free(text);
    exited_with(talker.pid, 0);
    finish(&talker);
}

static void a_closed_pipe_ends_nothing(void) {
    struct talker talker = start("words", 0);
    finish(&talker);
    exited_with(talker.pid, 0);
}

static void a_scratch_file_is_private_and_removed(void) {
    uint8_t path[SLB_MAX_TEXT_BYTES];
    char name[SLB_MAX_TEXT_BYTES + 1] = {0};
    struct stat found;
    mode_t before = umask(0777);
    uint32_t length = slb_scratch_create((const uint8_t *)"text", 4, path, sizeof path);
    umask(before);
    CHECK(length > 0);
    memcpy(name, path, length);
    char *slash = strrchr(name, '/');
    *slash = 0;
    CHECK(stat(name, &found) == 0 && (found.st_mode & 0777) == 0700);
    *slash = '/';
    CHECK(stat(name, &found) == 0 && (found.st_mode & 0777) == 0600 && found.st_size == 4);
    CHECK(slb_scratch_remove(path, length) == 0);
    CHECK(stat(name, &found) != 0);
    name[length - strlen("/deno.lock")] = 0;
    CHECK(stat(name, &found) != 0);
    CHECK(slb_scratch_remove((const uint8_t *)"/etc/passwd", 11) == SLB_E_ARGUMENT);
    CHECK(slb_scratch_create((const uint8_t *)"text", 4, path, 5) == 0);
}

static void a_scratch_file_is_made_where_it_can_be(void) {
    char name[SLB_MAX_TEXT_BYTES + 1] = {0};
    setenv("TMPDIR", "/proc/self", 1); /* where nobody can make a directory */
    uint32_t length = slb_scratch_create((const uint8_t *)"text", 4, (uint8_t *)name, SLB_MAX_TEXT_BYTES);
    unsetenv("TMPDIR");
    CHECK(length > 0 && access(name, F_OK) == 0);
    const char *shared = "/dev/shm/"; /* on a system without it the file is in /tmp */
    CHECK(access(shared, W_OK) != 0 || strncmp(name, shared, strlen(shared)) == 0);
    CHECK(slb_scratch_remove((const uint8_t *)name, length) == 0);
}

/* Makes the directory of a scratch file that is `age` seconds old, with one more file in it. */
static void make_leftover(char *directory, const char *temporary, const char *name, const char *more, time_t age) {
    char path[SLB_MAX_TEXT_BYTES * 2];
    snprintf(directory, SLB_MAX_TEXT_BYTES, "%s/%s", temporary, name);
    CHECK(mkdir(directory, 0700) == 0);
    const char *files[] = {"deno.lock", more};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CHECK(file >= 0);
        close(file);
    }
    time_t made = time(NULL) - age;
    struct timeval times[2] = {{.tv_sec = made}, {.tv_sec = made}};
    CHECK(utimes(directory, times) == 0);
}

static void scratch_files_of_killed_processes_are_removed(void) {
    char temporary[SLB_MAX_TEXT_BYTES / 2], dead[SLB_MAX_TEXT_BYTES], young[SLB_MAX_TEXT_BYTES];
    char used[SLB_MAX_TEXT_BYTES], foreign[SLB_MAX_TEXT_BYTES], inside[SLB_MAX_TEXT_BYTES * 2];
    CHECK(make_directory(temporary, sizeof temporary));
    make_leftover(dead, temporary, "streamlib-lock-dead00", "deno.lock.new", 3600);
    make_leftover(young, temporary, "streamlib-lock-young0", "deno.lock.new", 0);
    make_leftover(used, temporary, "streamlib-lock-used00", "deno.lock.new", 3600);
    make_leftover(foreign, temporary, "streamlib-foreign00000", "notes", 3600);
    int lock = open(used, O_RDONLY | O_CLOEXEC);
    CHECK(lock >= 0 && flock(lock, LOCK_SH) == 0);
    setenv("TMPDIR", temporary, 1);
    struct talker talker = start("scratch", 0);
    unsetenv("TMPDIR");
    exited_with(talker.pid, 0);
    finish(&talker);
    close(lock);
    CHECK(access(dead, F_OK) != 0);
    const char *kept[] = {young, used, foreign};
    for (int i = 0; i < 3; i++) {
        snprintf(inside, sizeof inside, "%s/deno.lock", kept[i]);
        CHECK(access(inside, F_OK) == 0);
    }
}

static void an_orphan_removes_its_scratch_file_at_once(void) {
    uint8_t path[SLB_MAX_TEXT_BYTES];
    char name[SLB_MAX_TEXT_BYTES + 1] = {0};
    uint32_t length = slb_scratch_create((const uint8_t *)"text", 4, path, sizeof path);
    memcpy(name, path, length);
    setenv("SCRATCH_FILE", name, 1);
    struct talker talker = start("orphan", 0);
    finish(&talker);
    exited_with(talker.pid, 0);
    slb_scratch_remove(path, length); /* only if the child has failed to */
}

/* Whether `pid` is stopped in the end: a signal takes its time. */
static bool becomes(int32_t pid, int32_t stopped) {
    for (int left = 2000; left > 0; left--) {
        if (slb_process_is_stopped(pid) == stopped) return true;
        usleep(5000);
    }
    return false;
}

static void a_stopped_process_is_known(void) {
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) pause();
    }
    CHECK(pid > 0 && slb_process_is_stopped(pid) == 0);
    CHECK(kill(pid, SIGSTOP) == 0 && becomes(pid, 1));
    CHECK(kill(pid, SIGCONT) == 0 && becomes(pid, 0));
    CHECK(kill(pid, SIGKILL) == 0 && becomes(pid, 0));
    CHECK(waitpid(pid, NULL, 0) == pid);
    CHECK(slb_process_is_stopped(pid) == 0 && slb_process_is_stopped(0) == 0 && slb_process_is_stopped(-1) == 0);
}

static void a_debugged_process_is_known(void) {
#ifdef __APPLE__
    IGNORE("a debugger needs an entitlement there");
#else
    pid_t pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(9);
        raise(SIGSTOP);
        for (;;) pause();
    }
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, WUNTRACED) == pid);
    if (WIFEXITED(status)) IGNORE("this process may not be a debugger");
    CHECK(slb_process_is_stopped(pid) == 1);
    CHECK(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && becomes(pid, 1)); /* it runs, and is held all the same */
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
#endif
}

static void last_words_are_written_at_exit(void) {
    struct talker talker = start("words", 0);
    char *text = read_until(talker.err, "last words");
    CHECK(strcmp(text, "last words") == 0);
    free(text);
    exited_with(talker.pid, 0);
    finish(&talker);
}

static const struct test tests[] = {
    {"a process ends with the reader of its output", a_process_ends_with_the_reader_of_its_output},
    {"one reader less is enough", one_reader_less_is_enough},
    {"a writer is not held up by who does not read", a_writer_is_not_held_up_by_who_does_not_read},
    {"an exit is not held up either", an_exit_is_not_held_up_either},
    {"a slow reader is told what it missed", a_slow_reader_is_told_what_it_missed},
    {"a non-blocking pipe is waited for", a_non_blocking_pipe_is_waited_for},
    {"a full disk loses text only", a_full_disk_loses_text_only},
    {"a closed pipe ends nothing", a_closed_pipe_ends_nothing},
    {"a scratch file is private and removed", a_scratch_file_is_private_and_removed},
    {"a scratch file is made where it can be", a_scratch_file_is_made_where_it_can_be},
    {"scratch files of killed processes are removed", scratch_files_of_killed_processes_are_removed},
    {"an orphan removes its scratch file at once", an_orphan_removes_its_scratch_file_at_once},
    {"last words are written at exit", last_words_are_written_at_exit},
    {"a stopped process is known", a_stopped_process_is_known},
    {"a debugged process is known", a_debugged_process_is_known},
};

int main(int argc, char **argv) {
    if (argc > 3 && strcmp(argv[1], "--child") == 0) return be_child(argv[2]);
    return RUN_TESTS(tests, check_nothing_left, argc, argv);
}
