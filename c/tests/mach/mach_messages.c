/* mach_messages.c - see mach_double.h: messages, kqueue, and what a test controls. */
#include <errno.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "mach_inside.h"

#undef close /* darwin.h's */

enum { QUEUE_LIMIT = 5, PROCESSES = 64, QUEUES = 4 };

static struct queue {
    int fd; /* 0: unused */
    bool stop;
    mach_port_t set;
    int count;
    pid_t watched[PROCESSES];
} queues[QUEUES];

static pid_t ended[PROCESSES], process = 1;
static int ended_count, no_room;
static _Thread_local pid_t sender;
static _Thread_local uid_t sender_user;

/* ---- messages ----------------------------------------------------------------------------- */

/* The descriptor of a message with one right; its place is the same in requests and answers. */
static mach_msg_port_descriptor_t *descriptor(mach_msg_header_t *header) {
    return (mach_msg_port_descriptor_t *)((uint8_t *)header + sizeof *header + sizeof(mach_msg_body_t));
}

static bool is_complex(const mach_msg_header_t *header) { return header->msgh_bits & MACH_MSGH_BITS_COMPLEX; }

static void destroy_right(mach_port_t name, uint32_t how) {
    if (!MACH_PORT_VALID(name)) return;
    if (how == MACH_MSG_TYPE_MOVE_SEND || how == MACH_MSG_TYPE_MOVE_SEND_ONCE) mach_port_deallocate(mach_task_self(), name);
    if (how == MACH_MSG_TYPE_MOVE_RECEIVE) mach_port_mod_refs(mach_task_self(), name, MACH_PORT_RIGHT_RECEIVE, -1);
}

void mach_msg_destroy(mach_msg_header_t *header) {
    destroy_right(header->msgh_remote_port, MACH_MSGH_BITS_REMOTE(header->msgh_bits));
    if (is_complex(header)) destroy_right(descriptor(header)->name, descriptor(header)->disposition);
}

/* Writes the rights of a message as those of the task. */
static void write_rights(mach_msg_header_t *header, struct right remote, struct right local, struct right carried) {
    header->msgh_remote_port = copy_out(remote);
    header->msgh_local_port = copy_out(local);
    header->msgh_bits = MACH_MSGH_BITS(remote.port ? remote.kind : 0, local.port ? local.kind : 0) | (header->msgh_bits & MACH_MSGH_BITS_COMPLEX);
    if (!is_complex(header)) return;
    descriptor(header)->name = copy_out(carried);
    descriptor(header)->disposition = (uint8_t)carried.kind;
}

static int send(mach_msg_header_t *header, uint32_t bytes, const struct timespec *end, bool waits) {
    struct message *message = calloc(1, sizeof *message);
    struct right to = {0};
    bool has_reply = header->msgh_local_port != MACH_PORT_NULL;
    int result = MACH_SEND_INVALID_DEST;
    if (!copy_in(header->msgh_remote_port, MACH_MSGH_BITS_REMOTE(header->msgh_bits), &to)) goto failed;
    result = MACH_SEND_INVALID_REPLY;
    if (has_reply && !copy_in(header->msgh_local_port, MACH_MSGH_BITS_LOCAL(header->msgh_bits), &message->reply)) goto failed;
    result = MACH_SEND_INVALID_RIGHT;
    if (is_complex(header) && !copy_in(descriptor(header)->name, descriptor(header)->disposition, &message->carried)) goto failed;
    while (to.port->alive && to.kind == MACH_MSG_TYPE_MOVE_SEND && (to.port->queued >= QUEUE_LIMIT || no_room)) {
        if (!no_room && waits && pthread_cond_timedwait(&double_changed, &double_lock, end) == 0) continue;
        no_room = 0;
        write_rights(header, to, message->reply, message->carried); /* it comes back */
        free(message);
        return MACH_SEND_TIMED_OUT;
    }
    memcpy(message->bytes, header, bytes);
    message->size = bytes;
    message->pid = (uint32_t)sender;
    message->uid = sender_user;
    if (to.port->alive) {
        put(to.port, message);
        if (to.kind == MACH_MSG_TYPE_MOVE_SEND) drop_sender(to.port);
        return MACH_MSG_SUCCESS;
    }
    free_right(message->reply);
    free_right(message->carried);
    free(message);
    return MACH_MSG_SUCCESS;
failed:
    if (to.port) free_right(to);
    free(message);
    return result;
}

static struct port *port_with_message(const struct entry *entry, mach_port_t name) {
    if (entry->receive) return entry->port->first ? entry->port : NULL;
    for (struct port *port = double_ports; port; port = port->next) {
        if (port->alive && port->set == name && port->first) return port;
    }
    return NULL;
}

static int receive(mach_msg_header_t *header, uint32_t room, mach_port_t from, const struct timespec *end, bool waits) {
    const struct entry *entry = &entries[from];
    struct port *port;
    while (entry->used && (entry->receive || entry->is_set) && !(port = port_with_message(entry, from))) {
        if (!waits || pthread_cond_timedwait(&double_changed, &double_lock, end) != 0) return MACH_RCV_TIMED_OUT;
    }
    if (!entry->used || (!entry->receive && !entry->is_set)) return MACH_RCV_INVALID_NAME;
    struct message *message = port->first;
    mach_msg_audit_trailer_t trailer = {.msgh_trailer_size = sizeof trailer, .msgh_audit.val = {[1] = message->uid, [5] = message->pid}};
    port->first = message->next;
    if (!port->first) port->last = &port->first;
    port->queued--;
    double_waiting--;
    pthread_cond_broadcast(&double_changed);
    bool fits = message->size + sizeof trailer <= room;
    if (fits) {
        memcpy(header, message->bytes, message->size);
        header->msgh_size = message->size;
        write_rights(header, message->reply, (struct right){0}, message->carried);
        header->msgh_local_port = port->name;
        memcpy((uint8_t *)header + round_msg(message->size), &trailer, sizeof trailer);
    } else {
        free_right(message->reply);
        free_right(message->carried);
    }
    free(message);
    return fits ? MACH_MSG_SUCCESS : MACH_RCV_TOO_LARGE;
}

