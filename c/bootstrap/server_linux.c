/*
 * server_linux.c: the server of a bootstrap on Linux.
 *
 * A channel is a pair of SEQPACKET sockets; the child has one end. A request carries the socket for its
 * answer, so any number of processes may share one channel, and none can read the answer of another.
 *
 * A right is one end of such a pair too; its other end is the listener's. The server connects for the
 * asker: were the right given to the asker, it could shut the service down for all (decision 048).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"
#include "close_if_open.h"
#include "held.h"
#include "messages_linux.h"
#include "quiet_thread.h"
#include "server.h"
#include "watches_linux.h"

/* The number of a child's end: so high that no shell and no runtime uses it for something else. The second: if this process may not have so high ones. */
enum { CHANNEL_LEAST = 100, CHANNEL_LEAST_OF_FEW = 32 };

/* The most names: an eighth of the descriptors that a process may have beyond those of its own, within bounds. */
enum { NAMES_LEAST = 8, NAMES_MOST = 1024, NAMES_SHARE = 8, DESCRIPTORS_OF_ITS_OWN = 44, CHANNEL_SHARE = 4 };

struct boot_server {
    struct boot_server_options options;
    pthread_t thread;
    pthread_cond_t withdrawn;
    pthread_mutex_t lock; /* guards what follows */
    int offered;          /* the child's end of a channel, until it is withdrawn; else -1 */
    struct boot_registry registry;
    struct boot_watches watches;
    uint32_t last_channel;
    int stop; /* constant */
};

/* ---- names ------------------------------------------------------------------------------ */

static bool has_hung_up(int fd) { return boot_is_ready(fd, 0); }

static void tell(const struct boot_server *server, enum boot_event event, int32_t pid, const char *name) {
    server->options.tell(server->options.context, event, pid, name);
}

/* A name is forgotten: its right is closed, and its process is no longer watched if that was its last one. */
static void dispose(struct boot_server *server, const struct boot_service *gone) {
    boot_watches_remove(&server->watches, boot_watches_find(&server->watches, (int)gone->right));
    if (gone->by.pid > 0 && boot_registry_count_of(&server->registry, gone->by.pid) == 0) {
        boot_watches_remove(&server->watches, boot_watches_process(&server->watches, gone->by.pid));
    }
    tell(server, BOOT_EVENT_GONE, gone->by.pid, gone->name);
}

static void forget_right(struct boot_server *server, int right) {
    struct boot_service gone;
    if (boot_registry_remove_right(&server->registry, right, &gone)) dispose(server, &gone);
}

/* A service whose right has hung up has ended, although its event may still wait. */
static void forget_ended(struct boot_server *server, const char *name) {
    const struct boot_service *service = boot_registry_find(&server->registry, name);
    bool served = service && service->right != BOOT_NO_RIGHT;
    if (served && has_hung_up((int)service->right)) forget_right(server, (int)service->right);
}

static void forget_process(struct boot_server *server, int32_t pid) {
    struct boot_service gone;
    while (boot_registry_remove_process(&server->registry, pid, &gone)) dispose(server, &gone);
    boot_watches_remove(&server->watches, boot_watches_process(&server->watches, pid));
}

/*
 * Watches the process that has registered a name: a helper that it has forked may hold its right for longer.
 * False: it has ended, or cannot be watched for lack of a resource. One that cannot be seen, or on a kernel
 * without pidfds, is not watched.
 */
static bool watch_process(struct boot_server *server, struct boot_caller by) {
    if (by.channel == 0 || by.pid <= 0 || boot_watches_process(&server->watches, by.pid)) return true;
    int fd = (int)syscall(SYS_pidfd_open, by.pid, 0);
    if (fd < 0) return errno == ENOSYS || errno == EPERM;
    return boot_watches_add(&server->watches, (struct boot_watched){.kind = BOOT_WATCH_PROCESS, .fd = fd, .pid = by.pid}, EPOLLIN);
}

/* The registry has kept the right under the name. Returns a BOOT_ code; on failure both are gone. */
static int32_t serve(struct boot_server *server, const char *name, struct boot_caller by, int right) {
    struct boot_service gone;
    bool watched = boot_watches_add(&server->watches, (struct boot_watched){.kind = BOOT_WATCH_RIGHT, .fd = right}, 0); /* a hang-up is always told */
    if (watched && watch_process(server, by)) {
        tell(server, BOOT_EVENT_REGISTERED, by.pid, name);
        return BOOT_DONE;
    }
    boot_registry_remove_right(&server->registry, right, &gone);
    if (watched) boot_watches_remove(&server->watches, boot_watches_find(&server->watches, right));
    return BOOT_NO_MEMORY;
}

