/* channels_macos.c: see channels_macos.h. */
#include "channels_macos.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/event.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 8, STOP = 1 };

static int change(int queue, uintptr_t ident, int16_t filter, uint16_t flags, uint32_t details) {
    struct kevent change;
    EV_SET(&change, ident, filter, flags, details, 0, NULL);
    return kevent(queue, &change, 1, NULL, 0, NULL);
}

/* Makes a port whose messages are waited for. */
static mach_port_t add_port(const struct boot_channels *channels) {
    mach_port_t port = boot_mach_make();
    if (port == MACH_PORT_NULL || mach_port_insert_member(mach_task_self(), port, channels->set) == KERN_SUCCESS) return port;
    boot_mach_drop(port);
    boot_mach_close(port);
    return MACH_PORT_NULL;
}

/* The port for notifications has no send right: the kernel makes its own right to it. */
static bool make_ports(struct boot_channels *channels) {
    if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &channels->set) != KERN_SUCCESS) return false;
    channels->notify = add_port(channels);
    boot_mach_drop(channels->notify);
    return channels->notify != MACH_PORT_NULL;
}

bool boot_channels_open(struct boot_channels *channels) {
    *channels = (struct boot_channels){.queue = kqueue()};
    if (channels->queue < 0) return false;
    int failed = change(channels->queue, STOP, EVFILT_USER, EV_ADD | EV_CLEAR, 0);
    int why = errno;
    if (!failed && !make_ports(channels)) {
        failed = -1;
        why = ENOMEM;
    }
    if (!failed) {
        failed = change(channels->queue, channels->set, EVFILT_MACHPORT, EV_ADD, 0);
        why = errno;
    }
    if (!failed) return true;
    boot_channels_close(channels);
    errno = why;
    return false;
}

void boot_channels_close(struct boot_channels *channels) {
    for (uint32_t i = 0; i < channels->count; i++) boot_mach_close(channels->list[i].port);
    boot_mach_close(channels->notify);
    if (MACH_PORT_VALID(channels->set)) mach_port_mod_refs(mach_task_self(), channels->set, MACH_PORT_RIGHT_PORT_SET, -1);
    if (channels->queue >= 0) close(channels->queue);
    free(channels->list);
    *channels = (struct boot_channels){.queue = -1};
}

static bool make_room(struct boot_channels *channels) {
    if (channels->count < channels->capacity) return true;
    uint32_t capacity = channels->capacity ? 2 * channels->capacity : FIRST_CAPACITY;
    struct boot_mach_channel *list = realloc(channels->list, capacity * sizeof *list);
    if (!list) return false;
    channels->list = list;
    channels->capacity = capacity;
    return true;
}

mach_port_t boot_channels_add(struct boot_channels *channels) {
    mach_port_t previous = MACH_PORT_NULL;
    mach_port_t port = make_room(channels) ? add_port(channels) : MACH_PORT_NULL;
    errno = ENOMEM;
    if (port == MACH_PORT_NULL) return port;
    /* When the last send right has gone, a message on the port itself says so: see boot_channels_check. */
    if (mach_port_request_notification(mach_task_self(), port, MACH_NOTIFY_NO_SENDERS, 1, port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
                                       &previous) != KERN_SUCCESS) {
        boot_mach_drop(port);
        boot_mach_close(port);
        return MACH_PORT_NULL;
    }
    if (++channels->last_number == 0) ++channels->last_number;
    channels->list[channels->count++] = (struct boot_mach_channel){channels->last_number, port};
    return port; /* the send right has the same name */
}

uint32_t boot_channels_find(const struct boot_channels *channels, mach_port_t port) {
    for (uint32_t i = 0; i < channels->count; i++) {
        if (channels->list[i].port == port) return channels->list[i].number;
    }
    return 0;
}

/* Whoever has the channel could send a message that looks like the kernel's, so the kernel is asked. */
void boot_channels_check(struct boot_channels *channels, mach_port_t port) {
    mach_port_status_t status;
    mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
    if (mach_port_get_attributes(mach_task_self(), port, MACH_PORT_RECEIVE_STATUS, (mach_port_info_t)&status, &count) !=
            KERN_SUCCESS ||
        status.mps_srights) {
        return;
    }
    for (uint32_t i = 0; i < channels->count; i++) {
        if (channels->list[i].port != port) continue;
        channels->list[i] = channels->list[--channels->count];
        boot_mach_close(port);
        return;
    }
}

bool boot_channels_watch(const struct boot_channels *channels, pid_t pid) {
    return change(channels->queue, (uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT) == 0;
}

void boot_channels_unwatch(const struct boot_channels *channels, pid_t pid) {
    change(channels->queue, (uintptr_t)pid, EVFILT_PROC, EV_DELETE, 0);
}

void boot_channels_stop(const struct boot_channels *channels) {
    change(channels->queue, STOP, EVFILT_USER, 0, NOTE_TRIGGER);
}

enum boot_woke boot_channels_wait(const struct boot_channels *channels, pid_t *pid) {
    struct kevent event;
    if (kevent(channels->queue, NULL, 0, &event, 1, NULL) != 1) return BOOT_WOKE_NOTHING;
    switch (event.filter) {
    case EVFILT_USER: return BOOT_WOKE_STOP;
    case EVFILT_MACHPORT: return BOOT_WOKE_MESSAGE;
    case EVFILT_PROC: *pid = (pid_t)event.ident; return BOOT_WOKE_ENDED;
    default: return BOOT_WOKE_NOTHING;
    }
}
