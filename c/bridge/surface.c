/* surface.c: the parts that are the same on all systems. See surface.h. */
#include "surface.h"

static bool within(uint32_t number, uint32_t most) { return number > 0 && number <= most; }

static bool plan_fits(const struct surface_plan *plan) {
    if (!within(plan->width, SURFACE_MAX_DIMENSION) || !within(plan->height, SURFACE_MAX_DIMENSION)) return false;
    for (uint32_t i = 0; i < plan->plane_count; i++) {
        if (!within(plan->planes[i].width, plan->width) || !within(plan->planes[i].height, plan->height) ||
            !within(plan->planes[i].sample_bytes, SURFACE_MAX_SAMPLE_BYTES)) return false;
    }
    return plan->plane_count > 0;
}

bool surface_plan_read(struct surface_plan *plan, uint32_t width, uint32_t height, uint32_t pixel_format,
                       const uint32_t *planes, uint32_t plane_count) {
    *plan = (struct surface_plan){.width = width, .height = height, .pixel_format = pixel_format};
    if (planes && plane_count <= SLB_MAX_PLANES) plan->plane_count = plane_count;
    for (uint32_t i = 0; i < plan->plane_count; i++) {
        plan->planes[i].width = planes[3 * i];
        plan->planes[i].height = planes[3 * i + 1];
        plan->planes[i].sample_bytes = planes[3 * i + 2];
    }
    if (plan_fits(plan)) return true;
    fail(SLB_E_ARGUMENT,
         "Cannot make a surface of %u x %u with %u planes: sides are 1 to %u, planes 1 to %u and no larger than the "
         "surface, samples 1 to %u bytes",
         width, height, plane_count, SURFACE_MAX_DIMENSION, SLB_MAX_PLANES, SURFACE_MAX_SAMPLE_BYTES);
    return false;
}

bool surface_bytes_allowed(const struct surface_plan *plan, uint64_t bytes) {
    if (bytes <= SLB_MAX_MEMORY_BYTES) return true;
    fail(SLB_E_ARGUMENT, "Cannot make a surface of %u x %u: it needs %llu bytes, and at most %llu are allowed",
         plan->width, plan->height, (unsigned long long)bytes, SLB_MAX_MEMORY_BYTES);
    return false;
}

uint64_t surface_first_offset(const struct surface_layout *layout) {
    uint64_t first = layout->planes[0].offset;
    for (uint32_t i = 1; i < layout->plane_count; i++) {
        if (layout->planes[i].offset < first) first = layout->planes[i].offset;
    }
    return first;
}

static void put64(uint32_t *values, uint64_t number) {
    values[0] = (uint32_t)number;
    values[1] = (uint32_t)(number >> 32);
}

void surface_layout_write(const struct surface_layout *layout, uint32_t *values) {
    values[0] = layout->width;
    values[1] = layout->height;
    values[2] = layout->planes[0].bytes_per_row;
    values[3] = layout->pixel_format;
    put64(values + 4, layout->bytes);
    put64(values + 6, layout->id);
    put64(values + 8, layout->modifier);
    values[10] = layout->plane_count;
    values[11] = 0;
    for (uint32_t i = 0; i < SLB_MAX_PLANES; i++) { /* those that are not there are 0 */
        const struct surface_plane *plane = &layout->planes[i];
        uint32_t *out = values + 12 + 5 * i;
        put64(out, plane->offset);
        out[2] = plane->width;
        out[3] = plane->height;
        out[4] = plane->bytes_per_row;
    }
}

int32_t surface_locks_end(surface_locks locks, bool read_only) {
    if (locks[read_only] == 0) {
        return fail(SLB_E_ARGUMENT, "Cannot unlock this surface: it is not locked for %s",
                    read_only ? "reading" : "writing");
    }
    locks[read_only]--;
    return 0;
}
