/*
 * bootstrap.c - see bootstrap.h.
 */
#include "bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bootstrap/channel.h"
#include "bootstrap/held.h"
#include "carrier.h"
#include "exhaustion.h"

#define ENDED "the bootstrap that has started this process, or one above it, has ended"

/* ---- clients ---------------------------------------------------------------------------- */

static void stop_look_up(xpc_connection_t connection) {
    xl_pool_forget(connection->look_up);
    close(connection->look_up);
    connection->look_up = -1;
}

/* Asks for the name. The answer makes the pool run the connection. */
static void ask(xpc_connection_t connection, const struct boot_request *request) {
    int reply = boot_channel_ask(request, BOOT_NO_RIGHT);
    int why = reply < 0 ? errno : xl_pool_watch(reply, connection, EPOLLIN);
    if (!why) {
        connection->look_up = reply;
        return;
    }
    if (reply >= 0) close(reply);
    if (why == EPIPE) xl_connection_invalidate(connection, 0, XL_INVALID_ERROR, ENDED);
    else xl_pool_rest(connection); /* it takes no request now, or this process lacks a descriptor */
}

static void take_connection(xpc_connection_t connection, int socket) {
    if (xl_is_seqpacket(socket) && xl_socket_identify(socket) == 0) {
        xl_connection_adopt(connection, socket, 0);
        return;
    }
    close(socket);
    xl_connection_invalidate(connection, EBADMSG, XL_INVALID_ERROR, "the bootstrap has sent what is no connection");
}

/* Acts on the answer. False: the name is not known there. */
static bool take_answer(xpc_connection_t connection, int32_t code, boot_right right) {
    if (right != BOOT_NO_RIGHT) {
        take_connection(connection, (int)right);
    } else if (code == BOOT_BUSY) {
        xl_pool_rest(connection);
    } else if (code != BOOT_UNKNOWN_SERVICE) {
        xl_connection_invalidate(connection, 0, XL_INVALID_ERROR, "the bootstrap refuses to look '%.127s' up: %s (%d)",
                                 connection->name, boot_code_text(code), (int)code);
    } else if (boot_channel_is_isolated()) {
        xl_connection_invalidate(connection, 0, XL_INVALID_ERROR, "no such service: nobody serves '%.127s' in the isolated tree of this process",
                                 connection->name);
    } else {
        return false;
    }
    return true;
}

static bool read_answer(xpc_connection_t connection) {
    int32_t code;
    boot_right right;
    bool answered = boot_channel_answer(connection->look_up, BOOT_LOOK_UP, &code, &right);
    int why = errno;
    if (!answered && why == EAGAIN) {
        if (xl_pool_arm(connection->look_up, EPOLLIN)) return true;
        code = BOOT_BUSY; /* the system lacks memory: asks again */
        answered = true;
    }
    stop_look_up(connection);
    if (answered) return take_answer(connection, code, right);
    xl_connection_invalidate(connection, 0, XL_INVALID_ERROR, "%s", why == EPIPE ? ENDED : "the bootstrap has sent what is no answer");
    return true;
}

bool xl_bootstrap_connect(xpc_connection_t connection) {
    struct boot_request request = {.id = BOOT_LOOK_UP};
    char why[BOOT_TEXT_BYTES];
    if (connection->look_up >= 0) return read_answer(connection);
    switch (boot_channel_look(why)) {
    case BOOT_NONE: return false;
    case BOOT_LOST: xl_connection_invalidate(connection, 0, XL_INVALID_ERROR, "%s", why); return true;
    case BOOT_PRESENT: break;
    }
    if (!boot_name_copy(connection->name, strlen(connection->name), request.name)) {
        return take_answer(connection, BOOT_UNKNOWN_SERVICE, BOOT_NO_RIGHT);
    }
    ask(connection, &request);
    return true;
}

/* ---- listeners -------------------------------------------------------------------------- */

/* The number of a listener's socket: above those of its connections. */
enum { LISTENER_LEAST = 512 };

/*
 * Moves a listener's socket to a high number; if that is not possible it stays. When a process dies, Linux closes
 * what has the highest number first. So the bootstrap sees that the listener has gone before any client sees
 * that its connection has: a client that asks again at once is not connected to a service that is dying.
 */
static int move_up(int socket) {
    int high = fcntl(socket, F_DUPFD_CLOEXEC, LISTENER_LEAST);
    if (high < 0) return socket;
    close(socket);
    return high;
}

/* Registers the name with one end of a new pair; the other receives the connections. */
static void serve(xpc_connection_t listener, int ends[2]) {
    int32_t code = boot_channel_register(listener->name, ends[1]);
    int why = code == -1 ? errno : 0;
    if (code == BOOT_DONE && xl_connection_adopt(listener, ends[0], 0)) {
        listener->endpoint = held(ends[1]); /* kept, so that the listener survives its bootstrap */
        listener->registered = true;
        return;
    }
    if (code != BOOT_DONE) close(ends[0]);
    close(ends[1]);
    if (code == BOOT_DONE) return; /* the reason is known */
    const char *text = code != -1         ? boot_code_text(code)
                       : why == EPIPE     ? ENDED
                       : why == ETIMEDOUT ? "it has not answered in time"
                                          : xl_cause(why);
    xl_connection_invalidate(listener, code == BOOT_NAME_IN_USE ? EADDRINUSE : why == EPIPE || why == ETIMEDOUT ? 0 : why,
                             XL_INVALID_ERROR, "the bootstrap does not register the name: %s", text);
}

bool xl_bootstrap_listen(xpc_connection_t listener) {
    char why[BOOT_TEXT_BYTES], name[BOOT_NAME_BYTES];
    int ends[2];
    switch (boot_channel_look(why)) {
    case BOOT_NONE: return false;
    case BOOT_LOST: xl_connection_invalidate(listener, 0, XL_INVALID_ERROR, "%s", why); return true;
    case BOOT_PRESENT: break;
    }
    if (!boot_name_copy(listener->name, strlen(listener->name), name)) {
        xl_connection_invalidate(listener, 0, XL_INVALID_ERROR, "no service can have a name of %zu bytes: expected 1 to %d",
                                 strlen(listener->name), BOOT_NAME_BYTES - 1);
    } else if (xl_socket_pair(ends) != 0) {
        xl_connection_invalidate(listener, errno, XL_INVALID_ERROR, "cannot make a listener: %s", xl_cause(errno));
    } else {
        ends[0] = move_up(ends[0]);
        serve(listener, ends);
    }
    return true;
}
