/*
 * server_macos.c: the server of a bootstrap on macOS. Compiled and linked, not run on a Mac.
 *
 * A right is a send right to a listener's port, and the asker gets a copy of it: Mach gives its holder nothing but
 * sending, so no holder can shut the service down for others. A request carries a send-once right for its answer.
 *
 * A name goes with its right or with its process. Each task has one name for all its rights to one port, and the
 * kernel keeps one notification for it. libdispatch takes that for its own connections, and drops what is in its
 * place. So the notification here is never taken from another, and a right is also looked at when it is asked for.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "channels_macos.h"
#include "messages_macos.h"
#include "quiet_thread.h"
#include "registered_macos.h"
#include "server.h"

/* The most names, and the most of one channel: a name costs an entry in the task's table of ports, no descriptor. */
enum { NAMES_MOST = 1024, NAMES_PER_CHANNEL = 256 };

struct boot_server {
    struct boot_server_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    mach_port_t offered;  /* a send right to a channel, until it is withdrawn */
    struct boot_registry registry;
    struct boot_channels channels;
};

static mach_port_t port_of(boot_right right) { return (mach_port_t)right; }

/* ---- names ------------------------------------------------------------------------------ */

static void tell(const struct boot_server *server, enum boot_event event, int32_t pid, const char *name) {
    server->options.tell(server->options.context, event, pid, name);
}

static void unwatch_process(struct boot_server *server, int32_t pid) {
    if (pid > 0 && boot_registry_count_of(&server->registry, pid) == 0) boot_channels_unwatch(&server->channels, pid);
}

/* A name is forgotten: its right is given back, and its process is no longer watched if that was its last one. */
static void dispose(struct boot_server *server, const struct boot_service *gone) {
    boot_mach_drop(port_of(gone->right));
    unwatch_process(server, gone->by.pid);
    tell(server, BOOT_EVENT_GONE, gone->by.pid, gone->name);
}

/* Several names may have one right: a process has registered one listener under each. */
static void forget_right(struct boot_server *server, boot_right right) {
    struct boot_service gone;
    while (boot_registry_remove_right(&server->registry, right, &gone)) dispose(server, &gone);
}

static void forget_process(struct boot_server *server, int32_t pid) {
    struct boot_service gone;
    while (boot_registry_remove_process(&server->registry, pid, &gone)) dispose(server, &gone);
}

static void forget_if_dead(struct boot_server *server, const char *name) {
    const struct boot_service *service = boot_registry_find(&server->registry, name);
    if (service && service->right != BOOT_NO_RIGHT && !boot_mach_is_live(port_of(service->right))) {
        forget_right(server, service->right);
    }
}

