/*
 * confine_test.c: what a confined program can no longer do, each tried for real. This program is the launcher, as
 * "--confine", and the confined program, as "--child attempt WHAT ON": its exit code is the errno of the attempt.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"
#include "confine/confine.h"
#include "program.h"
#include "streamlib_bridge.h"

enum { MOST = 40, TOLD = 200 /* an exit code: the attempt itself is wrong */ };

/* ---- the attempts ---- */

static int of(long result) { return result < 0 ? errno : 0; }

static int try_read(const char *path) { return of(open(path, O_RDONLY)); }
static int try_list(const char *path) { return opendir(path) ? 0 : errno; }
static int try_write(const char *path) { return of(open(path, O_WRONLY | O_CREAT, 0600)); }
static int try_truncate(const char *path) { return of(truncate(path, 0)); }
static int try_remove(const char *path) { return of(unlink(path)); }
static int try_chmod(const char *path) { return of(chmod(path, 0666)); }
static int try_times(const char *path) { return of(utimensat(AT_FDCWD, path, NULL, 0)); }
static int try_own_times(const char *path) { return of(futimens(open(path, O_RDONLY), NULL)); }
static int try_attribute(const char *path) { return of(setxattr(path, "user.streamlib", "1", 1, 0)); }
static int try_watch(const char *path) { return of(inotify_add_watch(inotify_init1(0), path, IN_CREATE)); }

static int try_execute(const char *path) {
    execl(path, path, (char *)NULL);
    return errno;
}

static int try_node(const char *path) { return of(mknod(path, S_IFCHR | 0600, 0x103)); }

static int try_socket(const char *kind) {
    int family = strchr(kind, '4') ? AF_INET : strchr(kind, '6') ? AF_INET6 : strchr(kind, 'n') ? AF_NETLINK : AF_UNIX;
    int type = strchr(kind, 's') ? SOCK_STREAM : strchr(kind, 'd') ? SOCK_DGRAM : strchr(kind, 'r') ? SOCK_RAW : SOCK_SEQPACKET;
    return of(socket(family, type | SOCK_CLOEXEC, strchr(kind, 'm') ? 262 /* IPPROTO_MPTCP */ : 0));
}

static int try_pair(const char *kind) {
    int ends[2];
    return of(socketpair(AF_UNIX, *kind == 's' ? SOCK_STREAM : *kind == 'd' ? SOCK_DGRAM : SOCK_SEQPACKET, 0, ends));
}

static struct sockaddr_in loopback(const char *port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int try_connect(const char *port) {
    struct sockaddr_in to = loopback(port);
    return of(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to));
}

static int try_fast_open(const char *port) {
    struct sockaddr_in to = loopback(port);
    return of(sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to));
}

static int try_bind(const char *port) {
    struct sockaddr_in at = loopback(port);
    return of(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at));
}

static int try_signal(const char *pid) { return of(kill(atoi(pid), 0)); }
static int try_trace(const char *pid) { return of(ptrace(PTRACE_ATTACH, atoi(pid), NULL, NULL)); }
static int try_trace_self(const char *unused) { return (void)unused, of(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }

static int try_peek(const char *pid) {
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    return of(process_vm_readv(atoi(pid), &here, 1, &there, 1, 0));
}

static int try_environment(const char *pid) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%s/environ", pid);
    return try_read(path);
}

static int try_limit(const char *pid) {
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    return of(prlimit(atoi(pid), RLIMIT_CPU, NULL, &limit));
}

