/*
 * server.h: the server of a bootstrap: a registry, the channels of its children, and a thread that answers them.
 *
 * Each system has its own: server_linux.c, server_macos.c. The thread needs nothing of the rest of this
 * process, so children are answered also while its event loop is busy.
 */
#ifndef BOOT_SERVER_H
#define BOOT_SERVER_H

#include "registry.h"

struct boot_server;

enum boot_event {
    BOOT_EVENT_REGISTERED = 1, /* the name is served now, by the process */
    BOOT_EVENT_GONE = 2,       /* it is not any more */
    BOOT_EVENT_WANTED = 3      /* a declared service is to be started: boot_server_ended tells when it has ended */
};

struct boot_server_options {
    /*
     * Called on the server's thread, or on one that registers a name, under the server's lock: it must not
     * call the server. Returns whether the event was kept. A WANTED that was not is told again when the next asks.
     */
    bool (*tell)(void *context, enum boot_event event, int32_t pid, const char *name);
    void *context;
    /*
     * Connects to a right for a process, and writes the right of the new connection. Returns a BOOT_ code:
     * DONE; BUSY: its server takes none now; UNKNOWN_SERVICE: it is gone; NO_MEMORY. Never blocks.
     */
    int32_t (*connect)(boot_right service, int32_t pid, boot_right *connection);
    /* A name that is unknown here is not asked for in the bootstrap that this process is in itself, and not in the directory of services. */
    bool isolated;
};

/* Starts a server. NULL with errno on failure. */
struct boot_server *boot_server_start(const struct boot_server_options *options);
/* Ends it: channels are closed, names forgotten. What was connected goes on. */
void boot_server_stop(struct boot_server *server);

/* Registers a name of this process. Consumes the right, even on failure. Returns a BOOT_ code. */
int32_t boot_server_register(struct boot_server *server, const char *name, boot_right right);
/*
 * Writes a right to the server of the name, which the caller owns. Returns DONE, UNKNOWN_SERVICE, NO_MEMORY; or BUSY:
 * the name is declared, and BOOT_EVENT_WANTED was told unless its start has begun before.
 */
int32_t boot_server_look_up(struct boot_server *server, const char *name, boot_right *right);
int32_t boot_server_declare(struct boot_server *server, const char *name, bool declared);
/* The server of a declared name has ended or could not be started: the next who asks makes it WANTED again. */
void boot_server_ended(struct boot_server *server, const char *name);

enum { BOOT_VALUE_BYTES = 64 };
/*
 * Opens a channel for one child, and writes the value of STREAMLIB_BOOTSTRAP for its environment. Until
 * boot_server_withdraw, each process that this one starts inherits the channel, but without the variable it
 * does not use it. One child at a time: another thread waits here until then. False with errno on failure.
 */
bool boot_server_offer(struct boot_server *server, char value[BOOT_VALUE_BYTES]);
/* Without an offer it has no effect. The end of the server withdraws too. */
void boot_server_withdraw(struct boot_server *server);

#endif
