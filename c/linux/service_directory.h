/*
 * service_directory.h - the private directory of sockets and locks.
 */
#ifndef XL_SERVICE_DIRECTORY_H
#define XL_SERVICE_DIRECTORY_H

#include "service.h"

/*
 * Opens the directory of `path`, which must belong to this user, be closed to others, and not be a
 * symbolic link. With `create` it is created if missing, with mode 0700 whatever the umask, but not
 * the directory that XDG_RUNTIME_DIR or HOME names. On failure -1 and the reason; errno is
 * ENOENT if the directory is missing.
 */
int xl_directory_open(const struct xl_service_path *path, bool create, char reason[XL_REASON_BYTES]);

/* The name of the lock file of the socket `file`. */
struct xl_lock_name {
    char text[112];
};
struct xl_lock_name xl_lock_name(const char *file);

/*
 * Locks a file in the directory and returns its descriptor, or -1 with errno. EWOULDBLOCK: another
 * process holds it, and `holder` is its process id (0: unknown).
 */
int xl_lock_take(int directory, const char *name, bool create, pid_t *holder);

/* Writes this process and the service into its lock file. False with errno on failure. */
bool xl_lock_write(int lock, const char *service);

#endif