static int try_priority(const char *pid) { return of(setpriority(PRIO_PROCESS, (id_t)atoi(pid), 19)); }
static int try_take(const char *pid) { return of(syscall(438 /* pidfd_getfd */, syscall(434 /* pidfd_open */, atoi(pid), 0), 0, 0)); }
static int try_unshare(const char *unused) { return (void)unused, of(unshare(CLONE_NEWUSER)); }
static int try_clone(const char *unused) { return (void)unused, of(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)); }
static int try_clone3(const char *unused) { return (void)unused, of(syscall(435, NULL, 0)); }
static int try_mount(const char *path) { return of(mount("none", path, "tmpfs", 0, NULL)); }
static int try_ring(const char *unused) { return (void)unused, of(syscall(425, 1, NULL)); }
static int try_keys(const char *unused) { return (void)unused, of(syscall(SYS_keyctl, 0, -3, 0, 0, 0)); }
static int try_program(const char *unused) { return (void)unused, of(syscall(SYS_bpf, 0, NULL, 0)); }
static int try_events(const char *unused) { return (void)unused, of(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)); }
static int try_faults(const char *unused) { return (void)unused, of(syscall(SYS_userfaultfd, 1)); }
static int try_shared(const char *unused) { return (void)unused, of(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600)); }
static int try_owner(const char *unused) { return (void)unused, of(fcntl(0, F_SETOWN, getpid())); }
static int try_newer(const char *unused) { return (void)unused, of(syscall(463, 0, NULL, 0, NULL, NULL, 0)); }

/* Typing into a terminal. Without one the answer is ENOTTY, unless the call is refused before. */
static int try_typing(const char *unused) { return (void)unused, of(ioctl(0, TIOCSTI, "x")); }
static int try_typing_with_high_bits(const char *unused) { return (void)unused, of(syscall(SYS_ioctl, 0, 0xffffffff00005412ul, "x")); }

static int try_x32(const char *unused) {
#ifdef __x86_64__
    return (void)unused, of(syscall(0x40000000 | SYS_getpid));
#else
    return (void)unused, ENOSYS;
#endif
}

static int try_descriptor(const char *descriptor) { return of(fcntl(atoi(descriptor), F_GETFD)); }

static void *nothing(void *unused) { return unused; }

/* What every program does. */
static int try_ordinary(const char *unused) {
    (void)unused;
    pthread_t thread;
    int status;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0) return TOLD + 1;
    pid_t child = fork();
    if (child == 0) _exit(3);
    if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 3) return TOLD + 2;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGUSR1, &ignore, NULL) != 0 || kill(getpid(), SIGUSR1) != 0 || raise(SIGUSR1) != 0) return TOLD + 3;
    if (getrlimit(RLIMIT_NOFILE, &(struct rlimit){0}) != 0) return TOLD + 4;
    if (try_pair("s") || try_pair("q")) return TOLD + 5;
    if (try_read("/dev/null")) return TOLD + 6;
    return 0;
}

static int try_signal_to_child(const char *unused) {
    (void)unused;
    int status;
    pid_t child = fork();
    if (child == 0) {
        alarm(1); /* where no signal reaches it */
        for (;;) pause();
    }
    int result = of(kill(child, SIGKILL));
    return waitpid(child, &status, 0) == child ? result : TOLD;
}

/* To all of its own group, of which it is one: others of the group get nothing. */
static int try_signal_to_group(const char *unused) {
    (void)unused;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    return sigaction(SIGUSR1, &ignore, NULL) == 0 ? of(kill(0, SIGUSR1)) : TOLD;
}

static const struct attempt {
    const char *name;
    int (*run)(const char *on);
} attempts[] = {
    {"read", try_read}, {"list", try_list}, {"write", try_write}, {"truncate", try_truncate}, {"remove", try_remove},
    {"chmod", try_chmod}, {"times", try_times}, {"own times", try_own_times}, {"attribute", try_attribute}, {"watch", try_watch},
    {"execute", try_execute}, {"node", try_node}, {"socket", try_socket}, {"pair", try_pair}, {"connect", try_connect},
    {"fast open", try_fast_open}, {"bind", try_bind}, {"signal", try_signal}, {"trace", try_trace}, {"trace self", try_trace_self},
    {"peek", try_peek}, {"environment", try_environment}, {"limit", try_limit}, {"priority", try_priority}, {"take", try_take},
    {"unshare", try_unshare}, {"clone", try_clone}, {"clone3", try_clone3}, {"mount", try_mount}, {"ring", try_ring},
    {"keys", try_keys}, {"program", try_program}, {"events", try_events}, {"faults", try_faults}, {"shared", try_shared},
    {"owner", try_owner}, {"newer", try_newer}, {"typing", try_typing}, {"typing with high bits", try_typing_with_high_bits},
    {"x32", try_x32}, {"descriptor", try_descriptor},
    {"ordinary", try_ordinary}, {"signal to child", try_signal_to_child}, {"signal to group", try_signal_to_group},
};

