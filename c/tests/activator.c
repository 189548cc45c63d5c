/*
 * activator.c - acts as the service manager of a broker, for tests.
 *
 *     activator SERVICE SEQPACKET_PATH STREAM_PATH PROGRAM ARGUMENT...
 *
 * Listens at both paths. When a client connects to one, it starts the program with both sockets,
 * passed as systemd does; and again after the program's end. systemd-socket-activate cannot do
 * this, because it has one type of socket per call.
 *
 * Prints "listening", "started PID" and "ended STATUS"; the program's output is discarded. When its
 * standard input ends, it ends the program, by SIGTERM and then SIGKILL, and removes the sockets.
 * The program ends with it.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INHERITED = 3, SOCKETS = 2, NOT_STARTED = 127, PATIENCE_MS = 60000 };

/* Moves a descriptor away from the numbers at which the program expects its sockets. */
static int high(int fd) {
    int copy = fcntl(fd, F_DUPFD, INHERITED + SOCKETS);
    close(fd);
    return copy;
}

static int listen_at(const char *path, int type) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = high(socket(AF_UNIX, type, 0));
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 128) != 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

static void become(const char *service, const int sockets[SOCKETS], char **program) {
    char pid[16], names[512];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    snprintf(names, sizeof names, "%s:%s", service, service);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", names, 1);
    for (int i = 0; i < SOCKETS; i++) dup2(sockets[i], INHERITED + i);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nowhere, 0);
    dup2(nowhere, 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(program[0], program);
    _exit(NOT_STARTED);
}

/* Waits for the end of the program. Returns false if it could not be started. */
static int reap(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("ended %d\n", code);
    return code != NOT_STARTED;
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int sockets[SOCKETS] = {listen_at(argv[2], SOCK_SEQPACKET), listen_at(argv[3], SOCK_STREAM)};
    printf("listening\n");
    pid_t child = 0;
    int life = -1; /* hangs up with the child */
    for (int going = 1; going;) {
        /* Watches the end of a child that runs, which accepts connections itself, and else the sockets. */
        struct pollfd watched[] = {
            {.fd = 0, .events = POLLIN},
            {.fd = life, .events = POLLIN},
            {.fd = life < 0 ? sockets[0] : -1, .events = POLLIN},
            {.fd = life < 0 ? sockets[1] : -1, .events = POLLIN},
        };
        if (poll(watched, 4, -1) < 0) continue;
        char ignored[64];
        if (watched[0].revents && read(0, ignored, sizeof ignored) <= 0) break;
        if (watched[1].revents) {
            close(life);
            life = -1;
            going = reap(child);
        } else if (watched[2].revents || watched[3].revents) {
            int ends[2];
            if (pipe(ends) != 0) return 1;
            for (int i = 0; i < 2; i++) ends[i] = high(ends[i]);
            fcntl(ends[0], F_SETFD, FD_CLOEXEC);
            child = fork();
            if (child == 0) become(argv[1], sockets, argv + 4);
            close(ends[1]);
            life = ends[0];
            printf("started %d\n", (int)child);
        }
    }
    if (life >= 0) {
        struct pollfd end = {.fd = life, .events = POLLIN};
        kill(child, SIGTERM);
        if (poll(&end, 1, PATIENCE_MS) == 0) kill(child, SIGKILL);
        reap(child);
    }
    unlink(argv[2]);
    unlink(argv[3]);
    return 0;
}
