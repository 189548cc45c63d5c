/*
 * script.h - reads an input as the script of a conversation. After its end every byte is 0.
 */
#ifndef FUZZ_SCRIPT_H
#define FUZZ_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

struct script {
    const uint8_t *at, *end;
};

static inline size_t script_left(const struct script *script) { return (size_t)(script->end - script->at); }

static inline uint8_t next_byte(struct script *script) { return script_left(script) ? *script->at++ : 0; }

#endif
