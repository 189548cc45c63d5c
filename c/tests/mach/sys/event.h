/* sys/event.h - the part of kqueue that the files for macOS use, for a test on Linux. */
#ifndef EVENT_DOUBLE_H
#define EVENT_DOUBLE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct kevent {
    uintptr_t ident;
    int16_t filter;
    uint16_t flags;
    uint32_t fflags;
    intptr_t data;
    void *udata;
};

#define EV_SET(event, ident, filter, flags, fflags, data, udata) \
    (*(event) = (struct kevent){(ident), (filter), (flags), (fflags), (data), (udata)})
enum { EVFILT_PROC = -5, EVFILT_MACHPORT = -8, EVFILT_USER = -10, EV_ADD = 1, EV_DELETE = 2, EV_CLEAR = 0x20 };
#define NOTE_EXIT 0x80000000u
#define NOTE_TRIGGER 0x01000000u

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
           const struct timespec *limit);

#endif
