/*
 * channels_macos.h: what the server of a bootstrap waits for on macOS: messages of its channels, the kernel's
 * notifications, and the end of processes, on one kqueue.
 *
 * A channel is a receive right; the child has registered a send right to it (registered_macos.h), and so have all
 * processes that it starts. It is closed when none of them is left.
 */
#ifndef BOOT_CHANNELS_MACOS_H
#define BOOT_CHANNELS_MACOS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "messages_macos.h"

struct boot_mach_channel {
    uint32_t number;
    mach_port_t port; /* owned, a receive right */
};

struct boot_channels {
    int queue;          /* a kqueue, or -1 */
    mach_port_t set;    /* of all receive rights */
    mach_port_t notify; /* where the kernel sends its notifications: nobody else has a right to it */
    struct boot_mach_channel *list;
    uint32_t count, capacity, last_number;
};

/* False with errno. */
bool boot_channels_open(struct boot_channels *channels);
/* Closes all of them. */
void boot_channels_close(struct boot_channels *channels);

/* Opens one. Returns a send right, which the caller owns; MACH_PORT_NULL with errno. */
mach_port_t boot_channels_add(struct boot_channels *channels);
/* The number of the channel with that port; 0: none. */
uint32_t boot_channels_find(const struct boot_channels *channels, mach_port_t port);
/* Closes the channel if nobody can send to it any more. */
void boot_channels_check(struct boot_channels *channels, mach_port_t port);

/* Watches a process. False: it has ended, or memory is short. */
bool boot_channels_watch(const struct boot_channels *channels, pid_t pid);
void boot_channels_unwatch(const struct boot_channels *channels, pid_t pid);

/* Makes boot_channels_wait return BOOT_WOKE_STOP. */
void boot_channels_stop(const struct boot_channels *channels);

enum boot_woke { BOOT_WOKE_NOTHING, BOOT_WOKE_STOP, BOOT_WOKE_MESSAGE, BOOT_WOKE_ENDED };
/* Waits. ENDED: the process `pid` has. Another thread may add meanwhile. */
enum boot_woke boot_channels_wait(const struct boot_channels *channels, pid_t *pid);

#endif
