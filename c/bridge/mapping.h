/*
 * mapping.h: the end of a mapping whose address was given to the caller.
 *
 * The caller may still look at the memory when its handle is released: an
 * ArrayBuffer over it was moved to another isolate, or the queue was closed
 * because its thread has ended. Such a mapping is kept, at its address, until
 * the process ends.
 */
#ifndef SLB_MAPPING_H
#define SLB_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Unmaps the memory, of PROT_READ or PROT_READ | PROT_WRITE, or keeps it. Once more than SLB_MAX_KEPT_MAPPINGS or
 * SLB_MAX_KEPT_BYTES are kept, the oldest kept memory is replaced by zeros at the
 * same address, which need no memory until someone writes to them. Neighbours of
 * that kind are one mapping for the kernel, which limits the number of mappings.
 */
void mapping_end(void *start, size_t length, int protection, bool keep);

/* Counts a mapping that the system keeps, and that is never replaced. */
void mapping_count_kept(size_t length);

/* Writes how many mappings are kept, and how many bytes of them hold their content. */
void mapping_kept_counts(uint64_t counts[2]);

#endif
