/*
 * service.h - named services: a socket file in this user's private directory.
 *
 * Each socket has a lock file, "<path>.lock", with the text "<pid>\n<service>\n". The listener
 * holds it locked with flock while it serves. The kernel releases the lock when the process ends,
 * for any reason, so a socket whose lock is free is stale.
 */
#ifndef XL_SERVICE_H
#define XL_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { XL_REASON_BYTES = 448 };

/* The claim to a name: this process serves it with a socket file that it has created. */
struct xl_claim {
    int directory; /* owned, or -1 if there is no claim */
    int lock;      /* owned */
    char file[104]; /* the name of the socket in that directory */
    struct xl_claim *next; /* in the list of this process's claims */
};

/*
 * Returns a new listening socket for the name, with the claim to its file. On failure -1 and the reason; `in_use`: another process serves the name.
 */
int xl_service_listen(const char *service, struct xl_claim *claim, bool *in_use, char reason[XL_REASON_BYTES]);
/* Removes the socket file and its lock, if the claim has any. */
void xl_claim_drop(struct xl_claim *claim);

/*
 * Returns a socket connected to the process of this user that serves the name; `server` is the
 * process that called listen. On failure -1: with `busy` if a retry may help, else with the reason.
 */
int xl_service_connect(const char *service, struct ucred *server, bool *busy, char reason[XL_REASON_BYTES]);

/* Returns a duplicate of the listening socket inherited for the name (LISTEN_FDS), or -1. */
int xl_service_inherited(const char *service);

/* The path of a service's socket, as in xpc_linux_service_path. */
struct xl_service_path {
    char text[104];
    size_t directory; /* the length of the directory's part, without the '/' */
    const char *variable; /* the variable that names the directory; NULL: none, or the name is not valid */
    size_t base;          /* the length of the variable's part, which is not made if it is missing; else 0 */
};
enum { XL_USER_RUNTIME_BYTES = 64 };
/* Whether "<users>/<uid>", which is written to `out`, is a directory of this user alone and no link. */
bool xl_user_runtime(const char *users, char out[XL_USER_RUNTIME_BYTES]);

/* Returns 0, or -1 with errno. EINVAL with `variable` set: that one is not absolute. */
int xl_service_locate(const char *service, struct xl_service_path *path);

#endif
