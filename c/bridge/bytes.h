/* bytes.h: texts and numbers as they cross the C ABI. */
#ifndef SLB_BYTES_H
#define SLB_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Copies the bytes as a terminated string into `capacity` bytes. False: empty, too long, or with a NUL inside. */
static inline bool text_read(const uint8_t *bytes, uint32_t length, char *text, size_t capacity) {
    if (length == 0 || length >= capacity || memchr(bytes, 0, length)) return false;
    memcpy(text, bytes, length);
    text[length] = 0;
    return true;
}

/* Copies as much of the string as there is room for, not terminated. Returns its length in bytes. */
static inline uint32_t text_write(const char *text, uint8_t *bytes, uint32_t capacity) {
    size_t length = strnlen(text, capacity);
    memcpy(bytes, text, length);
    return (uint32_t)length;
}

/* Writes a number, little-endian. */
static inline void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

#endif