/* ---- answering -------------------------------------------------------------------------- */

/* Has the owner start a declared service. Returns `code`; BOOT_BUSY if the owner was not told: the next who asks tells it. */
static int32_t want(struct boot_server *server, int32_t pid, const char *name, int32_t code) {
    if (server->options.tell(server->options.context, BOOT_EVENT_WANTED, pid, name)) return code;
    boot_registry_ended(&server->registry, name);
    return BOOT_BUSY;
}

/* Connects the asker to a service. Returns a code; with BOOT_DONE the asker's end in `mine`. BOOT_UNKNOWN_SERVICE: it was forgotten. */
static int32_t connect_for(struct boot_server *server, int32_t pid, const struct boot_service *service, int *mine) {
    int right = (int)service->right;
    boot_right connection;
    int32_t code = server->options.connect(right, pid, &connection);
    if (code == BOOT_DONE) *mine = (int)connection;
    if (code == BOOT_UNKNOWN_SERVICE) forget_right(server, right);
    return code;
}

static int32_t make_for(struct boot_server *server, const char *name, struct boot_caller caller, int *mine) {
    int ends[2];
    if (boot_make_pair(ends) != 0) return BOOT_NO_MEMORY;
    int32_t code = boot_registry_keep(&server->registry, name, caller, ends[1]);
    if (code != BOOT_DONE) close(ends[1]);
    else code = serve(server, name, caller, ends[1]);
    if (code == BOOT_DONE) *mine = ends[0];
    else close(ends[0]);
    return code;
}

/* Passes the request on: BOOT_DONE, and it is answered elsewhere. Else the code to answer with. */
static int32_t pass_on(const struct boot_server *server, const struct boot_received *received, int reply) {
    bool own = received->sender.pid == getpid(); /* it has asked its own server: there is nobody above */
    if (own || server->options.isolated) return BOOT_UNKNOWN_SERVICE;
    enum boot_presence above = boot_channel_look(NULL);
    if (above == BOOT_NONE) return BOOT_UNKNOWN_SERVICE;
    if (above == BOOT_PRESENT && boot_channel_pass_on(received->bytes, received->length, reply) == 0) return BOOT_DONE;
    return above == BOOT_PRESENT && errno == EAGAIN ? BOOT_BUSY : BOOT_SERVER_DIED;
}

/* The code for what no registry need see: who asks, and what came with the request. */
static int32_t check(const struct boot_received *received, const struct boot_request *request) {
    if (received->sender.uid != geteuid()) return BOOT_NOT_PRIVILEGED;
    int wanted = request->has_right ? 2 : 1;
    if (received->cut && received->count < wanted) return BOOT_NO_MEMORY; /* no descriptor was free for the right */
    if (received->cut || received->count != wanted) return BOOT_BAD_ARGUMENTS;
    if (!request->has_right) return BOOT_DONE;
    int right = received->descriptors[1];
    return boot_is_seqpacket(right) && !has_hung_up(right) ? BOOT_DONE : BOOT_BAD_ARGUMENTS;
}

/* Decides, and connects. A service that has ended is forgotten: then the decision is that without it. */
static struct boot_decision decide(struct boot_server *server, const struct boot_request *request, struct boot_caller caller,
                                   boot_right right, int *mine) {
    forget_ended(server, request->name);
    for (;;) {
        struct boot_decision decision = boot_registry_decide(&server->registry, request, caller, right);
        if (decision.act != BOOT_ACT_CONNECT) return decision;
        int32_t code = connect_for(server, caller.pid, decision.service, mine);
        if (code != BOOT_UNKNOWN_SERVICE) return (struct boot_decision){.act = BOOT_ACT_ANSWER, .code = code};
    }
}

