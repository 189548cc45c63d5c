/*
 * pool.c - see pool.h.
 *
 * Lock order: a connection's lock, then the pool's. The pool calls nothing with its lock held.
 */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bootstrap/close_if_open.h"
#include "bootstrap/held.h"
#include "bootstrap/quiet_thread.h"
#include "connection.h"
#include "object.h"

enum { THREADS_MAX = 64, IDLE_MS = 10000, REST_MS = 50 };

static struct {
    pthread_mutex_t lock;
    int epoll, bell, timer;
    int threads, waiting, blocked;
    struct _xpc_connection_s **by_socket;     /* the connection of each socket; not held */
    size_t by_socket_length;
    struct _xpc_connection_s *ready, **ready_end; /* held */
    struct _xpc_connection_s *resting, **resting_end; /* held, in the order in which they began to rest */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .epoll = -1,
          .bell = -1,
          .timer = -1,
          .ready_end = &pool.ready,
          .resting_end = &pool.resting};

static _Thread_local bool is_pool_thread;

static void *work(void *unused);

/* Starts a thread, unless one waits already or the limit is reached. */
static int provide_thread(void) {
    if (pool.waiting > 0 || pool.threads - pool.blocked >= THREADS_MAX) return 0;
    int why = quiet_thread_start(NULL, work, NULL);
    if (why) return why;
    pool.threads++;
    pool.waiting++; /* for the new thread, so that no second one is started */
    return 0;
}

static int watch_own(int fd) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
    return epoll_ctl(pool.epoll, EPOLL_CTL_ADD, fd, &event);
}

