/*
 * copy.c - memcpy() between two pieces of memory.
 *
 *     copy BYTES COUNT
 *
 * Prints microseconds, one line per copy.
 */
#include "control.h"

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    size_t bytes = count_of(argv[1]), count = count_of(argv[2]);
    unsigned char *from = shared_memory(bytes), *to = shared_memory(bytes);
    double *us = room_for(count);
    memset(from, 1, bytes);
    memset(to, 2, bytes);
    alarm(LIFE_SECONDS);
    for (size_t i = 0; i < count; i++) {
        from[i % bytes] = (unsigned char)i;
        double began = now_us();
        memcpy(to, from, bytes);
        us[i] = now_us() - began;
        if (to[i % bytes] != (unsigned char)i) return 1; /* so that no copy is left out */
    }
    print_values(us, count);
    return 0;
}
