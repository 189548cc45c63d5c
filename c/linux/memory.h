/*
 * memory.h - memory files (memfd): made, checked, and found again by address.
 */
#ifndef XL_MEMORY_H
#define XL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A memfd of `length` bytes that can neither shrink nor grow, or -1 with errno. */
int xl_memory_create(size_t length);
/*
 * May this descriptor, of a peer say, be mapped without any risk of SIGBUS? It must be a memfd
 * (of ordinary pages) with at least the seals `seals`, F_SEAL_SHRINK always among them, and at
 * least `length` bytes. Returns 0, or the errno that fits: EPERM (no such memfd), ERANGE.
 */
int xl_memory_check(int fd, uint64_t length, int seals);
/* `length` up to whole pages; 0 if there is no such size. */
size_t xl_memory_round(uint64_t length);

#endif
