/*
 * service_directory.h - the private directory of sockets and locks.
 */
#ifndef XL_SERVICE_DIRECTORY_H
#define XL_SERVICE_DIRECTORY_H

#include "service.h"

/*
 * The directory of `path`, opened: ours, for nobody else, no symbolic link. Made if missing
 * and `create`. -1 with the reason as text, and errno ENOENT if it is only missing.
 */
int xl_directory_open(const struct xl_service_path *path, bool create, char reason[XL_REASON_BYTES]);

/* The name of the lock beside the socket `file`. */
struct xl_lock_name {
    char text[112];
};
struct xl_lock_name xl_lock_name(const char *file);

/*
 * Locks a file in the directory; its descriptor. -1 with errno: EWOULDBLOCK if another holds
 * it, and then `holder` is that one's process id (0: unknown).
 */
int xl_lock_take(int directory, const char *name, bool create, pid_t *holder);

/* Takes the sockets of dead embedded brokers away; `except` is the caller's own lock. */
void xl_directory_sweep(int directory, const char *except);

#endif
