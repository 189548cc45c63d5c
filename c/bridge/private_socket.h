/*
 * private_socket.h: a listening Unix stream socket that only this user can reach.
 *
 * Its mode is 0600, that of its directory 0700. Beside it is a lock file,
 * "<path>.lock", which contains "<pid>\n" and is locked with flock while the
 * socket is served. The lock decides who owns the path: the socket file does not,
 * because it stays behind if its broker is killed.
 */
#ifndef SLB_PRIVATE_SOCKET_H
#define SLB_PRIVATE_SOCKET_H

#include <stdint.h>

/* The longest path of a socket on macOS; used on both systems. */
#define PRIVATE_SOCKET_PATH_BYTES 103

struct private_socket {
    int descriptor; /* owned: listening, non-blocking, close-on-exec */
    int directory;  /* owned; -1 if a service manager has bound the socket, and removes it */
    int lock;       /* owned, if there is a directory */
    char file[PRIVATE_SOCKET_PATH_BYTES + 1]; /* the socket's name in the directory */
};

/* Makes the directory if necessary, takes the lock, binds and listens. Returns 0, or an SLB_E_ code with the error set. */
int32_t private_socket_bind(const char *path, struct private_socket *socket);

/* Stops listening, removes the files, then drops the lock. */
void private_socket_close(struct private_socket *socket);

/* Sets close-on-exec and non-blocking. Returns 0, or -1 with errno. */
int private_socket_set_flags(int descriptor);

#endif