static void handle(struct boot_server *server, uint32_t channel, struct boot_received *received) {
    struct boot_request request;
    int32_t code = boot_request_decode(received->bytes, received->length, &request);
    if (code == BOOT_DROPPED) return;
    int reply = received->count > 0 && boot_is_seqpacket(received->descriptors[0]) ? received->descriptors[0] : -1;
    if (code == BOOT_DONE) code = check(received, &request);
    struct boot_answer reply_with = {.id = request.id + BOOT_REPLY, .disposition = BOOT_MOVE_SEND};
    int mine = -1;
    if (code == BOOT_DONE) {
        struct boot_caller caller = {.channel = channel, .pid = received->sender.pid};
        boot_right right = request.has_right ? received->descriptors[1] : BOOT_NO_RIGHT;
        struct boot_decision decision = decide(server, &request, caller, right, &mine);
        code = decision.code;
        switch (decision.act) {
        case BOOT_ACT_ANSWER:
        case BOOT_ACT_CONNECT: break; /* done */
        case BOOT_ACT_KEPT:
            received->descriptors[1] = -1;
            code = serve(server, request.name, caller, (int)right);
            break;
        case BOOT_ACT_START: code = want(server, caller.pid, request.name, code); break;
        case BOOT_ACT_PASS_ON:
            code = pass_on(server, received, reply);
            if (code == BOOT_DONE) return;
            break;
        case BOOT_ACT_MAKE:
            code = make_for(server, request.name, caller, &mine);
            reply_with.disposition = BOOT_MOVE_RECEIVE;
            break;
        }
    }
    reply_with.code = code;
    if (reply >= 0) boot_answer_send(reply, reply_with, mine);
    if (mine >= 0) close(mine);
}

/* ---- running ---------------------------------------------------------------------------- */

static void run_channel(struct boot_server *server, struct boot_watched *watched) {
    struct boot_received received;
    uint32_t channel = watched->channel;
    int result = boot_request_receive(watched->fd, &received);
    if (result < 0) boot_watches_remove(&server->watches, watched);
    if (result <= 0) return;
    handle(server, channel, &received);
    boot_received_release(&received);
}

/*
 * Returns whether the server goes on. A thread that registered a name may have closed the descriptor since its
 * event, and it may be another now: so it is looked at again.
 */
static bool run(struct boot_server *server, int fd) {
    struct boot_watched *watched = boot_watches_find(&server->watches, fd);
    if (!watched) return true;
    switch (watched->kind) {
    case BOOT_WATCH_STOP: return false;
    case BOOT_WATCH_CHANNEL: run_channel(server, watched); break;
    case BOOT_WATCH_RIGHT:
        if (has_hung_up(fd)) forget_right(server, fd);
        break;
    case BOOT_WATCH_PROCESS:
        if (boot_is_ready(fd, POLLIN)) forget_process(server, watched->pid);
        break;
    }
    return true;
}

static void *work(void *context) {
    struct boot_server *server = context;
    pthread_setname_np(pthread_self(), "bootstrap");
    for (bool goes_on = true; goes_on;) {
        int fd = boot_watches_wait(&server->watches);
        if (fd < 0) continue;
        pthread_mutex_lock(&server->lock);
        goes_on = run(server, fd);
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------- */

static struct boot_limits limits(void) {
    struct rlimit limit;
    rlim_t most = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
    rlim_t names = most > DESCRIPTORS_OF_ITS_OWN ? (most - DESCRIPTORS_OF_ITS_OWN) / NAMES_SHARE : 0;
    if (names < NAMES_LEAST) names = NAMES_LEAST;
    if (names > NAMES_MOST) names = NAMES_MOST;
    return (struct boot_limits){.names = (uint32_t)names, .names_per_channel = (uint32_t)names / CHANNEL_SHARE};
}

/* Closes everything but the thread, which does not run. */
static void release(struct boot_server *server) {
    close_if_open(&server->offered);
    boot_watches_close(&server->watches);
    boot_registry_free(&server->registry);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->withdrawn);
    free(server);
}

struct boot_server *boot_server_start(const struct boot_server_options *options) {
    struct boot_server *server = calloc(1, sizeof *server);
    if (!server) return NULL;
    server->options = *options;
    server->offered = -1;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->withdrawn, NULL);
    boot_registry_init(&server->registry, limits());
    server->stop = boot_watches_open(&server->watches) ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    int why = server->stop < 0 || !boot_watches_add(&server->watches, (struct boot_watched){.kind = BOOT_WATCH_STOP, .fd = server->stop}, EPOLLIN)
                  ? errno
                  : quiet_thread_start(&server->thread, work, server);
    if (!why) return server;
    release(server);
    errno = why;
    return NULL;
}

void boot_server_stop(struct boot_server *server) {
    ssize_t ignored = write(server->stop, &(uint64_t){1}, sizeof(uint64_t));
    (void)ignored;
    pthread_join(server->thread, NULL);
    release(server);
}

