/*
 * private_socket.h: a listening Unix stream socket that only this user reaches.
 *
 * It has mode 0600, in a directory of mode 0700. Beside it lies a lock file,
 * "<path>.lock" with "<pid>\n" in it, locked by flock for as long as it is
 * served. The lock says whose the path is, not the socket file: a kill leaves
 * that behind, and a bind cannot tell a dead broker's from a living one's.
 */
#ifndef SLB_PRIVATE_SOCKET_H
#define SLB_PRIVATE_SOCKET_H

#include <stdint.h>

/* The longest path of a socket on macOS, and so on both systems. */
#define PRIVATE_SOCKET_PATH_BYTES 103

struct private_socket {
    int descriptor; /* owned: listening, non-blocking, close-on-exec */
    int directory;  /* owned; -1 for one that a service manager has bound, and removes */
    int lock;       /* owned, with the directory */
    char file[PRIVATE_SOCKET_PATH_BYTES + 1]; /* in the directory */
};

/* Makes the directory if need be, takes the lock, binds and listens. 0, or an SLB_E_ code with the error set. */
int32_t private_socket_bind(const char *path, struct private_socket *socket);

/* Stops listening, takes the files away, and last lets go of the lock. */
void private_socket_close(struct private_socket *socket);

/* Sets close-on-exec and non-blocking. 0, or -1 with errno. */
int private_socket_set_flags(int descriptor);

#endif
