/* held.c: see held.h. */
#include "held.h"

#include <limits.h>
#include <stdatomic.h>
#include <unistd.h>

/* The kernel's default for the most descriptors of a process. A higher one is not marked. */
enum { MOST = 1 << 20, WORD_BITS = sizeof(unsigned long) * CHAR_BIT, WORDS = MOST / WORD_BITS };

static atomic_ulong marks[WORDS]; /* bit by bit; pages that were never written cost nothing */
static atomic_bool forked;

int held(int descriptor) {
    if (descriptor >= 0 && descriptor < MOST) atomic_fetch_or(&marks[descriptor / WORD_BITS], 1ul << descriptor % WORD_BITS);
    return descriptor;
}

int held_give(int descriptor) {
    if (descriptor >= 0 && descriptor < MOST) atomic_fetch_and(&marks[descriptor / WORD_BITS], ~(1ul << descriptor % WORD_BITS));
    return descriptor;
}

/* The mark first: once it is closed, another thread may get and mark the same number. */
void held_close(int descriptor) { close(held_give(descriptor)); }

unsigned held_count(void) {
    unsigned count = 0;
    for (int word = 0; word < WORDS; word++) {
        for (unsigned long left = atomic_load(&marks[word]); left; left &= left - 1) count++;
    }
    return count;
}

void held_forked(void) {
    atomic_store(&forked, true);
    for (int word = 0; word < WORDS; word++) {
        unsigned long left = atomic_exchange(&marks[word], 0);
        for (int bit = 0; left; bit++, left >>= 1) {
            if (left & 1) close(word * WORD_BITS + bit);
        }
    }
}

bool held_is_forked(void) { return atomic_load_explicit(&forked, memory_order_relaxed); }
