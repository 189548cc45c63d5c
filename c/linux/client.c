/*
 * client.c - connects clients to the other side, and handles its loss.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "as_macos.h"
#include "bootstrap.h"
#include "carrier.h"
#include "connection.h"
#include "exhaustion.h"

static void connect_by_name(xpc_connection_t connection) {
    char reason[XL_REASON_BYTES];
    bool busy;
    if (xl_bootstrap_connect(connection)) return;
    int fd = xl_service_connect(connection->name, &connection->other, &busy, reason);
    if (fd >= 0) xl_connection_adopt(connection, fd, 0);
    else if (busy) xl_pool_rest(connection);
    else xl_connection_invalidate(connection, 0, XL_INVALID_ERROR, "%s", reason);
}

/*
 * The endpoint is a send right to the listener. The connection keeps a duplicate, the lifeline,
 * which hangs up when the listener is cancelled or dies. Then this connection ends too, even if
 * its peer still exists (see Apple's header on xpc_connection_create_from_endpoint).
 */
static void connect_to_endpoint(xpc_connection_t connection) {
    int socket;
    int failure = xpc_linux_endpoint_connect(connection->target->fd, 0, &socket);
    if (failure == EAGAIN) {
        xl_pool_rest(connection);
    } else if (failure == EPIPE) {
        xl_connection_invalidate(connection, 0, XL_INVALID_ERROR, "the endpoint's listener was cancelled or has died");
    } else if (failure) {
        xl_connection_invalidate(connection, failure, XL_INVALID_ERROR, "cannot connect to the endpoint: %s",
                                 xl_cause(failure));
    } else if (xl_connection_adopt(connection, socket, 0)) {
        int lifeline = xl_fd_dup(connection->target->fd);
        int why = lifeline < 0 ? errno : xl_pool_watch(lifeline, connection, 0);
        if (!why) {
            connection->lifeline = lifeline;
            return;
        }
        if (lifeline >= 0) close(lifeline);
        xl_connection_invalidate(connection, why, XL_INVALID_ERROR, "cannot watch the endpoint: %s", xl_cause(why));
    }
}

void xl_client_connect(xpc_connection_t connection) {
    if (!connection->wanted || xl_pool_is_resting(connection)) return;
    if (connection->role == XL_NAMED_CLIENT) connect_by_name(connection);
    if (connection->role == XL_ENDPOINT_CLIENT) connect_to_endpoint(connection);
}

void xl_connection_tell_interrupted(xpc_connection_t connection) {
    if (!connection->interrupted_queued) xl_items_append(&connection->inbox, &connection->interrupted);
    connection->interrupted_queued = true;
}

static void close_watched(int *socket) {
    if (*socket < 0) return;
    xl_pool_forget(*socket);
    close(*socket);
    *socket = -1;
}

/* The client stays usable: its next send connects again. */
static void interrupt(xpc_connection_t connection) {
    close_watched(&connection->socket);
    close_watched(&connection->lifeline);
    connection->listener_gone = false;
    connection->in_flight = 0;
    xl_connection_end_wait(connection);
    connection->wanted = false;
    connection->identified = false;
    connection->other = (struct ucred){.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
    xl_outbox_unwind(connection, XL_INTERRUPTED);
    xl_connection_tell_interrupted(connection);
}

/* The reason's code, as an errno value of this system. */
static int goodbye_errno(const struct xl_packet *goodbye) {
    if (goodbye->header.id == XL_GOODBYE_REFUSED) return EBADMSG;
    return goodbye->header.id == XL_GOODBYE_FULL ? EXFULL : ENOMEM;
}

void xl_connection_lost(xpc_connection_t connection, const struct xl_packet *goodbye) {
    struct xpc_linux_goodbye *said = &connection->goodbye;
    *said = (struct xpc_linux_goodbye){0};
    if (goodbye) {
        said->why = goodbye_errno(goodbye);
        strcpy(said->reason, goodbye->text);
    }
    bool reusable = connection->role == XL_NAMED_CLIENT || (connection->role == XL_ENDPOINT_CLIENT && xl_as_macos());
    if (reusable) {
        interrupt(connection);
    } else if (goodbye) {
        xl_connection_invalidate(connection, 0, XL_INTERRUPTED, "the other side has ended the connection, and says: %s", said->reason);
    } else if (connection->listener_gone) {
        xl_connection_invalidate(connection, 0, XL_INTERRUPTED, "the endpoint's listener was cancelled or has died");
    } else {
        xl_connection_invalidate(connection, 0, XL_INTERRUPTED, "the other side has closed the connection or died");
    }
}
