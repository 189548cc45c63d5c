/*
 * numbers.h - little-endian numbers in bytes.
 */
#ifndef PEER_NUMBERS_H
#define PEER_NUMBERS_H

#include <stdint.h>

/* Returns the number in the first `count` bytes. */
static inline uint64_t get_number(const uint8_t *bytes, int count) {
    uint64_t value = 0;
    while (count-- > 0) value = value << 8 | bytes[count];
    return value;
}

/* Writes the number into the first `count` bytes. */
static inline void put_number(uint8_t *bytes, int count, uint64_t value) {
    for (int i = 0; i < count; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

#endif
