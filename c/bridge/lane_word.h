/* lane_word.h: a number in the memory of a lane, as the shim, its tests and its fuzzer reach it. */
#ifndef SLB_LANE_WORD_H
#define SLB_LANE_WORD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

static inline _Atomic uint32_t *lane_word(uint8_t *memory, size_t offset) {
    return (_Atomic uint32_t *)(void *)(memory + offset);
}

#endif
