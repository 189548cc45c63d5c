/*
 * in_bootstrap.c - the other processes in a bootstrap: see in_bootstrap.h.
 *
 * The process that starts them is forked from the case, and has the server. The case gets the child's end of a
 * channel from it, as if it had inherited that.
 */
#ifdef __linux__

#include "in_bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xpc/linux.h>

#include "bootstrap/channel.h"
#include "bootstrap/server.h"
#include "other.h"

enum { OTHERS_MAX = 4, NOT_STARTED = 127, CHANNEL_LEAST = 100 };

struct service {
    int life; /* while it runs: the read end of a pipe that hangs up at its end; else -1 */
    pid_t pid;
    bool wanted; /* it is to be started when the one that runs has ended */
};

static struct service services[OTHERS_MAX];
static struct boot_server *server;
static const char *program;
static int wanted[2]; /* a pipe: the numbers of the services that are asked for */
static int lifeline = -1, channel = -1; /* the case's */
static pid_t launcher;

/* ---- the process with the server ---- */

static bool note_wanted(void *context, enum boot_event event, int32_t pid, const char *name) {
    (void)context, (void)pid;
    for (char i = 0; event == BOOT_EVENT_WANTED && i < OTHERS_MAX; i++) {
        if (strcmp(name, other_name(i)) == 0 && write(wanted[1], &i, 1) != 1) _exit(1);
    }
    return true;
}

static int32_t connect_to(boot_right right, int32_t pid, boot_right *connection) {
    int socket;
    switch (xpc_linux_endpoint_connect((int)right, pid, &socket)) {
    case 0: *connection = socket; return BOOT_DONE;
    case EAGAIN: return BOOT_BUSY;
    case EPIPE: return BOOT_UNKNOWN_SERVICE;
    default: return BOOT_NO_MEMORY;
    }
}

static void start_service(int which) {
    char value[BOOT_VALUE_BYTES];
    int ends[2];
    if (pipe(ends) != 0 || !boot_server_offer(server, value)) _exit(1);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    setenv(BOOT_VARIABLE, value, 1);
    services[which] = (struct service){.life = ends[0], .pid = fork()};
    if (services[which].pid == 0) {
        execl(program, program, "--serve", other_name(which), (char *)NULL);
        _exit(NOT_STARTED);
    }
    unsetenv(BOOT_VARIABLE);
    boot_server_withdraw(server);
    close(ends[1]);
}

/* Returns false if the service could not be started. */
static bool reap_service(int which) {
    struct service *service = &services[which];
    int status = 0;
    waitpid(service->pid, &status, 0);
    close(service->life);
    service->life = -1;
    if (service->wanted) start_service(which);
    else boot_server_ended(server, other_name(which));
    return !WIFEXITED(status) || WEXITSTATUS(status) != NOT_STARTED;
}

static void want_service(void) {
    char which;
    if (read(wanted[0], &which, 1) != 1) _exit(1);
    if (services[(int)which].life >= 0) services[(int)which].wanted = true;
    else start_service(which);
}

static void launch(int case_ends) {
    struct pollfd watched[OTHERS_MAX + 2];
    bool ready = true;
    do {
        for (int i = 0; i < OTHERS_MAX; i++) watched[i] = (struct pollfd){.fd = services[i].life, .events = POLLIN};
        watched[OTHERS_MAX] = (struct pollfd){.fd = wanted[0], .events = POLLIN};
        watched[OTHERS_MAX + 1] = (struct pollfd){.fd = case_ends};
        if (poll(watched, OTHERS_MAX + 2, -1) < 0) break;
        for (int i = 0; i < OTHERS_MAX; i++) {
            if (watched[i].revents) ready = reap_service(i) && ready;
        }
        if (watched[OTHERS_MAX].revents) want_service();
    } while (ready && !watched[OTHERS_MAX + 1].revents);
    for (int i = 0; i < OTHERS_MAX; i++) {
        if (services[i].life >= 0) kill(services[i].pid, SIGKILL);
        if (services[i].life >= 0) waitpid(services[i].pid, NULL, 0);
    }
    _exit(0);
}

static void send_channel(int to) {
    char value[BOOT_VALUE_BYTES];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    if (!boot_server_offer(server, value)) _exit(1);
    int offered = atoi(value);
    struct iovec content = {"", 1};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof offered);
    memcpy(CMSG_DATA(rights), &offered, sizeof offered);
    if (sendmsg(to, &message, MSG_NOSIGNAL) != 1) _exit(1);
    boot_server_withdraw(server);
}

static void serve(int count, int case_ends, int to) {
    struct boot_server_options options = {.tell = note_wanted, .connect = connect_to, .isolated = true};
    if (pipe2(wanted, O_CLOEXEC) != 0) _exit(1);
    for (int i = 0; i < OTHERS_MAX; i++) services[i].life = -1;
    server = boot_server_start(&options);
    if (!server) _exit(1);
    for (int i = 0; i < count; i++) {
        if (boot_server_declare(server, other_name(i), true) != BOOT_DONE) _exit(1);
    }
    send_channel(to);
    close(to);
    launch(case_ends);
}

/* ---- the case ---- */

static bool receive_channel(int from) {
    char byte, value[BOOT_VALUE_BYTES];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec content = {&byte, 1};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct stat status;
    int received;
    if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message)) return false;
    memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
    channel = fcntl(received, F_DUPFD_CLOEXEC, CHANNEL_LEAST);
    close(received);
    if (channel < 0 || fstat(channel, &status) != 0) return false;
    snprintf(value, sizeof value, "%d:%llu" BOOT_ISOLATED, channel, (unsigned long long)status.st_ino);
    return setenv(BOOT_VARIABLE, value, 1) == 0;
}

bool bootstrap_begin(const char *path, int count) {
    int ends[2], passing[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, passing) != 0) return false;
    program = path;
    launcher = fork();
    if (launcher == 0) {
        close(ends[1]);
        close(passing[0]);
        serve(count, ends[0], passing[1]);
    }
    lifeline = ends[1];
    close(ends[0]);
    close(passing[1]);
    bool ready = launcher > 0 && receive_channel(passing[0]);
    close(passing[0]);
    return ready;
}

void bootstrap_end(void) {
    close(lifeline);
    close(channel);
    unsetenv(BOOT_VARIABLE);
    waitpid(launcher, NULL, 0);
}

#else

typedef int nothing_on_macos; /* a file has at least one declaration */

#endif
