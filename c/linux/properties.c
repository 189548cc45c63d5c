/*
 * properties.c - what a connection is: its name, the identity of the other side, the program's context, and
 * why it is invalid.
 */
#include <errno.h>
#include <string.h>

#include "connection.h"
#include "misuse.h"

const char *xpc_connection_get_name(xpc_connection_t connection) {
    xl_require_connection(connection, "xpc_connection_get_name");
    return connection->name;
}

static struct ucred get_other(xpc_connection_t connection, const char *function) {
    xl_require_connection(connection, function);
    pthread_mutex_lock(&connection->lock);
    struct ucred other = connection->other;
    pthread_mutex_unlock(&connection->lock);
    return other;
}

uid_t xpc_connection_get_euid(xpc_connection_t connection) { return get_other(connection, "xpc_connection_get_euid").uid; }
gid_t xpc_connection_get_egid(xpc_connection_t connection) { return get_other(connection, "xpc_connection_get_egid").gid; }
pid_t xpc_connection_get_pid(xpc_connection_t connection) { return get_other(connection, "xpc_connection_get_pid").pid; }

au_asid_t xpc_connection_get_asid(xpc_connection_t connection) {
    xl_require_connection(connection, "xpc_connection_get_asid");
    return 0;
}

int xpc_connection_set_peer_code_signing_requirement(xpc_connection_t connection, const char *requirement) {
    xl_require_connection(connection, "xpc_connection_set_peer_code_signing_requirement");
    pthread_mutex_lock(&connection->lock);
    bool again = connection->has_requirement;
    connection->has_requirement = true;
    pthread_mutex_unlock(&connection->lock);
    if (again) {
        xl_misuse("xpc_connection_set_peer_code_signing_requirement", "the connection has a requirement already",
                  "call it once for each connection");
    }
    (void)requirement;
    return ENOTSUP;
}

void xpc_connection_set_context(xpc_connection_t connection, void *context) {
    xl_require_connection(connection, "xpc_connection_set_context");
    pthread_mutex_lock(&connection->lock);
    connection->context = context;
    pthread_mutex_unlock(&connection->lock);
}

void *xpc_connection_get_context(xpc_connection_t connection) {
    xl_require_connection(connection, "xpc_connection_get_context");
    pthread_mutex_lock(&connection->lock);
    void *context = connection->context;
    pthread_mutex_unlock(&connection->lock);
    return context;
}

void xpc_connection_set_finalizer_f(xpc_connection_t connection, xpc_finalizer_t finalizer) {
    xl_require_connection(connection, "xpc_connection_set_finalizer_f");
    pthread_mutex_lock(&connection->lock);
    connection->finalizer = finalizer;
    pthread_mutex_unlock(&connection->lock);
}

char *xpc_connection_copy_invalidation_reason(xpc_connection_t connection) {
    xl_require_connection(connection, "xpc_connection_copy_invalidation_reason");
    pthread_mutex_lock(&connection->lock);
    char *reason = connection->state == XL_INVALID ? strdup(connection->reason) : NULL;
    pthread_mutex_unlock(&connection->lock);
    return reason;
}

int xpc_linux_invalidation_errno(xpc_connection_t connection) {
    pthread_mutex_lock(&connection->lock);
    int reason = connection->reason_errno;
    pthread_mutex_unlock(&connection->lock);
    return reason;
}

bool xpc_linux_get_goodbye(xpc_connection_t connection, struct xpc_linux_goodbye *out) {
    pthread_mutex_lock(&connection->lock);
    *out = connection->goodbye;
    pthread_mutex_unlock(&connection->lock);
    return out->why != 0;
}