/* Has the kernel tell when a right has no receiver any more, unless it tells somebody else in this process. */
static void watch_right(const struct boot_server *server, mach_port_t right) {
    const mach_port_type_t taken = MACH_PORT_TYPE_DNREQUEST | MACH_PORT_TYPE_SPREQUEST | MACH_PORT_TYPE_SPREQUEST_DELAYED;
    mach_port_type_t type;
    mach_port_t previous = MACH_PORT_NULL, ours = MACH_PORT_NULL;
    if (mach_port_type(mach_task_self(), right, &type) != KERN_SUCCESS || (type & taken)) return;
    mach_port_request_notification(mach_task_self(), right, MACH_NOTIFY_DEAD_NAME, 1, server->channels.notify,
                                   MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
    if (previous == MACH_PORT_NULL) return;
    /* Somebody took it meanwhile, and gets it back. */
    kern_return_t result = mach_port_request_notification(mach_task_self(), right, MACH_NOTIFY_DEAD_NAME, 1, previous,
                                                          MACH_MSG_TYPE_MOVE_SEND_ONCE, &ours);
    boot_mach_drop(result == KERN_SUCCESS ? ours : previous);
}

/* The registry has kept the right under the name. */
static void serve(const struct boot_server *server, const char *name, struct boot_caller by, boot_right right) {
    watch_right(server, port_of(right));
    tell(server, BOOT_EVENT_REGISTERED, by.pid, name);
}

/* ---- answering -------------------------------------------------------------------------- */

/* Has the owner start a declared service. Returns `code`; BOOT_BUSY if the owner was not told: the next who asks tells it. */
static int32_t want(struct boot_server *server, int32_t pid, const char *name, int32_t code) {
    if (server->options.tell(server->options.context, BOOT_EVENT_WANTED, pid, name)) return code;
    boot_registry_ended(&server->registry, name);
    return BOOT_BUSY;
}

/* Connects the asker to a service. Returns a code; with BOOT_DONE the asker's right in `mine`. */
static int32_t connect_for(struct boot_server *server, int32_t pid, boot_right service, mach_port_t *mine) {
    boot_right connection;
    int32_t code = server->options.connect(service, pid, &connection);
    if (code == BOOT_DONE) *mine = port_of(connection);
    if (code == BOOT_UNKNOWN_SERVICE) forget_right(server, service);
    return code;
}

/* Makes a listener's port for the asker, and keeps a send right to it. */
static int32_t make_for(struct boot_server *server, const char *name, struct boot_caller caller, mach_port_t *mine) {
    mach_port_t port = boot_mach_make();
    int32_t code = port == MACH_PORT_NULL ? BOOT_NO_MEMORY : boot_registry_keep(&server->registry, name, caller, port);
    if (code != BOOT_DONE) {
        boot_mach_drop(port);
        boot_mach_close(port);
        return code;
    }
    serve(server, name, caller, port);
    *mine = port; /* the receive right; the send right of the same name stays */
    return BOOT_DONE;
}

/* Passes the request on: BOOT_DONE, and it is answered elsewhere. Else the code to answer with. */
static int32_t pass_on(const struct boot_server *server, union boot_mach_message *message, pid_t pid, struct boot_mach_reply *reply) {
    bool own = pid == getpid(); /* it has asked its own server: there is nobody above */
    if (own || server->options.isolated || !MACH_PORT_VALID(reply->port)) return BOOT_UNKNOWN_SERVICE; /* or nobody waits */
    enum boot_presence above = boot_channel_look(NULL);
    if (above == BOOT_NONE) return BOOT_UNKNOWN_SERVICE;
    mach_msg_return_t result = above == BOOT_PRESENT ? boot_mach_pass_on(message, boot_channel_port(), reply) : MACH_SEND_INVALID_DEST;
    switch (result) {
    case MACH_MSG_SUCCESS: return BOOT_DONE;
    case MACH_SEND_TIMED_OUT:
    case MACH_SEND_NO_BUFFER: return BOOT_BUSY;
    default: return BOOT_SERVER_DIED;
    }
}

/* Whether the asker may have one name more afterwards. */
static bool may_keep(const struct boot_request *request) { return request->has_right || request->id == BOOT_CHECK_IN; }

/* The code for what no registry need see: who asks, and what came with the request. */
static int32_t check(struct boot_server *server, const union boot_mach_message *message, const struct boot_request *request,
                     uid_t uid, pid_t pid) {
    if (uid != geteuid()) return BOOT_NOT_PRIVILEGED;
    if (request->has_right) {
        const mach_msg_port_descriptor_t *right = &message->request.right;
        bool is_send = right->disposition == MACH_MSG_TYPE_MOVE_SEND; /* as the kernel says: a receive right is another */
        if (!is_send || !boot_mach_is_live(right->name) || boot_channels_find(&server->channels, right->name) != 0) {
            return BOOT_BAD_ARGUMENTS;
        }
    }
    return !may_keep(request) || boot_channels_watch(&server->channels, pid) ? BOOT_DONE : BOOT_NO_MEMORY;
}

/* Decides, and does what is decided. Returns the code; BOOT_PASSED_ON: it is answered elsewhere. */
enum { BOOT_PASSED_ON = -1 };
static int32_t decide(struct boot_server *server, union boot_mach_message *message, const struct boot_request *request,
                      struct boot_caller caller, struct boot_mach_reply *reply, mach_port_t *mine, uint8_t *disposition) {
    forget_if_dead(server, request->name);
    boot_right right = request->has_right ? (boot_right)message->request.right.name : BOOT_NO_RIGHT;
    struct boot_decision decision = boot_registry_decide(&server->registry, request, caller, right);
    int32_t code = decision.code;
    switch (decision.act) {
    case BOOT_ACT_ANSWER: break;
    case BOOT_ACT_KEPT:
        message->request.right.name = MACH_PORT_NULL;
        serve(server, request->name, caller, right);
        return BOOT_DONE;
    case BOOT_ACT_CONNECT: return connect_for(server, caller.pid, decision.service->right, mine);
    case BOOT_ACT_START: return want(server, caller.pid, request->name, code);
    case BOOT_ACT_PASS_ON:
        code = pass_on(server, message, caller.pid, reply);
        return code == BOOT_DONE ? BOOT_PASSED_ON : code;
    case BOOT_ACT_MAKE: *disposition = BOOT_MOVE_RECEIVE; return make_for(server, request->name, caller, mine);
    }
    return code;
}

static void handle(struct boot_server *server, uint32_t channel, union boot_mach_message *message) {
    struct boot_request request;
    pid_t pid = 0;
    uid_t uid = 0;
    int32_t code = boot_request_decode(message->bytes, message->header.msgh_size, &request);
    struct boot_mach_reply reply = boot_mach_take_reply(message);
    struct boot_answer answer = {.id = request.id + BOOT_REPLY, .disposition = BOOT_MOVE_SEND};
    mach_port_t mine = MACH_PORT_NULL;
    if (code == BOOT_DONE) code = boot_mach_sender(message, &pid, &uid) ? BOOT_DONE : BOOT_NOT_PRIVILEGED;
    if (code == BOOT_DONE) code = check(server, message, &request, uid, pid);
    if (code == BOOT_DONE) {
        struct boot_caller caller = {.channel = channel, .pid = pid};
        code = decide(server, message, &request, caller, &reply, &mine, &answer.disposition);
        if (may_keep(&request)) unwatch_process(server, pid); /* unless it was kept */
        if (code == BOOT_PASSED_ON) return;
    }
    answer.code = code;
    mach_msg_destroy(&message->header); /* what was not kept is given back before the asker goes on */
    boot_mach_answer(reply, answer, mine);
}

/* ---- running ---------------------------------------------------------------------------- */

/* From the kernel. It gives a reference to the dead name with it, so that the name is not used again before. */
static void notified(struct boot_server *server, const union boot_mach_message *message) {
    if (message->header.msgh_id != MACH_NOTIFY_DEAD_NAME) return;
    forget_right(server, message->dead_name.not_port);
    boot_mach_drop(message->dead_name.not_port);
}

static void run_message(struct boot_server *server) {
    union boot_mach_message message;
    if (boot_mach_receive(server->channels.set, &message, 0) != MACH_MSG_SUCCESS) return;
    mach_port_t port = message.header.msgh_local_port;
    uint32_t channel = boot_channels_find(&server->channels, port);
    if (channel != 0 && message.header.msgh_id != MACH_NOTIFY_NO_SENDERS) {
        handle(server, channel, &message);
        return;
    }
    if (channel != 0) boot_channels_check(&server->channels, port);
    else notified(server, &message);
    mach_msg_destroy(&message.header);
}

static void *work(void *context) {
    struct boot_server *server = context;
    pthread_setname_np("bootstrap");
    for (;;) {
        pid_t ended = 0;
        enum boot_woke woke = boot_channels_wait(&server->channels, &ended);
        if (woke == BOOT_WOKE_STOP) return NULL;
        pthread_mutex_lock(&server->lock);
        if (woke == BOOT_WOKE_MESSAGE) run_message(server);
        if (woke == BOOT_WOKE_ENDED) forget_process(server, ended);
        pthread_mutex_unlock(&server->lock);
    }
}

/* ---- life ------------------------------------------------------------------------------- */

/* Frees everything but the thread, which does not run. */
static void release(struct boot_server *server) {
    struct boot_service gone;
    boot_server_withdraw(server);
    while (boot_registry_remove_any(&server->registry, &gone)) boot_mach_drop(port_of(gone.right));
    boot_channels_close(&server->channels);
    boot_registry_free(&server->registry);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

struct boot_server *boot_server_start(const struct boot_server_options *options) {
    struct boot_server *server = calloc(1, sizeof *server);
    if (!server) return NULL;
    server->options = *options;
    pthread_mutex_init(&server->lock, NULL);
    boot_registry_init(&server->registry, (struct boot_limits){.names = NAMES_MOST, .names_per_channel = NAMES_PER_CHANNEL});
    int why = boot_channels_open(&server->channels) ? quiet_thread_start(&server->thread, work, server) : errno;
    if (!why) return server;
    release(server);
    errno = why;
    return NULL;
}

void boot_server_stop(struct boot_server *server) {
    boot_channels_stop(&server->channels);
    pthread_join(server->thread, NULL);
    release(server);
}

/* ---- this process itself ---------------------------------------------------------------- */

int32_t boot_server_register(struct boot_server *server, const char *name, boot_right right) {
    struct boot_caller self = {.channel = 0, .pid = getpid()};
    pthread_mutex_lock(&server->lock);
    forget_if_dead(server, name);
    int32_t code = boot_mach_is_live(port_of(right)) ? boot_registry_keep(&server->registry, name, self, right)
                                                     : BOOT_NO_MEMORY;
    if (code == BOOT_DONE) serve(server, name, self, right);
    else boot_mach_drop(port_of(right));
    pthread_mutex_unlock(&server->lock);
    return code;
}

int32_t boot_server_look_up(struct boot_server *server, const char *name, boot_right *right) {
    struct boot_request request = {.id = BOOT_LOOK_UP};
    struct boot_caller self = {.channel = 0, .pid = getpid()};
    mach_port_t mine = MACH_PORT_NULL;
    strcpy(request.name, name);
    pthread_mutex_lock(&server->lock);
    forget_if_dead(server, name);
    struct boot_decision decision = boot_registry_decide(&server->registry, &request, self, BOOT_NO_RIGHT);
    int32_t code = decision.code;
    if (decision.act == BOOT_ACT_START) code = want(server, self.pid, name, code);
    if (decision.act == BOOT_ACT_CONNECT) code = connect_for(server, self.pid, decision.service->right, &mine);
    pthread_mutex_unlock(&server->lock);
    *right = mine;
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

static int errno_of(kern_return_t result) { return result == KERN_INVALID_RIGHT ? EPERM : ENOMEM; }

bool boot_server_offer(struct boot_server *server, char value[BOOT_VALUE_BYTES]) {
    bool isolated = server->options.isolated || boot_channel_is_isolated();
    pthread_mutex_lock(&server->lock);
    mach_port_t port = boot_channels_add(&server->channels);
    int why = errno;
    pthread_mutex_unlock(&server->lock);
    kern_return_t result = port == MACH_PORT_NULL ? KERN_RESOURCE_SHORTAGE : boot_registered_offer(port);
    if (result == KERN_SUCCESS) {
        pthread_mutex_lock(&server->lock);
        server->offered = port;
        pthread_mutex_unlock(&server->lock);
        snprintf(value, BOOT_VALUE_BYTES, BOOT_PORT "%s", isolated ? BOOT_ISOLATED : "");
        return true;
    }
    boot_mach_drop(port); /* nobody can send any more: the channel is closed */
    errno = port == MACH_PORT_NULL ? why : errno_of(result);
    return false;
}

void boot_server_withdraw(struct boot_server *server) {
    pthread_mutex_lock(&server->lock);
    mach_port_t port = server->offered;
    server->offered = MACH_PORT_NULL;
    pthread_mutex_unlock(&server->lock);
    if (port == MACH_PORT_NULL) return;
    boot_registered_withdraw();
    boot_mach_drop(port);
}
