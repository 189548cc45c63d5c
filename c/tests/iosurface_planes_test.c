/*
 * iosurface_planes_test.c: surfaces of several planes of surface_iosurface.c, with a double of the
 * framework. The double's rows are longer than requested, and its first plane begins after a header.
 */
#include "iosurface_support.h"
#include "queue.h"
#include "surface.h"

enum { NV12 = 0x34323076, I420 = 0x79343230, P010 = 0x78343230 };

static void check_error(const char *part) {
    char text[SLB_MAX_TEXT_BYTES + 1] = {0};
    slb_error_copy((uint8_t *)text, SLB_MAX_TEXT_BYTES);
    if (!strstr(text, part)) fprintf(stderr, "the error is: %s\n", text);
    CHECK(strstr(text, part));
}

/* A picture of 4:2:0, whose chroma is in `planes` - 1 planes; a sample of luma has `bytes` bytes. */
static slb_handle make(struct inbox *inbox, uint32_t format, uint32_t width, uint32_t height, uint32_t planes, uint32_t bytes) {
    uint32_t half = (width + 1) / 2, rows = (height + 1) / 2, chroma = planes == 2 ? 2 * bytes : bytes;
    uint32_t sizes[9] = {width, height, bytes, half, rows, chroma, half, rows, chroma};
    return slb_surface_create(inbox->queue, width, height, format, sizes, planes);
}

static slb_handle make_nv12(struct inbox *inbox) { return make(inbox, NV12, 33, 17, 2, 1); }

static struct iosurface_geometry *geometry_of(slb_handle surface) {
    uint32_t values[SLB_SURFACE_VALUES];
    CHECK(slb_surface_layout(surface, values) == 0);
    return control()->geometry(values[6]);
}

static uint8_t byte_at(uint32_t plane, uint32_t y, uint32_t x) { return (uint8_t)(1 + 40 * plane + 7 * y + x); }

/* Writes every byte of the pixels, or checks it. */
static void touch(slb_handle surface, bool check) {
    uint32_t values[SLB_SURFACE_VALUES];
    CHECK(slb_surface_layout(surface, values) == 0);
    CHECK(slb_surface_lock(surface, check) == 0);
    uint8_t *pixels = slb_surface_map(surface);
    for (uint32_t i = 0; i < values[10]; i++) {
        const uint32_t *plane = values + 12 + 5 * i;
        uint32_t bytes = (uint32_t)geometry_of(surface)->plane[i].element_bytes * plane[2];
        for (uint32_t y = 0; y < plane[3]; y++) {
            for (uint32_t x = 0; x < bytes; x++) {
                uint8_t *pixel = pixels + (plane[0] - values[12]) + y * plane[4] + x;
                if (check) CHECK(*pixel == byte_at(i, y, x));
                else *pixel = byte_at(i, y, x);
            }
        }
    }
    CHECK(slb_surface_unlock(surface, check) == 0);
}

static void test_planes_cross_exact_to_the_byte(void) {
    static const uint32_t formats[][3] = {{NV12, 2, 1}, {I420, 3, 1}, {P010, 2, 2}};
    static const uint32_t sides[][2] = {{1, 1}, {2, 2}, {3, 1}, {1, 5}, {33, 17}, {854, 480}};
    struct pair pair = pair_open();
    uint8_t message[32];
    for (size_t i = 0; i < 3 * sizeof sides / sizeof *sides; i++) {
        const uint32_t *format = formats[i % 3], *side = sides[i / 3];
        uint32_t values[SLB_SURFACE_VALUES], seen[SLB_SURFACE_VALUES];
        slb_handle surface = make(pair.inbox, format[0], side[0], side[1], format[1], format[2]);
        CHECK(slb_surface_layout(surface, values) == 0);
        CHECK(values[0] == side[0] && values[1] == side[1] && values[3] == format[0] && values[10] == format[1]);
        for (uint32_t plane = 0; plane < format[1]; plane++) {
            const uint32_t *at = values + 12 + 5 * plane;
            uint32_t shared = plane > 0 ? 2 : 1;
            CHECK(at[2] == (side[0] + shared - 1) / shared && at[3] == (side[1] + shared - 1) / shared);
            CHECK(at[0] >= 64 && at[4] % 64 == 0 && at[4] >= at[2] + 64);
            CHECK(at[0] + at[4] * at[3] <= (plane + 1 < format[1] ? at[5] : values[4]));
        }
        touch(surface, false);
        CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
        CHECK(slb_release(surface) == 0);
        slb_handle other = packed_handle(inbox_next(pair.inbox));
        CHECK(slb_surface_layout(other, seen) == 0);
        CHECK(memcmp(values, seen, sizeof values) == 0);
        touch(other, true);
        CHECK(slb_release(other) == 0);
    }
    pair_close(pair);
}