/* ---- this process itself ---------------------------------------------------------------- */

int32_t boot_server_register(struct boot_server *server, const char *name, boot_right right) {
    struct boot_caller self = {.channel = 0, .pid = getpid()};
    pthread_mutex_lock(&server->lock);
    forget_ended(server, name);
    int32_t code = boot_registry_keep(&server->registry, name, self, right);
    if (code != BOOT_DONE) close((int)right);
    else code = serve(server, name, self, (int)right);
    pthread_mutex_unlock(&server->lock);
    return code;
}

int32_t boot_server_look_up(struct boot_server *server, const char *name, boot_right *right) {
    struct boot_request request = {.id = BOOT_LOOK_UP};
    strcpy(request.name, name);
    pthread_mutex_lock(&server->lock);
    struct boot_caller self = {.channel = 0, .pid = getpid()};
    forget_ended(server, name);
    struct boot_decision decision = boot_registry_decide(&server->registry, &request, self, BOOT_NO_RIGHT);
    int32_t code = decision.code;
    if (decision.act == BOOT_ACT_START) code = want(server, self.pid, name, code);
    if (decision.act == BOOT_ACT_CONNECT) {
        *right = fcntl((int)decision.service->right, F_DUPFD_CLOEXEC, 0);
        code = *right >= 0 ? BOOT_DONE : BOOT_NO_MEMORY;
    }
    pthread_mutex_unlock(&server->lock);
    return code;
}

int32_t boot_server_declare(struct boot_server *server, const char *name, bool declared) {
    pthread_mutex_lock(&server->lock);
    int32_t code = boot_registry_declare(&server->registry, name, declared);
    pthread_mutex_unlock(&server->lock);
    return code;
}

void boot_server_ended(struct boot_server *server, const char *name) {
    pthread_mutex_lock(&server->lock);
    boot_registry_ended(&server->registry, name);
    pthread_mutex_unlock(&server->lock);
}

/* ---- channels --------------------------------------------------------------------------- */

/* Makes a channel. Returns the child's end, which a child inherits; -1 with errno. */
static int open_channel(struct boot_server *server) {
    int ends[2];
    if (boot_make_pair(ends) != 0) return -1;
    int child = fcntl(ends[1], F_DUPFD, CHANNEL_LEAST);
    if (child < 0) child = fcntl(ends[1], F_DUPFD, CHANNEL_LEAST_OF_FEW);
    int why = child < 0 && errno == EINVAL ? EMFILE : errno; /* EINVAL: so high a number is not possible */
    close(ends[1]);
    errno = why;
    if (child < 0) {
        close(ends[0]);
    } else {
        if (++server->last_channel == 0) ++server->last_channel;
        struct boot_watched channel = {.kind = BOOT_WATCH_CHANNEL, .fd = ends[0], .channel = server->last_channel};
        if (boot_watches_add(&server->watches, channel, EPOLLIN)) return child;
        why = errno;
        close(child);
        errno = why;
    }
    return -1;
}

/* Writes the variable's value for a channel. */
static bool describe(const struct boot_server *server, int channel, char value[BOOT_VALUE_BYTES]) {
    struct stat status;
    bool isolated = server->options.isolated || boot_channel_is_isolated();
    if (channel < 0 || fstat(channel, &status) != 0) return false;
    snprintf(value, BOOT_VALUE_BYTES, "%d:%llu%s", channel, (unsigned long long)status.st_ino, isolated ? BOOT_ISOLATED : "");
    return true;
}

bool boot_server_offer(struct boot_server *server, char value[BOOT_VALUE_BYTES]) {
    pthread_mutex_lock(&server->lock);
    while (server->offered >= 0) pthread_cond_wait(&server->withdrawn, &server->lock);
    int channel = open_channel(server);
    bool described = describe(server, channel, value);
    int why = errno;
    if (described) server->offered = held(channel);
    else pthread_cond_signal(&server->withdrawn); /* nothing is offered, so another may */
    if (!described) close_if_open(&channel);
    pthread_mutex_unlock(&server->lock);
    errno = why;
    return described;
}

void boot_server_withdraw(struct boot_server *server) {
    pthread_mutex_lock(&server->lock);
    close_if_open(&server->offered);
    pthread_cond_signal(&server->withdrawn);
    pthread_mutex_unlock(&server->lock);
}
