/* launcher_linux.c: the launcher of confine.h. It has one thread, and allocates nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "streamlib_bridge.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

enum { MOST_DESCRIPTORS = 1 << 16, LAST_CAPABILITY = 63 };

bool confine_fail(const char *format, ...) {
    char text[4600];
    int start = snprintf(text, sizeof text, "Cannot confine the client: ");
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + start, sizeof text - (size_t)start - 1, format, arguments);
    va_end(arguments);
    size_t end = strlen(text);
    text[end] = '\n';
    ssize_t ignored = length < 0 ? 0 : write(STDERR_FILENO, text, end + 1);
    (void)ignored;
    return false;
}

const char *confine_value(const char *argument, const char *name) {
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

/* ---- reading the order ---- */

static bool number(const char *text, uint64_t most, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0 && *value <= most;
}

static bool read_path(struct confine_order *order, const char *argument) {
    static const char *const kinds[] = {"read", "write", "execute", "maybe-read", "maybe-write"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *path = confine_value(argument, kinds[i]);
        if (!path || path[0] != '/') continue;
        if (i == 0 && !path[1]) order->reads_all = true;
        if (i == 1 && !path[1]) order->writes_all = true;
        return true;
    }
    return false;
}

static bool read_argument(struct confine_order *order, const char *argument) {
    uint64_t port;
    const char *tcp = confine_value(argument, "tcp"), *data = confine_value(argument, "data");
    if (tcp) return order->some_tcp = number(tcp, UINT16_MAX, &port);
    if (data) return order->limits_data = number(data, INT64_MAX, &order->data);
    if (strcmp(argument, "net") == 0) return order->any_net = true;
    if (strcmp(argument, "seqpacket") == 0) return order->seqpacket = true;
    return read_path(order, argument);
}

static bool read_order(struct confine_order *order, int count, char **arguments) {
    *order = (struct confine_order){.arguments = arguments + 1};
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--") == 0) {
            order->count = i - 1;
            order->program = arguments + i + 1;
            if (order->program[0] && order->program[0][0] == '/') return true;
            return confine_fail("after -- the absolute path of a program is needed");
        }
        if (!read_argument(order, arguments[i])) return confine_fail("it does not know the argument '%s'", arguments[i]);
    }
    return confine_fail("it was started without a program; this is the shim of StreamLib Bridge, which a host executes to confine its client");
}

/* ---- what this process has ---- */

/* Closes these descriptors. */
static void close_from(unsigned first, unsigned last) {
    if (first > last || syscall(SYS_close_range, first, last, 0) == 0) return;
    for (unsigned each = first; each <= last && each < MOST_DESCRIPTORS; each++) close((int)each);
}

/* Closes what the host has left open by mistake: all but stdin, stdout, stderr, the channel of the bootstrap, and the program. */
static void close_others(int program) {
    const char *channel = getenv("STREAMLIB_BOOTSTRAP");
    unsigned kept[2] = {(unsigned)program, channel ? (unsigned)strtoul(channel, NULL, 10) : (unsigned)program};
    unsigned low = kept[0] < kept[1] ? kept[0] : kept[1], high = kept[0] < kept[1] ? kept[1] : kept[0];
    if (low > STDERR_FILENO) close_from(STDERR_FILENO + 1, low - 1);
    if (high > low) close_from((low > STDERR_FILENO ? low : STDERR_FILENO) + 1, high - 1);
    close_from((high > STDERR_FILENO ? high : STDERR_FILENO) + 1, ~0u);
}

/* Without capabilities root can still use its own files, but no longer those of other users. */
static bool drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    for (unsigned long each = 0; each <= LAST_CAPABILITY; each++) prctl(PR_CAPBSET_DROP, each, 0, 0, 0); /* EPERM: it has none */
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &header, none) == 0) return true;
    return confine_fail("capabilities cannot be given up (capset): %s", strerror(errno));
}

static bool limit_data(const struct confine_order *order) {
    struct rlimit limit = {.rlim_cur = order->data, .rlim_max = order->data};
    if (!order->limits_data || setrlimit(RLIMIT_DATA, &limit) == 0) return true;
    return confine_fail("its memory cannot be limited to %" PRIu64 " bytes (RLIMIT_DATA): %s", order->data, strerror(errno));
}

/* ---- executing ---- */

/* The host names its own program by its process, as /proc/PID/exe. Landlock no longer lets this process open that path, so the descriptor is executed. */
static void execute(const struct confine_order *order, int program) {
    extern char **environ;
    const char *path = order->program[0];
    if (strncmp(path, "/proc/", strlen("/proc/")) == 0) {
        syscall(SYS_execveat, program, "", order->program, environ, AT_EMPTY_PATH);
    } else {
        execve(path, order->program, environ);
    }
}

static bool gain_nothing(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 || confine_fail("no_new_privs cannot be set: %s", strerror(errno));
}

int confine_main_as(int landlock, int count, char **arguments) {
    struct confine_order order;
    if (!read_order(&order, count, arguments)) return SLB_EXIT_UNCONFINED;
    int program = open(order.program[0], O_PATH | O_CLOEXEC);
    if (program < 0) {
        confine_fail("its program %s cannot be opened: %s", order.program[0], strerror(errno));
        return SLB_EXIT_UNCONFINED;
    }
    close_others(program);
    if (limit_data(&order) && gain_nothing() && confine_files(&order, landlock, program) && drop_capabilities() &&
        confine_calls(&order, landlock)) {
        execute(&order, program);
        confine_fail("its program %s cannot be executed: %s", order.program[0], strerror(errno));
    }
    return SLB_EXIT_UNCONFINED;
}

int confine_main(int count, char **arguments) {
    const char *why_not = NULL;
    int landlock = confine_landlock(&why_not);
    if (landlock > 0) return confine_main_as(landlock, count, arguments);
    confine_fail("%s", why_not);
    return SLB_EXIT_UNCONFINED;
}