static int open_own(void) {
    if (pool.epoll >= 0) return 0;
    pool.epoll = held(epoll_create1(EPOLL_CLOEXEC));
    pool.bell = held(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    pool.timer = held(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (pool.epoll >= 0 && pool.bell >= 0 && pool.timer >= 0 && watch_own(pool.bell) == 0 &&
        watch_own(pool.timer) == 0) {
        return 0;
    }
    int why = errno;
    close_if_open(&pool.epoll);
    close_if_open(&pool.bell);
    close_if_open(&pool.timer);
    return why;
}

int xl_pool_start(void) {
    pthread_mutex_lock(&pool.lock);
    int why = open_own();
    if (!why && pool.threads == 0) why = provide_thread();
    pthread_mutex_unlock(&pool.lock);
    return why;
}

/* Edge-triggered: each ring wakes a thread, and the count need not be read. */
static void ring(void) {
    ssize_t ignored = write(pool.bell, &(uint64_t){1}, sizeof(uint64_t));
    (void)ignored;
}

static void append_ready(struct _xpc_connection_s *connection) {
    connection->links.ready = true;
    connection->links.next_ready = NULL;
    *pool.ready_end = connection;
    pool.ready_end = &connection->links.next_ready;
}

void xl_pool_schedule(struct _xpc_connection_s *connection) {
    pthread_mutex_lock(&pool.lock);
    if (!connection->links.ready && open_own() == 0) {
        xl_connection_hold(connection);
        append_ready(connection);
        if (pool.threads == 0) provide_thread();
        ring();
    }
    pthread_mutex_unlock(&pool.lock);
}

void xl_pool_rest(struct _xpc_connection_s *connection) {
    pthread_mutex_lock(&pool.lock);
    if (!connection->links.resting && open_own() == 0) {
        xl_connection_hold(connection);
        connection->links.resting = true;
        connection->links.next_resting = NULL;
        if (!pool.resting) {
            struct itimerspec once = {.it_value.tv_nsec = REST_MS * 1000000};
            timerfd_settime(pool.timer, 0, &once, NULL);
        }
        *pool.resting_end = connection;
        pool.resting_end = &connection->links.next_resting;
    }
    pthread_mutex_unlock(&pool.lock);
}

bool xl_pool_is_resting(struct _xpc_connection_s *connection) { return connection->links.resting; }

int xl_pool_watch(int socket, struct _xpc_connection_s *connection, uint32_t events) {
    struct epoll_event event = {.events = events | EPOLLONESHOT, .data.fd = socket};
    size_t index = (size_t)socket;
    pthread_mutex_lock(&pool.lock);
    int why = open_own();
    if (!why && index >= pool.by_socket_length) {
        size_t length = index * 2 + 16;
        struct _xpc_connection_s **moved = xl_alloc(length * sizeof(*moved));
        if (!moved) why = ENOMEM;
        if (moved && pool.by_socket_length) memcpy(moved, pool.by_socket, pool.by_socket_length * sizeof(*moved));
        if (moved) {
            free(pool.by_socket);
            pool.by_socket = moved;
            pool.by_socket_length = length;
        }
    }
    if (!why) pool.by_socket[held(socket)] = connection; /* marked now: at its first event another thread may close it */
    if (!why && epoll_ctl(pool.epoll, EPOLL_CTL_ADD, socket, &event) != 0) {
        why = errno;
        pool.by_socket[held_give(socket)] = NULL;
    }
    pthread_mutex_unlock(&pool.lock);
    return why;
}

bool xl_pool_arm(int socket, uint32_t events) {
    struct epoll_event event = {.events = events | EPOLLONESHOT, .data.fd = socket};
    return epoll_ctl(pool.epoll, EPOLL_CTL_MOD, socket, &event) == 0;
}

void xl_pool_forget(int socket) {
    pthread_mutex_lock(&pool.lock);
    epoll_ctl(pool.epoll, EPOLL_CTL_DEL, socket, NULL);
    held_give(socket);
    if ((size_t)socket < pool.by_socket_length) pool.by_socket[socket] = NULL;
    pthread_mutex_unlock(&pool.lock);
}

bool xl_pool_block(void) {
    if (!is_pool_thread) return true;
    pthread_mutex_lock(&pool.lock);
    pool.blocked++;
    provide_thread();
    bool someone = pool.threads > pool.blocked;
    if (!someone) pool.blocked--;
    pthread_mutex_unlock(&pool.lock);
    return someone;
}

void xl_pool_unblock(void) {
    if (!is_pool_thread) return;
    pthread_mutex_lock(&pool.lock);
    pool.blocked--;
    pthread_mutex_unlock(&pool.lock);
}

static struct _xpc_connection_s *take_ready(void) {
    struct _xpc_connection_s *first = pool.ready;
    if (!first) return NULL;
    pool.ready = first->links.next_ready;
    if (pool.ready) ring(); /* other threads take the rest */
    else pool.ready_end = &pool.ready;
    first->links.ready = false;
    return first;
}

static void end_rest(void) {
    while (pool.resting) {
        struct _xpc_connection_s *connection = pool.resting;
        pool.resting = connection->links.next_resting;
        connection->links.resting = false;
        if (connection->links.ready) xl_connection_drop(connection); /* the ready list already has a hold */
        else append_ready(connection);
    }
    pool.resting_end = &pool.resting;
    if (pool.ready) ring();
}

/* The connection that an event is for, held; NULL if there is none. */
static struct _xpc_connection_s *take_event(int fd) {
    if (fd == pool.bell) return take_ready();
    if (fd == pool.timer) {
        end_rest();
        return NULL;
    }
    /* If the socket was closed and its number reused, the other connection runs and finds nothing to do. */
    struct _xpc_connection_s *connection = (size_t)fd < pool.by_socket_length ? pool.by_socket[fd] : NULL;
    if (connection) xl_connection_hold(connection);
    return connection;
}

static void *work(void *unused) {
    (void)unused;
    is_pool_thread = true;
    pthread_setname_np(pthread_self(), "xpc");
    for (;;) {
        struct epoll_event event;
        int count = epoll_wait(pool.epoll, &event, 1, IDLE_MS);
        pthread_mutex_lock(&pool.lock);
        if (count == 0 && pool.waiting > 1) break;
        struct _xpc_connection_s *connection = NULL;
        if (count > 0) {
            pool.waiting--;
            connection = take_event(event.data.fd);
            if (connection) provide_thread(); /* on failure the next thread that ends its handlers waits */
            else pool.waiting++;
        }
        pthread_mutex_unlock(&pool.lock);
        if (!connection) continue;
        xl_connection_run(connection, event.data.fd);
        xl_connection_drop(connection);
        pthread_mutex_lock(&pool.lock);
        pool.waiting++;
        pthread_mutex_unlock(&pool.lock);
    }
    pool.waiting--;
    pool.threads--;
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}