mach_msg_return_t mach_msg(mach_msg_header_t *header, int options, uint32_t send_bytes, uint32_t receive_bytes,
                           mach_port_t from, mach_msg_timeout_t limit_ms, mach_port_t notify) {
    struct timespec end;
    (void)notify;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += limit_ms / 1000;
    end.tv_nsec += (long)(limit_ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&double_lock);
    if (options & MACH_SEND_MSG) return leave(send(header, send_bytes, &end, limit_ms > 0));
    return leave(receive(header, receive_bytes, from, &end, limit_ms > 0));
}

/* ---- kqueue ------------------------------------------------------------------------------- */

int kqueue(void) {
    pthread_mutex_lock(&double_lock);
    int fd = eventfd(0, EFD_CLOEXEC);
    for (int i = 0; i < QUEUES; i++) {
        if (queues[i].fd) continue;
        queues[i] = (struct queue){.fd = fd};
        break;
    }
    return leave(fd);
}

int mach_double_close(int descriptor) {
    pthread_mutex_lock(&double_lock);
    for (int i = 0; i < QUEUES; i++) {
        if (queues[i].fd == descriptor) queues[i].fd = 0;
    }
    return leave(close(descriptor));
}

static bool has_ended(pid_t pid) {
    for (int i = 0; i < ended_count; i++) {
        if (ended[i] == pid) return true;
    }
    return false;
}

/* Takes a process off the list. False: it is not there. */
static bool unwatch(struct queue *queue, pid_t pid) {
    for (int i = 0; i < queue->count; i++) {
        if (queue->watched[i] != pid) continue;
        queue->watched[i] = queue->watched[--queue->count];
        return true;
    }
    return false;
}

static int apply(struct queue *queue, const struct kevent *change) {
    pid_t pid = (pid_t)change->ident;
    errno = 0;
    if (change->filter == EVFILT_USER && (change->fflags & NOTE_TRIGGER)) queue->stop = true;
    if (change->filter == EVFILT_MACHPORT) queue->set = (mach_port_t)change->ident;
    if (change->filter == EVFILT_PROC && (change->flags & EV_DELETE) && !unwatch(queue, pid)) errno = ENOENT;
    if (change->filter == EVFILT_PROC && (change->flags & EV_ADD)) {
        unwatch(queue, pid);
        if (has_ended(pid)) errno = ESRCH;
        else queue->watched[queue->count++] = pid;
    }
    pthread_cond_broadcast(&double_changed);
    return errno ? -1 : 0;
}

/* The next event, or false. */
static bool next(struct queue *queue, struct kevent *event) {
    *event = (struct kevent){.filter = EVFILT_USER};
    if (queue->stop) {
        queue->stop = false;
        return true;
    }
    for (int i = 0; i < queue->count; i++) {
        if (!has_ended(queue->watched[i])) continue;
        *event = (struct kevent){.ident = (uintptr_t)queue->watched[i], .filter = EVFILT_PROC};
        return unwatch(queue, (pid_t)event->ident);
    }
    *event = (struct kevent){.ident = queue->set, .filter = EVFILT_MACHPORT};
    return entries[queue->set].used && port_with_message(&entries[queue->set], queue->set);
}

int kevent(int fd, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
           const struct timespec *limit) {
    (void)limit;
    (void)event_count;
    struct queue *queue = queues;
    pthread_mutex_lock(&double_lock);
    while (queue->fd != fd) queue++;
    if (change_count > 0) return leave(apply(queue, changes));
    while (!next(queue, events)) pthread_cond_wait(&double_changed, &double_lock);
    return leave(1);
}

/* ---- control ------------------------------------------------------------------------------ */

pid_t mach_double_pid(void) { return process; }

void mach_double_become(pid_t pid, uid_t uid) {
    sender = process = pid;
    sender_user = uid;
}

void mach_double_speak_as(pid_t pid) { sender = pid; }

void mach_double_end(pid_t pid) {
    pthread_mutex_lock(&double_lock);
    ended[ended_count++] = pid;
    pthread_cond_broadcast(&double_changed);
    leave(0);
}

void mach_double_fork(void) {
    pthread_mutex_lock(&double_lock);
    for (int i = 1; i < SLOTS; i++) {
        struct port *port = double_slots[i];
        double_slots[i] = NULL;
        if (port) drop_sender(port);
    }
    leave(0);
}

void mach_double_no_room(void) {
    pthread_mutex_lock(&double_lock);
    no_room = 1;
    leave(0);
}

int mach_double_names(void) {
    int count = 0;
    pthread_mutex_lock(&double_lock);
    for (int i = 0; i < NAMES; i++) count += entries[i].used;
    return leave(count);
}

int mach_double_watched(void) {
    int count = 0;
    pthread_mutex_lock(&double_lock);
    for (int i = 0; i < QUEUES; i++) count += queues[i].fd ? queues[i].count : 0;
    return leave(count);
}

int mach_double_waiting(void) {
    pthread_mutex_lock(&double_lock);
    return leave(double_waiting);
}

int mach_double_breaches(void) {
    pthread_mutex_lock(&double_lock);
    int count = double_breaches;
    double_breaches = 0;
    return leave(count);
}