static int attempt(const char *name, const char *on) {
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        if (strcmp(attempts[i].name, name) == 0) return attempts[i].run(on);
    }
    return TOLD;
}

struct in_thread {
    const char *name, *on;
    int result;
};

static void *attempt_in_thread(void *context) {
    struct in_thread *one = context;
    one->result = attempt(one->name, one->on);
    return NULL;
}

/* "thread:", "fork:" or "program:" before the name: another thread, or a child, tries it. */
static int attempt_where(const char *name, const char *on) {
    const char *colon = strchr(name, ':');
    if (!colon) return attempt(name, on);
    struct in_thread one = {.name = colon + 1, .on = on};
    pthread_t thread;
    int status;
    if (*name == 't') {
        if (pthread_create(&thread, NULL, attempt_in_thread, &one) != 0 || pthread_join(thread, NULL) != 0) return TOLD;
        return one.result;
    }
    pid_t child = fork();
    if (child == 0 && *name == 'f') _exit(attempt(one.name, on));
    if (child == 0) {
        execl(own_path(), "child", "--child", "attempt", one.name, on, (char *)NULL);
        _exit(TOLD);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : TOLD;
}

/* ---- the launcher ---- */

static char folder[200]; /* of a test */
static char secret[300], open_file[300], inner[300];

/* What this program needs to start, with the runtime of a checker. */
static const char *const needed[] = {"maybe-read=/usr", "maybe-read=/lib", "maybe-read=/lib64", "maybe-read=/etc/ld.so.cache", "read=/dev/null"};

/* Runs an attempt in a process that is confined by these arguments, up to NULL. Returns its exit code. */
static int confined(const char *const *arguments, const char *name, const char *on) {
    const char *all[MOST] = {"launcher", "--confine"};
    int count = 2;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) all[count++] = needed[i];
    for (; arguments && *arguments; arguments++) all[count++] = *arguments;
    const char *rest[] = {"--", own_path(), "--child", "attempt", name, on};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) all[count++] = rest[i];
    pid_t child = fork();
    if (child == 0) {
        alarm(TEST_SECONDS);
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        execv(own_path(), (char *const *)all);
        _exit(TOLD);
    }
    int status = wait_for_child(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : TOLD + 50;
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void check_attempt(const char *const *arguments, const char *name, const char *on, int expected, int line) {
    int found = confined(arguments, name, on);
    if (found == expected) return;
    check_failures++;
    fprintf(stderr, "%s:%d: '%s' of %s: %d (%s), expected %d (%s)\n", __FILE__, line, name, on, found, strerror(found), expected,
            strerror(expected));
}
#define TRY(arguments, name, on, expected) check_attempt((arguments), (name), (on), (expected), __LINE__)

#define AS "CONFINE_AS" /* the version of Landlock that the launcher takes, if it is older than the kernel's */

static int version(void) {
    const char *why_not, *as = getenv(AS);
    int known = confine_landlock(&why_not);
    return as && atoi(as) < known ? atoi(as) : known;
}

#define NEEDS(least)                                                                                       \
    do {                                                                                                   \
        if (under_valgrind()) IGNORE("valgrind runs the program in a process of its own");                 \
        if (version() < (least)) IGNORE("this kernel's Landlock is older than version " #least);           \
    } while (0)

static void write_file(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(file >= 0 && write(file, "secret", 6) == 6);
    close(file);
}

static void make_files(void) {
    CHECK(make_directory(folder, sizeof folder));
    snprintf(secret, sizeof secret, "%s/secret", folder);
    snprintf(inner, sizeof inner, "%s/inner", folder);
    snprintf(open_file, sizeof open_file, "%s/inner/open", folder);
    CHECK(mkdir(inner, 0700) == 0);
    write_file(secret);
    write_file(open_file);
}

static void remove_files(void) {
    char made[320];
    snprintf(made, sizeof made, "%s/made", inner);
    unlink(made);
    unlink(open_file);
    rmdir(inner);
    unlink(secret);
    rmdir(folder);
}

/* ---- the tests ---- */

static void test_an_argument_has_a_name_and_a_value(void) {
    CHECK_TEXT(confine_value("read=/a=b", "read"), "/a=b");
    CHECK_TEXT(confine_value("read=", "read"), "");
    CHECK(!confine_value("read", "read") && !confine_value("ready=/", "read") && !confine_value("maybe-read=/", "read"));
}

static void test_an_ordinary_program_runs(void) {
    NEEDS(1);
    TRY(NULL, "ordinary", "", 0);
    TRY(NULL, "thread:ordinary", "", 0);
}

static void test_files(void) {
    char reads[320], writes[320], made[320];
    NEEDS(1);
    make_files();
    snprintf(reads, sizeof reads, "read=%s", inner);
    snprintf(writes, sizeof writes, "write=%s", inner);
    snprintf(made, sizeof made, "%s/made", inner);
    TRY(NULL, "read", open_file, EACCES);
    TRY(NULL, "thread:read", open_file, EACCES);
    TRY(NULL, "fork:read", open_file, EACCES);
    TRY(NULL, "list", folder, EACCES);
    TRY(NULL, "write", secret, EACCES);
    TRY(NULL, "truncate", secret, version() >= 3 ? EACCES : EPERM);
    TRY(NULL, "remove", secret, EACCES);
    TRY(NULL, "read", "/etc/shadow", EACCES);
    TRY(NULL, "list", "/", EACCES);
    TRY(ARGUMENTS(reads), "read", open_file, 0);
    TRY(ARGUMENTS(reads), "list", inner, 0);
    TRY(ARGUMENTS(reads), "write", open_file, EACCES);
    TRY(ARGUMENTS(reads), "read", secret, EACCES);
    TRY(ARGUMENTS(reads), "write", made, EACCES);
    TRY(ARGUMENTS(writes), "read", open_file, EACCES);
    TRY(ARGUMENTS(writes), "write", made, 0);
    TRY(ARGUMENTS(writes), "remove", made, 0);
    TRY(ARGUMENTS(writes), "node", made, EACCES);
    TRY(ARGUMENTS("read=/"), "read", secret, 0);
    TRY(ARGUMENTS("write=/"), "truncate", secret, 0);
    /* its own program is permitted, others are not */
    /* A child has another /proc/self, which a checker wants to read. */
    TRY(ARGUMENTS("read=/proc"), "program:pair", "s", 0);
    TRY(NULL, "read", "/proc/self/maps", 0);
    TRY(NULL, "thread:read", "/proc/self/maps", 0);
    TRY(ARGUMENTS("read=/proc"), "program:read", secret, EACCES);
    TRY(NULL, "execute", "/bin/true", EACCES);
    TRY(ARGUMENTS("execute=/bin/true"), "execute", "/bin/true", 0);
    TRY(ARGUMENTS("execute=/"), "execute", "/bin/true", 0);
    TRY(ARGUMENTS("execute=/"), "read", secret, EACCES);
    remove_files();
}

static void test_attributes_of_files(void) {
    char reads[320];
    NEEDS(1);
    make_files();
    snprintf(reads, sizeof reads, "read=%s", inner);
    TRY(NULL, "chmod", secret, EPERM);
    TRY(NULL, "times", secret, EPERM);
    TRY(NULL, "attribute", secret, EPERM);
    TRY(NULL, "watch", folder, EPERM);
    TRY(ARGUMENTS(reads), "chmod", open_file, EPERM);
    TRY(ARGUMENTS(reads), "own times", open_file, 0);
    TRY(ARGUMENTS("write=/"), "chmod", secret, 0);
    TRY(ARGUMENTS("write=/"), "times", secret, 0);
    TRY(ARGUMENTS("read=/"), "watch", folder, 0);
    remove_files();
}

/* D-Bus, X and most others are Unix sockets of type STREAM. */
static void test_sockets(void) {
    NEEDS(1);
    static const char *const kinds[] = {"us", "ud", "uq", "4s", "4d", "6s", "6d", "nr", "4sm"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        TRY(NULL, "socket", kinds[i], EPERM);
        TRY(NULL, "thread:socket", kinds[i], EPERM);
    }
    TRY(NULL, "pair", "s", 0);
    TRY(NULL, "pair", "q", 0);
    TRY(NULL, "pair", "d", EPERM);
    TRY(ARGUMENTS("seqpacket"), "socket", "uq", 0);
    TRY(ARGUMENTS("seqpacket"), "socket", "us", EPERM);
    TRY(ARGUMENTS("seqpacket"), "socket", "ud", EPERM);
    TRY(ARGUMENTS("seqpacket"), "socket", "4s", EPERM);
    TRY(ARGUMENTS("net"), "socket", "4s", 0);
    TRY(ARGUMENTS("net"), "socket", "4d", 0);
    TRY(ARGUMENTS("net"), "socket", "6d", 0);
    TRY(ARGUMENTS("net"), "socket", "nr", 0);
    TRY(ARGUMENTS("net"), "socket", "us", EPERM);
    TRY(ARGUMENTS("net", "seqpacket"), "socket", "uq", 0);
}

static void test_tcp_ports(void) {
    char port[16], other[16], permitted[24];
    NEEDS(4);
    struct sockaddr_in at = loopback("0");
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 8) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&at, &length) == 0);
    unsigned number = ntohs(at.sin_port);
    snprintf(port, sizeof port, "%u", number);
    snprintf(other, sizeof other, "%u", number == 65535 ? number - 1 : number + 1);
    snprintf(permitted, sizeof permitted, "tcp=%u", number);
    TRY(ARGUMENTS(permitted), "connect", port, 0);
    TRY(ARGUMENTS(permitted), "connect", other, EACCES);
    TRY(ARGUMENTS(permitted), "thread:connect", other, EACCES);
    TRY(ARGUMENTS(permitted), "bind", other, EACCES);
    TRY(ARGUMENTS(permitted), "bind", port, EADDRINUSE);
    TRY(ARGUMENTS(permitted), "fast open", other, EPERM);
    TRY(ARGUMENTS(permitted), "socket", "4d", EPERM);
    TRY(ARGUMENTS(permitted), "socket", "4sm", EPERM);
    TRY(ARGUMENTS(permitted), "socket", "6s", 0);
    TRY(ARGUMENTS("net"), "connect", port, 0);
    close(listener);
}

