/*
 * memory.h - memory files (memfd): creation and checks.
 */
#ifndef XL_MEMORY_H
#define XL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns a memfd of `length` bytes that can neither shrink nor grow, or -1 with errno. */
int xl_memory_create(size_t length);
/*
 * Checks that a descriptor, for example of a peer, can be mapped without a risk of SIGBUS: it must
 * be a memfd of ordinary pages, at least `length` bytes long, with F_SEAL_SHRINK and `seals`.
 * Returns 0, EPERM (not such a memfd) or ERANGE (too short).
 */
int xl_memory_check(int fd, uint64_t length, int seals);
/* Rounds `length` up to whole pages. Returns 0 if `length` is 0 or the result too large. */
size_t xl_memory_round(uint64_t length);

#endif
