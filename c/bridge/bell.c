/* bell.c: see bell.h. */
#include "bell.h"

#include <sys/socket.h>
#include <unistd.h>

#include "private_socket.h"

/* Older versions of macOS lack MSG_NOSIGNAL: there the socket needs this option. */
static int set_no_signal(int descriptor) {
#ifdef SO_NOSIGPIPE
    int on = 1;
    return setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#else
    (void)descriptor;
    return 0;
#endif
}

bool bell_make(int *read_end, int *write_end) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return false;
    if (private_socket_set_flags(ends[0]) != 0 || private_socket_set_flags(ends[1]) != 0 || set_no_signal(ends[1]) != 0) {
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    *read_end = ends[0];
    *write_end = ends[1];
    return true;
}

void bell_ring(int write_end) {
    /* If the buffer is full, unread rings are there already, so a lost one does no harm. */
    send(write_end, "", 1, MSG_NOSIGNAL);
}
