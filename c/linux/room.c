/*
 * room.c - see room.h.
 */
#include "room.h"

#include <stdatomic.h>

enum { SMALL = 128 * 1024 }; /* a message that may use the last quarter */

static _Atomic uint64_t taken;
static _Atomic int waiters;

bool xl_room_take(uint64_t bytes, bool waits) {
    uint64_t limit = bytes <= SMALL ? XPC_LINUX_INBOX_MAX : XPC_LINUX_INBOX_MAX / 4 * 3;
    if (bytes > SMALL && !waits && atomic_load(&waiters) > 0) return false;
    uint64_t now = atomic_load(&taken);
    do {
        if (now + bytes > limit) return false;
    } while (!atomic_compare_exchange_weak(&taken, &now, now + bytes));
    return true;
}

void xl_room_wait(void) { atomic_fetch_add(&waiters, 1); }
void xl_room_end_wait(void) { atomic_fetch_sub(&waiters, 1); }

void xl_room_give(uint64_t bytes) { atomic_fetch_sub(&taken, bytes); }

uint64_t xl_room_taken(void) { return atomic_load(&taken); }
