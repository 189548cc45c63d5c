/*
 * launcher.c - starts the other processes.
 *
 * On macOS launchd does it. On Linux a process of this suite does the same: it holds the listening
 * socket of each name, starts the service with that socket when a client connects, and starts it
 * again after its end. It ends, with all services, when the case ends. With CONTRACT_BOOTSTRAP in
 * the environment in_bootstrap.c does it, by a bootstrap.
 */
#include "other.h"

#ifndef __linux__

static char names[4][200];

bool others_begin(const char *program, int count) {
    (void)program; /* launchd has the path */
    const char *prefix = getenv("CONTRACT_SERVICE");
    for (int i = 0; prefix && i < count; i++) snprintf(names[i], sizeof names[i], "%s.%d", prefix, i);
    return prefix != NULL;
}

void others_end(void) {}

const char *other_name(int which) { return names[which]; }

#else

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xpc/linux.h>

#include "in_bootstrap.h"

enum { OTHERS_MAX = 4, INHERITED = 3, NOT_STARTED = 127 };

struct service {
    struct sockaddr_un address;
    int socket;
    int life; /* while it runs: the read end of a pipe that hangs up at its end; else -1 */
    pid_t pid;
};

static struct service services[OTHERS_MAX];
static int services_count;
static char home[] = "/tmp/contract-XXXXXX", run_directory[sizeof home + 4];
static int lifeline = -1; /* the case's end of a pipe: the launcher ends when it is closed */
static pid_t launcher;

const char *other_name(int which) {
    static const char *const names[OTHERS_MAX] = {"contract.0", "contract.1", "contract.2", "contract.3"};
    return names[which];
}

static void become_service(const char *program, int which) {
    char pid[20];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", other_name(which), 1);
    dup2(services[which].socket, INHERITED);
    execl(program, program, "--serve", other_name(which), (char *)NULL);
    _exit(NOT_STARTED);
}

static void start_service(const char *program, int which) {
    int ends[2];
    if (pipe(ends) != 0) _exit(1);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    services[which].pid = fork();
    if (services[which].pid == 0) become_service(program, which);
    services[which].life = ends[0];
    close(ends[1]);
}

/* Returns false if the service could not be started. */
static bool reap_service(struct service *service) {
    int status = 0;
    waitpid(service->pid, &status, 0);
    close(service->life);
    service->life = -1;
    return !WIFEXITED(status) || WEXITSTATUS(status) != NOT_STARTED;
}

static void leave_nothing(void) {
    for (int i = 0; i < services_count; i++) {
        if (services[i].life >= 0) {
            kill(services[i].pid, SIGKILL);
            reap_service(&services[i]);
        }
        unlink(services[i].address.sun_path);
    }
    rmdir(run_directory);
    rmdir(home);
}

/* Watches the end of a service that runs, which accepts connections itself, and else its socket. */
static void launch(const char *program, int case_ends) {
    struct pollfd watched[OTHERS_MAX + 1] = {[OTHERS_MAX] = {.fd = case_ends}};
    bool ready = true;
    while (ready && !watched[OTHERS_MAX].revents) {
        for (int i = 0; i < services_count; i++) {
            struct service *service = &services[i];
            if (watched[i].revents && service->life >= 0) ready = reap_service(service) && ready;
            else if (watched[i].revents) start_service(program, i);
            watched[i].fd = service->life >= 0 ? service->life : service->socket;
            watched[i].events = POLLIN;
        }
        for (int i = services_count; i < OTHERS_MAX; i++) watched[i].fd = -1;
        if (poll(watched, OTHERS_MAX + 1, -1) < 0) break;
    }
    leave_nothing();
    _exit(0);
}

static bool open_socket(int which) {
    struct service *service = &services[which];
    service->life = -1;
    service->address.sun_family = AF_UNIX;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    /* Not 3, so that dup2 to 3 makes a copy that is open after the exec. */
    service->socket = fcntl(fd, F_DUPFD_CLOEXEC, INHERITED + 1);
    close(fd);
    struct sockaddr_un *address = &service->address;
    return xpc_linux_service_path(other_name(which), address->sun_path, sizeof address->sun_path) == 0 &&
           bind(service->socket, (struct sockaddr *)address, sizeof *address) == 0 && listen(service->socket, 20) == 0;
}

bool others_begin(const char *program, int count) {
    int ends[2];
    if (getenv("CONTRACT_BOOTSTRAP")) return bootstrap_begin(program, count);
    if (!mkdtemp(home) || pipe(ends) != 0) return false;
    snprintf(run_directory, sizeof run_directory, "%s/run", home);
    setenv("STREAMLIB_HOME", home, 1);
    bool ready = mkdir(run_directory, 0700) == 0;
    services_count = count;
    for (int i = 0; i < count; i++) ready = ready && open_socket(i);
    lifeline = ends[1];
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    launcher = fork();
    if (launcher == 0) {
        close(ends[1]);
        launch(program, ends[0]);
    }
    close(ends[0]);
    for (int i = 0; i < count; i++) close(services[i].socket);
    return ready && launcher > 0;
}

void others_end(void) {
    if (lifeline < 0) {
        bootstrap_end();
        return;
    }
    close(lifeline);
    waitpid(launcher, NULL, 0);
}

#endif
