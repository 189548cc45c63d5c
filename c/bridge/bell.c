/* bell.c: see bell.h. */
#include "bell.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bootstrap/held.h"
#include "private_socket.h"
#include "streamlib_bridge.h"

/*
 * O_NONBLOCK is not enough for a bell that a peer has made: it belongs to the open file, which the peer shares and can
 * change. This is for one call.
 */
#ifdef __APPLE__
#define MSG_NBIO 0x20000 /* of xnu's socket_private.h; MSG_DONTWAIT alone does not keep sosendcheck from waiting for room */
#define AT_ONCE (MSG_DONTWAIT | MSG_NBIO | MSG_NOSIGNAL)
#else
#define AT_ONCE (MSG_DONTWAIT | MSG_NOSIGNAL)
#endif

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
    *read_end = held(ends[0]);
    *write_end = held(ends[1]);
    return true;
}

/* Whether it is the address of a Unix socket that has no name. */
static bool is_unnamed(const struct sockaddr_un *address, socklen_t length) {
    if (length < sizeof address->sun_family || address->sun_family != AF_UNIX) return false;
    for (size_t at = offsetof(struct sockaddr_un, sun_path); at < length && at < sizeof *address; at++) {
        if (((const char *)address)[at]) return false;
    }
    return true;
}

const char *bell_problem(int write_end) {
    int type = 0;
    socklen_t type_length = sizeof type;
    struct sockaddr_un own = {.sun_path = ""}, peer = {.sun_path = ""};
    socklen_t own_length = sizeof own, peer_length = sizeof peer;
    if (getsockopt(write_end, SOL_SOCKET, SO_TYPE, &type, &type_length) != 0) return "it is no socket";
    if (type != SOCK_STREAM) return "it is no stream socket";
    if (getsockname(write_end, (struct sockaddr *)&own, &own_length) != 0 || !is_unnamed(&own, own_length))
        return "it is no Unix socket without a name";
    if (getpeername(write_end, (struct sockaddr *)&peer, &peer_length) != 0 || !is_unnamed(&peer, peer_length))
        return "it is not connected to a Unix socket without a name";
    return set_no_signal(write_end) == 0 ? NULL : "SO_NOSIGPIPE cannot be set";
}

void bell_ring(int write_end) {
    /* If the buffer is full, unread rings are there already, so a lost one does no harm. */
    send(write_end, "", 1, AT_ONCE);
}

bool bell_read(int read_end) {
    char rings[512];
    return recv(read_end, rings, sizeof rings, MSG_DONTWAIT) != 0;
}

/* The milliseconds until then, rounded up; as many as poll takes. */
static int milliseconds_until(uint64_t deadline) {
    uint64_t now = slb_now_ns();
    uint64_t left = deadline > now ? (deadline - now + 999999) / 1000000 : 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

int bell_poll(struct pollfd *read_ends, unsigned count, uint64_t deadline) {
    int found;
    do found = poll(read_ends, count, milliseconds_until(deadline));
    while (found == 0 && slb_now_ns() < deadline);
    return found;
}
