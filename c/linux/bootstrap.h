/*
 * bootstrap.h - names through the bootstrap that this process has inherited a channel to (c/bootstrap).
 *
 * A name is looked for in three places: sockets of a service manager (LISTEN_FDS), the bootstrap, the
 * directory of services. A listener in a bootstrap does not use the directory, and a channel that is lost
 * is an error, so that two trees with the same names never meet.
 */
#ifndef XL_BOOTSTRAP_H
#define XL_BOOTSTRAP_H

#include "connection.h"

/*
 * With the connection's lock held. Asks for the name of a client, or reads the answer. Never blocks. False: there is
 * no bootstrap, or it does not know the name and the directory may.
 */
bool xl_bootstrap_connect(xpc_connection_t connection);

/* With the listener's lock held. Registers its name; waits for the answer. False: there is no bootstrap. */
bool xl_bootstrap_listen(xpc_connection_t listener);

#endif