static void test_other_processes(void) {
    char pid[16];
    NEEDS(1);
    pid_t other = fork();
    if (other == 0) {
        alarm(TEST_SECONDS);
        for (;;) pause();
    }
    snprintf(pid, sizeof pid, "%d", (int)other);
    TRY(NULL, "signal", pid, EPERM);
    TRY(NULL, "thread:signal", pid, EPERM);
    TRY(NULL, "fork:signal", pid, EPERM);
    TRY(NULL, "trace", pid, EPERM);
    TRY(NULL, "trace self", "", EPERM);
    TRY(NULL, "peek", pid, EPERM);
    TRY(NULL, "environment", pid, EACCES);
    TRY(NULL, "take", pid, EPERM);
    TRY(NULL, "limit", pid, EPERM);
    TRY(NULL, "priority", pid, EPERM);
    kill_child(other);
}

/* By Landlock, or where that cannot, by the filter of calls. */
static void test_signals_within(void) {
    NEEDS(1);
    int reached;
    pid_t other = fork();
    if (other == 0) { /* a signal would end it */
        alarm(TEST_SECONDS);
        for (;;) pause();
    }
    TRY(NULL, "signal to child", "", version() >= 6 ? 0 : EPERM);
    signal(SIGUSR1, SIG_IGN);
    TRY(NULL, "signal to group", "", version() >= 6 ? 0 : EPERM);
    signal(SIGUSR1, SIG_DFL);
    CHECK(waitpid(other, &reached, WNOHANG) == 0);
    kill_child(other);
}

