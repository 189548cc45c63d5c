/* watches_linux.c: see watches_linux.h. */
#include "watches_linux.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "held.h"

enum { FIRST_CAPACITY = 16 };

bool boot_watches_open(struct boot_watches *watches) {
    *watches = (struct boot_watches){.epoll = held(epoll_create1(EPOLL_CLOEXEC))};
    return watches->epoll >= 0;
}

void boot_watches_close(struct boot_watches *watches) {
    while (watches->count > 0) boot_watches_remove(watches, &watches->list[0]);
    if (watches->epoll >= 0) held_close(watches->epoll);
    free(watches->list);
}

static bool make_room(struct boot_watches *watches) {
    if (watches->count < watches->capacity) return true;
    uint32_t capacity = watches->capacity ? 2 * watches->capacity : FIRST_CAPACITY;
    struct boot_watched *list = realloc(watches->list, capacity * sizeof *list);
    if (!list) return false;
    watches->list = list;
    watches->capacity = capacity;
    return true;
}

bool boot_watches_add(struct boot_watches *watches, struct boot_watched watched, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = watched.fd};
    if (make_room(watches) && epoll_ctl(watches->epoll, EPOLL_CTL_ADD, watched.fd, &event) == 0) {
        held(watched.fd);
        watches->list[watches->count++] = watched;
        return true;
    }
    int why = errno;
    close(watched.fd);
    errno = why;
    return false;
}

void boot_watches_remove(struct boot_watches *watches, struct boot_watched *watched) {
    if (!watched) return;
    epoll_ctl(watches->epoll, EPOLL_CTL_DEL, watched->fd, NULL);
    held_close(watched->fd);
    *watched = watches->list[--watches->count];
}

struct boot_watched *boot_watches_find(struct boot_watches *watches, int fd) {
    for (uint32_t i = 0; i < watches->count; i++) {
        if (watches->list[i].fd == fd) return &watches->list[i];
    }
    return NULL;
}

struct boot_watched *boot_watches_process(struct boot_watches *watches, int32_t pid) {
    for (uint32_t i = 0; i < watches->count; i++) {
        struct boot_watched *each = &watches->list[i];
        if (each->kind == BOOT_WATCH_PROCESS && each->pid == pid) return each;
    }
    return NULL;
}

bool boot_is_ready(int fd, short events) {
    struct pollfd state = {.fd = fd, .events = events};
    return poll(&state, 1, 0) == 1; /* a signal that comes now makes even this one fail: that is no event */
}

int boot_watches_wait(const struct boot_watches *watches) {
    struct epoll_event event;
    return epoll_wait(watches->epoll, &event, 1, -1) == 1 ? event.data.fd : -1;
}
