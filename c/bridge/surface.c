/* surface.c: the parts that are the same on all systems. See surface.h. */
#include "surface.h"

bool surface_size_allowed(uint32_t width, uint32_t height, uint32_t element_bytes, uint64_t bytes_per_row) {
    if (width > 0 && width <= SURFACE_MAX_DIMENSION && height > 0 && height <= SURFACE_MAX_DIMENSION &&
        element_bytes > 0 && element_bytes <= SURFACE_MAX_ELEMENT_BYTES && bytes_per_row * height <= SLB_MAX_MEMORY_BYTES)
        return true;
    fail(SLB_E_ARGUMENT,
         "Cannot make a surface of %u x %u elements of %u bytes: sides are 1 to %u, elements 1 to %u, "
         "all together at most %llu bytes",
         width, height, element_bytes, SURFACE_MAX_DIMENSION, SURFACE_MAX_ELEMENT_BYTES, SLB_MAX_MEMORY_BYTES);
    return false;
}

int32_t surface_locks_end(surface_locks locks, bool read_only) {
    if (locks[read_only] == 0) {
        return fail(SLB_E_ARGUMENT, "Cannot unlock this surface: it is not locked for %s",
                    read_only ? "reading" : "writing");
    }
    locks[read_only]--;
    return 0;
}
