/*
 * watches_linux.h: the descriptors that the server of a bootstrap waits for, on one epoll.
 *
 * One event at a time is taken, so none can be of a descriptor that the server's thread has closed since. A descriptor is removed
 * from epoll before it is closed: a copy of it in another process would keep it there.
 */
#ifndef BOOT_WATCHES_LINUX_H
#define BOOT_WATCHES_LINUX_H

#include <stdbool.h>
#include <stdint.h>

enum boot_watch_kind { BOOT_WATCH_STOP, BOOT_WATCH_CHANNEL, BOOT_WATCH_RIGHT, BOOT_WATCH_PROCESS };

struct boot_watched {
    enum boot_watch_kind kind;
    int fd;           /* owned */
    uint32_t channel; /* of a CHANNEL: its number */
    int32_t pid;      /* of a PROCESS, whose pidfd it is */
};

struct boot_watches {
    int epoll; /* owned, or -1 */
    struct boot_watched *list;
    uint32_t count, capacity;
};

/* False with errno. */
bool boot_watches_open(struct boot_watches *watches);
/* Closes all of them. */
void boot_watches_close(struct boot_watches *watches);

/* Watches for these EPOLL events, an error or a hang-up. Consumes the descriptor, even on failure: false with errno. */
bool boot_watches_add(struct boot_watches *watches, struct boot_watched watched, uint32_t events);
/* Closes it. NULL has no effect. */
void boot_watches_remove(struct boot_watches *watches, struct boot_watched *watched);

/* Both NULL if there is none; valid until the next change. */
struct boot_watched *boot_watches_find(struct boot_watches *watches, int fd);
struct boot_watched *boot_watches_process(struct boot_watches *watches, int32_t pid);

/* Whether there is one of these POLL events now, an error or a hang-up. */
bool boot_is_ready(int fd, short events);
/* Waits. Returns the descriptor that is ready, or -1. Another thread may add meanwhile. */
int boot_watches_wait(const struct boot_watches *watches);

#endif
