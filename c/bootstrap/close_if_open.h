/* close_if_open.h: descriptors that may be there or not. */
#ifndef CLOSE_IF_OPEN_H
#define CLOSE_IF_OPEN_H

#include "held.h"

/* Closes the descriptor, and sets it to -1. -1: there is none. */
static inline void close_if_open(int *descriptor) {
    if (*descriptor >= 0) held_close(*descriptor);
    *descriptor = -1;
}

#endif