static void test_ways_out(void) {
    NEEDS(1);
    static const char *const refused[] = {"unshare", "clone", "ring", "keys", "program", "events", "faults", "shared", "owner", "typing",
                                          "typing with high bits"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) TRY(NULL, refused[i], "", EPERM);
    TRY(NULL, "mount", "/", EPERM);
    TRY(NULL, "clone3", "", ENOSYS);
    TRY(NULL, "newer", "", ENOSYS);
    TRY(NULL, "x32", "", ENOSYS);
    TRY(ARGUMENTS("net", "read=/", "write=/", "execute=/"), "unshare", "", EPERM);
}

/* Of the descriptors that it inherits, the channel of the bootstrap stays. */
static void test_descriptors(void) {
    char number[16], value[40];
    NEEDS(1);
    int left_open = fcntl(0, F_DUPFD, 30), channel = fcntl(0, F_DUPFD, 100);
    CHECK(left_open >= 0 && channel >= 0);
    snprintf(number, sizeof number, "%d", left_open);
    TRY(NULL, "descriptor", number, EBADF);
    TRY(NULL, "descriptor", "2", 0);
    snprintf(number, sizeof number, "%d", channel);
    TRY(NULL, "descriptor", number, EBADF);
    snprintf(value, sizeof value, "%d:12345", channel);
    setenv("STREAMLIB_BOOTSTRAP", value, 1);
    TRY(NULL, "descriptor", number, 0);
    snprintf(number, sizeof number, "%d", left_open);
    TRY(NULL, "descriptor", number, EBADF);
    unsetenv("STREAMLIB_BOOTSTRAP");
    close(left_open);
    close(channel);
}

