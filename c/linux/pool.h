/*
 * pool.h - the threads, and what wakes them: sockets, schedules, and a timer for retries.
 *
 * All threads wait on one epoll. A socket is armed for one event; the thread that gets it runs
 * the connection (xl_connection_run), which arms the socket again. There is always a thread
 * that waits, so a handler may take as long as it likes. Threads are started when needed, at
 * most 64 that are not blocked in a synchronous send; one that has waited 10 s for nothing
 * ends, unless it is the last. Nothing here ends with the process: a thread that still waits
 * at exit touches nothing that goes away.
 */
#ifndef XL_POOL_H
#define XL_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct _xpc_connection_s;

/* A connection's place in the pool's lists; the pool's alone. */
struct xl_pool_links {
    struct _xpc_connection_s *next_ready, *next_resting;
    bool ready;
    _Atomic bool resting; /* read without the pool's lock */
};

/* Makes sure that there is a thread. 0, or an errno. */
int xl_pool_start(void);

/* The connection is run once when one of these EPOLL events, an error, or a hang-up comes. 0, or an errno. */
int xl_pool_watch(int socket, struct _xpc_connection_s *connection, uint32_t events);
/* Once more. False if that cannot be had just now. */
bool xl_pool_arm(int socket, uint32_t events);
/* Before a socket is closed, whether it was watched or not. */
void xl_pool_forget(int socket);

/* The connection is run soon, on a thread of the pool. */
void xl_pool_schedule(struct _xpc_connection_s *connection);
/* The same, in 50 ms: the system lacked something, and asking at once would only burn time. */
void xl_pool_rest(struct _xpc_connection_s *connection);
/* Is it waiting for that? */
bool xl_pool_is_resting(struct _xpc_connection_s *connection);

/* The calling thread is about to wait for a reply. False if no thread could then receive it. */
bool xl_pool_block(void);
void xl_pool_unblock(void);

#endif