/* As a camera may make it: with the chroma before the luma, and with planes for one plane. */
static void test_planes_of_other_producers(void) {
    struct pair pair = pair_open();
    uint8_t message[32];
    uint32_t values[SLB_SURFACE_VALUES];
    slb_handle surface = make_nv12(pair.inbox);
    struct iosurface_geometry *geometry = geometry_of(surface);
    ptrdiff_t luma = geometry->plane[0].offset;
    geometry->plane[0].offset = geometry->plane[1].offset;
    geometry->plane[1].offset = luma;
    geometry->plane[0].height = geometry->plane[1].height;
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    slb_handle other = packed_handle(inbox_next(pair.inbox));
    CHECK(slb_surface_layout(other, values) == 0);
    CHECK(values[12] > values[17] && values[17] == (uint32_t)luma);
    CHECK(slb_surface_lock(other, 0) == 0);
    uint8_t *first = slb_surface_map(other); /* that of the second plane */
    first[0] = 3;
    CHECK(slb_surface_unlock(other, 0) == 0);
    CHECK(slb_release(other) == 0);
    geometry->planes = 1;
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    other = packed_handle(inbox_next(pair.inbox));
    CHECK(slb_surface_layout(other, values) == 0);
    CHECK(values[10] == 1 && values[12] > 0 && values[2] == geometry->plane[0].bytes_per_row);
    CHECK(slb_release(other) == 0);
    CHECK(slb_release(surface) == 0);
    pair_close(pair);
}

static void test_planes_that_lie_are_refused(void) {
    struct lie {
        size_t offset, value;
    };
    static const struct lie lies[] = {
        LIE(planes, SLB_MAX_PLANES + 1),
        LIE(planes, SIZE_MAX),
        LIE(width, 0),
        LIE(width, (size_t)1 << 32),
        LIE(height, 0),
        LIE(offset, SIZE_MAX),
        LIE(alloc_size, ((size_t)1 << 30) + 1),
        LIE(plane[1].width, 0),
        LIE(plane[1].width, 129),
        LIE(plane[1].width, SIZE_MAX),
        LIE(plane[1].height, 0),
        LIE(plane[1].height, SIZE_MAX),
        LIE(plane[1].height, 1000),
        LIE(plane[1].element_bytes, 0),
        LIE(plane[1].element_bytes, 8),
        LIE(plane[1].element_width, 2),
        LIE(plane[1].element_height, 0),
        LIE(plane[1].bytes_per_row, 0),
        LIE(plane[1].bytes_per_row, 33),
        LIE(plane[1].bytes_per_row, SIZE_MAX),
        LIE(plane[1].offset, (size_t)-1),
        LIE(plane[1].offset, 8192),
        LIE(plane[1].offset, (size_t)1 << 40),
        LIE(plane[0].offset, (size_t)-64),
    };
    struct pair pair = pair_open();
    uint8_t message[32];
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        slb_handle surface = make_nv12(pair.inbox);
        memcpy((char *)geometry_of(surface) + lies[i].offset, &lies[i].value, sizeof(size_t));
        CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
        CHECK(inbox_next(pair.inbox).event == SLB_EVENT_MALFORMED);
        check_error("Cannot use a surface: plane ");
        CHECK(slb_release(surface) == 0);
        while (i < 2 && control()->take_violation()) {} /* the double has no such plane */
    }
    pair_close(pair);
}

static void test_what_the_system_refuses_is_an_error(void) {
    struct pair pair = pair_open();
    uint8_t message[32];
    static const char *const creating[] = {"CFNumberCreate", "CFDictionaryCreate", "CFArrayCreate", "IOSurfaceCreate"};
    for (size_t i = 0; i < sizeof creating / sizeof *creating; i++) {
        control()->fail_next(creating[i]);
        CHECK(make_nv12(pair.inbox) == 0);
        check_error("made no IOSurface");
    }
    slb_handle surface = make_nv12(pair.inbox);
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    control()->fail_next("IOSurfaceLock");
    CHECK(inbox_next(pair.inbox).event == SLB_EVENT_MALFORMED);
    check_error("Cannot read the planes of surface ");
    control()->fail_next("IOSurfaceGetBaseAddress");
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    CHECK(inbox_next(pair.inbox).event == SLB_EVENT_MALFORMED);
    check_error("from byte -1 on");
    CHECK(slb_surface_map(surface) != NULL);
    uint32_t values[SLB_SURFACE_VALUES];
    CHECK(slb_surface_layout(surface, values) == 0);
    control()->move(values[6]);
    CHECK(slb_surface_lock(surface, 0) == SLB_E_SYSTEM);
    check_error("moved");
    CHECK(slb_release(surface) == 0);
    pair_close(pair);
}

static void test_the_native_handle_is_the_surface(void) {
    struct inbox *inbox = inbox_open();
    slb_handle surface = make_nv12(inbox);
    IOSurfaceRef ref = (IOSurfaceRef)(intptr_t)slb_surface_native(surface);
    CHECK(iosurface_api()->IOSurfaceGetPlaneCount(ref) == 2);
    CHECK(slb_release(surface) == 0);
    CHECK(slb_surface_native(surface) == SLB_E_HANDLE);
    inbox_close(inbox);
}

static void test_sizes_beyond_the_limits(void) {
    struct inbox *inbox = inbox_open();
    uint32_t planes[] = {32768, 32768, 1, 16384, 16384, 2};
    CHECK(slb_surface_create(inbox->queue, 32768, 32768, NV12, planes, 2) == 0);
    check_error("at most 1073741824 are allowed");
    inbox_close(inbox);
}

static const struct test tests[] = {
    {"planes cross exact to the byte", test_planes_cross_exact_to_the_byte},
    {"planes of other producers", test_planes_of_other_producers},
    {"planes that lie are refused", test_planes_that_lie_are_refused},
    {"what the system refuses is an error", test_what_the_system_refuses_is_an_error},
    {"the native handle is the surface", test_the_native_handle_is_the_surface},
    {"sizes beyond the limits", test_sizes_beyond_the_limits},
};

int main(int argc, char **argv) {
    find_double();
    return RUN_TESTS(tests, check_rules_kept, argc, argv);
}
