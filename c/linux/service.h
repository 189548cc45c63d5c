/*
 * service.h - named services: a socket file in this user's private directory.
 *
 * Beside each socket lies a lock file, "<path>.lock", holding "<pid>\n<service>\n", which its
 * listener keeps locked with flock for as long as it serves. The kernel drops that lock when
 * the process dies however it dies, so a socket whose lock is free is a left-over.
 */
#ifndef XL_SERVICE_H
#define XL_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { XL_REASON_BYTES = 320 };

/* A name that this process serves, by a socket file that it has made. */
struct xl_claim {
    int directory; /* owned, or -1 if there is no claim */
    int lock;      /* owned */
    char file[104]; /* the socket, in that directory */
};

/*
 * A listening socket for the name: the inherited one if there is one, else a new one, with the
 * claim to its file. -1 with the reason as text.
 */
int xl_service_listen(const char *service, struct xl_claim *claim, char reason[XL_REASON_BYTES]);
/* Takes the socket file and its lock away, if they are this claim's. */
void xl_claim_drop(struct xl_claim *claim);

/*
 * A socket connected to whoever serves the name, of this user, with `server` saying who began
 * to listen; -1 with `busy` if it is worth another try in a while, else with the reason.
 */
int xl_service_connect(const char *service, struct ucred *server, bool *busy, char reason[XL_REASON_BYTES]);

/* The listening socket that this process inherited for the name (LISTEN_FDS), duplicated; or -1. */
int xl_service_inherited(const char *service);

/* The path of a service's socket, as in xpc_linux_service_path. */
struct xl_service_path {
    char text[104];
    size_t directory; /* how much of it is the directory, without the '/' */
};
/* 0, or -1 with errno. */
int xl_service_locate(const char *service, struct xl_service_path *path);

#endif
