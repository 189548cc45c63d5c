/*
 * stream.c: listening stream sockets, for protocols other than XPC.
 *
 * The isolate itself accepts, without waiting, so it sees each failure and sets
 * the pace. It accepts only if a descriptor is free, because macOS closes a
 * connection to which it cannot give one; on Linux the connection would wait in the
 * queue. So each listener keeps a descriptor in reserve, and closes it before each
 * accept. A thread for each listener rings a bell when there is a client to accept.
 * Deno's own accept loop is not used: it stops for good when the process has once
 * run out of descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bell.h"
#include "bootstrap/close_if_open.h"
#include "bootstrap/held.h"
#include "bootstrap/quiet_thread.h"
#include "bytes.h"
#include "object.h"
#include "platform.h"
#include "private_socket.h"
#include "queue.h"

struct stream {
    struct object object;
    struct private_socket socket;
    int bell_read;  /* -1 once taken */
    int bell_write; /* the watcher writes a byte when a client waits */
    int order_write; /* a byte makes the watcher watch, and ring once; a close ends it */
    int order_read;  /* the watcher reads from it */
    int reserve;     /* a descriptor for the next connection; -1: none was free */
    pthread_t watcher;
    bool watched;
};

static struct stream *stream_take(slb_handle handle) { return handle_take(handle, SLB_KIND_STREAM); }

/* ---- the watcher ---- */

static void *watch(void *context) {
    struct stream *stream = context;
    char order;
    while (recv(stream->order_read, &order, 1, 0) == 1) {
        struct pollfd events[] = {
            {.fd = stream->socket.descriptor, .events = POLLIN},
            {.fd = stream->order_read, .events = POLLIN},
        };
        poll(events, 2, -1);
        if (!events[1].revents) bell_ring(stream->bell_write);
    }
    return NULL;
}

/* 0 or an errno. */
static int start_watcher(struct stream *stream) {
    int why = quiet_thread_start(&stream->watcher, watch, stream);
    stream->watched = why == 0;
    return why;
}

/* ---- making and closing ---- */

static void stream_closing(struct object *object) {
    struct stream *stream = (struct stream *)object;
    close_if_open(&stream->order_write);
    if (stream->watched) pthread_join(stream->watcher, NULL);
    close_if_open(&stream->order_read);
    close_if_open(&stream->bell_write);
    close_if_open(&stream->bell_read);
    close_if_open(&stream->reserve);
    private_socket_close(&stream->socket);
}

static void stream_finalize(struct object *object) { free(object); }

static bool make_ends(struct stream *stream) {
    return bell_make(&stream->bell_read, &stream->bell_write) && bell_make(&stream->order_read, &stream->order_write) &&
           fcntl(stream->order_read, F_SETFL, 0) == 0; /* blocking: the watcher waits for orders */
}

/* Makes a listener from `socket`, which it takes over. 0 with the error set on failure. */
static slb_handle stream_handle(struct queue *queue, const struct private_socket *socket) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        struct private_socket dropped = *socket;
        private_socket_close(&dropped);
        fail(SLB_E_MEMORY, "Cannot listen: out of memory");
        return 0;
    }
    stream->socket = *socket;
    held(socket->descriptor);
    held(socket->directory);
    held(socket->lock);
    stream->bell_read = stream->bell_write = stream->order_read = stream->order_write = stream->reserve = -1;
    object_init(&stream->object, SLB_KIND_STREAM, queue, stream_closing, stream_finalize);
    int why = make_ends(stream) ? start_watcher(stream) : errno;
    if (!why) return handle_consume(&stream->object);
    object_abandon(&stream->object);
    fail(SLB_E_SYSTEM, "Cannot listen: %s", platform_thread_cause(why));
    return 0;
}

slb_handle slb_stream_listen(slb_handle queue_handle, const uint8_t *path, uint32_t length) {
    char text[4096];
    struct private_socket socket;
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    slb_handle handle = 0;
    if (!text_read(path, length, text, sizeof text)) {
        fail(SLB_E_ARGUMENT, "Cannot listen: expected the absolute path of a socket, got %u bytes that are none", length);
    } else if (private_socket_bind(text, &socket) == 0) {
        handle = stream_handle(queue, &socket);
    }
    queue_release(queue);
    return handle;
}

