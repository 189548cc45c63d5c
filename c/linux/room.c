/*
 * room.c - see room.h.
 */
#include "room.h"

#include <stdatomic.h>

enum { SMALL = 128 * 1024 }; /* a message that may use the last quarter */

static _Atomic uint64_t taken;

bool xl_room_take(uint64_t bytes) {
    uint64_t limit = bytes <= SMALL ? XPC_LINUX_INBOX_MAX : XPC_LINUX_INBOX_MAX / 4 * 3;
    uint64_t now = atomic_load(&taken);
    do {
        if (now + bytes > limit) return false;
    } while (!atomic_compare_exchange_weak(&taken, &now, now + bytes));
    return true;
}

void xl_room_give(uint64_t bytes) { atomic_fetch_sub(&taken, bytes); }

uint64_t xl_room_taken(void) { return atomic_load(&taken); }
