/*
 * pool.h - the threads, and what wakes them: sockets, schedules, and a timer for retries.
 *
 * All threads wait on one epoll. A socket is armed for one event; the thread that gets it runs
 * the connection (xl_connection_run), which arms the socket again. One thread always waits, so a
 * handler may take any time. Threads are started when needed, at most 64 besides those blocked in
 * a synchronous send; a thread ends after 10 s without an event, unless it is the last. The pool
 * is not shut down at exit: waiting threads use nothing that exit destroys.
 */
#ifndef XL_POOL_H
#define XL_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct _xpc_connection_s;

/* A connection's place in the pool's lists. Only the pool uses it. */
struct xl_pool_links {
    struct _xpc_connection_s *next_ready, *next_resting;
    bool ready;
    _Atomic bool resting; /* read without the pool's lock */
};

/* Ensures that a thread runs. Returns 0 or an errno. */
int xl_pool_start(void);

/* Runs the connection once at one of these EPOLL events, an error or a hang-up. Returns 0 or an errno. */
int xl_pool_watch(int socket, struct _xpc_connection_s *connection, uint32_t events);
/* Watches once more. False if the system lacks memory for it. */
bool xl_pool_arm(int socket, uint32_t events);
/* Must be called before a socket is closed, watched or not. */
void xl_pool_forget(int socket);

/* Runs the connection soon, on a thread of the pool. */
void xl_pool_schedule(struct _xpc_connection_s *connection);
/* The same after 50 ms: for retries when the system lacks a resource. */
void xl_pool_rest(struct _xpc_connection_s *connection);
/* Whether it waits for that. */
bool xl_pool_is_resting(struct _xpc_connection_s *connection);

/* The calling thread will wait for a reply. False if no thread is left to receive it. */
bool xl_pool_block(void);
void xl_pool_unblock(void);

#endif
