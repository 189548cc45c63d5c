/*
 * tree_launcher.c - a bootstrap for the programs that it starts, over the shim.
 *
 *     tree_launcher [isolated]
 *
 * Each line of its standard input is a command, which it starts by a shell, in its tree; the command inherits the
 * standard output and error. Prints "started PID", "ended PID STATUS", and "registered NAME PID", "gone NAME PID".
 * Ends at the end of its input; what it has started goes on.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "streamlib_bridge.h"

enum { LIFE_SECONDS = 600, PATIENCE_MS = 20 };

static slb_handle bootstrap;

static void start(char *command) {
    char value[SLB_BOOTSTRAP_VALUE_BYTES + 1] = "";
    if (slb_bootstrap_offer(bootstrap, (uint8_t *)value, SLB_BOOTSTRAP_VALUE_BYTES) == 0) exit(3);
    setenv("STREAMLIB_BOOTSTRAP", value, 1);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    unsetenv("STREAMLIB_BOOTSTRAP");
    slb_bootstrap_withdraw(bootstrap);
    printf("started %d\n", (int)child);
}

/* Tells of children that have ended. */
static void reap(void) {
    int status;
    for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0;) {
        printf("ended %d %d\n", (int)child, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}

static void tell(void) {
    uint8_t event[SLB_BOOTSTRAP_EVENT_BYTES + 1];
    for (int32_t length; (length = slb_bootstrap_next(bootstrap, event)) > 0;) {
        event[length] = 0;
        int pid = event[4] | event[5] << 8 | event[6] << 16 | event[7] << 24;
        printf("%s %s %d\n", event[0] == SLB_BOOTSTRAP_REGISTERED ? "registered" : "gone", (char *)event + 8, pid);
    }
}

/* Starts the commands of whole lines. Returns false at the end of the input. */
static bool read_commands(void) {
    static char text[8192];
    static size_t length;
    ssize_t more = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
    if (more <= 0) return false;
    length += (size_t)more;
    text[length] = 0;
    for (char *end; (end = strchr(text, '\n'));) {
        *end++ = 0;
        start(text);
        length -= (size_t)(end - text);
        memmove(text, end, length + 1);
    }
    return true;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(LIFE_SECONDS);
    slb_handle queue = slb_queue_create();
    bootstrap = slb_bootstrap_create(queue, argc > 1 && strcmp(argv[1], "isolated") == 0);
    if (!bootstrap) return 3;
    int bell = slb_bootstrap_take_bell(bootstrap);
    struct pollfd watched[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = bell, .events = POLLIN}};
    do {
        char rings[64];
        if (watched[1].revents && read(bell, rings, sizeof rings) < 0) return 3;
        tell();
        reap();
        poll(watched, 2, PATIENCE_MS); /* the end of a child is no event of these */
    } while (!watched[0].revents || read_commands());
    slb_release(bootstrap);
    slb_release(queue);
    return 0;
}