static void test_what_cannot_be_confined_does_not_run(void) {
    NEEDS(1);
    TRY(ARGUMENTS("read=/no such file"), "ordinary", "", SLB_EXIT_UNCONFINED);
    TRY(ARGUMENTS("execute=/no such file"), "ordinary", "", SLB_EXIT_UNCONFINED);
    TRY(ARGUMENTS("read=relative"), "ordinary", "", SLB_EXIT_UNCONFINED);
    TRY(ARGUMENTS("tcp=65536"), "ordinary", "", SLB_EXIT_UNCONFINED);
    TRY(ARGUMENTS("data=many"), "ordinary", "", SLB_EXIT_UNCONFINED);
    TRY(ARGUMENTS("reed=/"), "ordinary", "", SLB_EXIT_UNCONFINED);
    TRY(ARGUMENTS("maybe-read=/no such file"), "ordinary", "", 0);
}

/* What an older kernel lacks, the filter of calls does, or nothing runs. */
static void test_older_kernels(void) {
    NEEDS(6);
    static const char *const versions[] = {"1", "2", "3", "4", "5"};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        setenv(AS, versions[i], 1);
        test_an_ordinary_program_runs();
        test_files();
        test_attributes_of_files();
        test_other_processes();
        test_signals_within();
        if (version() >= 4) test_tcp_ports();
        else TRY(ARGUMENTS("tcp=443"), "ordinary", "", SLB_EXIT_UNCONFINED);
    }
    unsetenv(AS);
}

static const struct test tests[] = {
    {"an argument has a name and a value", test_an_argument_has_a_name_and_a_value},
    {"an ordinary program runs", test_an_ordinary_program_runs},
    {"files", test_files},
    {"attributes of files", test_attributes_of_files},
    {"sockets", test_sockets},
    {"TCP ports", test_tcp_ports},
    {"other processes", test_other_processes},
    {"signals within", test_signals_within},
    {"ways out", test_ways_out},
    {"older kernels", test_older_kernels},
    {"descriptors", test_descriptors},
    {"what cannot be confined does not run", test_what_cannot_be_confined_does_not_run},
};

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "--confine") == 0)
        return getenv(AS) ? confine_main_as(version(), argc - 1, argv + 1) : confine_main(argc - 1, argv + 1);
    /* Without what a checker does at the end, for which it would trace this process. */
    if (argc == 5 && strcmp(argv[1], "--child") == 0) _exit(attempt_where(argv[3], argv[4]));
    return RUN_TESTS(tests, NULL, argc, argv);
}