slb_handle slb_stream_inherited(slb_handle queue_handle, const uint8_t *service, uint32_t length) {
    char name[128];
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    slb_handle handle = 0;
    struct private_socket socket = {.descriptor = -1, .directory = -1, .lock = -1};
    if (!text_read(service, length, name, sizeof name)) {
        fail(SLB_E_ARGUMENT, "Cannot look for the socket of this service: its name has %u bytes", length);
    } else if ((socket.descriptor = platform_stream_inherited(name)) < 0) {
        if (errno == ENOENT) fail(SLB_E_ABSENT, "No service manager has passed a stream socket for '%s'", name);
        else fail(SLB_E_SYSTEM, "Cannot take the stream socket that was passed for '%s': %s", name, platform_cause(errno));
    } else {
        handle = stream_handle(queue, &socket);
    }
    queue_release(queue);
    return handle;
}

/* ---- use ---- */

int32_t slb_stream_take_bell(slb_handle handle) {
    struct stream *stream = stream_take(handle);
    if (!stream) return SLB_E_HANDLE;
    int bell = stream->bell_read;
    stream->bell_read = -1;
    object_release(&stream->object);
    return bell >= 0 ? held_give(bell) : fail(SLB_E_CLOSED, "Cannot take the bell of this listener: it was taken before");
}

static bool keep_reserve(struct stream *stream) {
    if (stream->reserve < 0) stream->reserve = held(fcntl(stream->socket.descriptor, F_DUPFD_CLOEXEC, 0));
    return stream->reserve >= 0;
}

static bool is_waited_for(const struct stream *stream) {
    struct pollfd state = {.fd = stream->socket.descriptor, .events = POLLIN};
    return poll(&state, 1, 0) > 0;
}

/* -1 with errno. Another thread may take the reserve between the close and the accept. */
static int accept_with_reserve(struct stream *stream) {
    int descriptor;
    do {
        if (!keep_reserve(stream)) {
            int why = errno;
            errno = is_waited_for(stream) ? why : EAGAIN;
            return -1;
        }
        close_if_open(&stream->reserve);
        descriptor = platform_accept(stream->socket.descriptor);
    } while (descriptor < 0 && (errno == EINTR || errno == ECONNABORTED));
    int why = errno;
    keep_reserve(stream);
    errno = why;
    return descriptor;
}

int32_t slb_stream_accept(slb_handle handle) {
    struct stream *stream = stream_take(handle);
    if (!stream) return SLB_E_HANDLE;
    int descriptor = accept_with_reserve(stream);
    int32_t result = descriptor;
    if (descriptor < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        bell_ring(stream->order_write);
        result = fail(SLB_E_AGAIN, "No client waits to be accepted; the bell rings when one does");
    } else if (descriptor < 0) {
        result = fail(SLB_E_SYSTEM, "Cannot accept a connection: %s", platform_cause(errno));
    }
    object_release(&stream->object);
    return result;
}

uint32_t slb_stream_path_copy(slb_handle handle, uint8_t *text, uint32_t capacity) {
    struct stream *stream = stream_take(handle);
    if (!stream) return 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t filled = sizeof address;
    uint32_t length = 0;
    if (getsockname(stream->socket.descriptor, (struct sockaddr *)&address, &filled) == 0) {
        /* The path may lack a terminator, and is empty if the socket has no name. */
        uint32_t most = capacity < sizeof address.sun_path ? capacity : sizeof address.sun_path;
        length = text_write(address.sun_path, text, most);
    } else {
        fail(SLB_E_SYSTEM, "Cannot say where this listener is: %s", platform_cause(errno));
    }
    object_release(&stream->object);
    return length;
}

int32_t slb_service_is_activated(const uint8_t *service, uint32_t length) {
    char name[128];
    return text_read(service, length, name, sizeof name) && platform_is_activated(name);
}
