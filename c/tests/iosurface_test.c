/*
 * iosurface_test.c: tests surface_iosurface.c, which is for macOS, with a double of the framework
 * that checks Apple's rules for the caller.
 */
#include "iosurface_support.h"
#include "queue.h"
#include "surface.h"

#define BGRA 0x42475241u

static uint32_t seed(IOSurfaceRef ref) { return ((uint32_t(*)(IOSurfaceRef))extra("IOSurfaceGetSeed"))(ref); }

/* Checks that the text of the last error contains `part`. */
static void check_error(const char *part) {
    char text[SLB_MAX_TEXT_BYTES + 1] = {0};
    slb_error_copy((uint8_t *)text, SLB_MAX_TEXT_BYTES);
    if (!strstr(text, part)) fprintf(stderr, "the error is: %s\n", text);
    CHECK(strstr(text, part));
}

static slb_handle make(struct inbox *inbox) { return surface_of_one_plane(inbox->queue, 67, 13, 4, BGRA); }

static uint32_t id_of(slb_handle surface) {
    uint32_t layout[SLB_SURFACE_VALUES];
    CHECK(slb_surface_layout(surface, layout) == 0);
    return layout[6];
}

/* Returns a ref, which the test must release. */
static IOSurfaceRef ref_of(slb_handle surface) {
    void *pool = iosurface_api()->objc_autoreleasePoolPush();
    xpc_object_t object = surface_copy_xpc(surface);
    IOSurfaceRef ref = iosurface_api()->IOSurfaceLookupFromXPCObject(object);
    CHECK(ref);
    xpc_release(object);
    iosurface_api()->objc_autoreleasePoolPop(pool);
    return ref;
}

static void test_the_layout_is_the_surface_s_own(void) {
    struct inbox *inbox = inbox_open();
    slb_handle surface = make(inbox);
    uint32_t layout[SLB_SURFACE_VALUES];
    CHECK(slb_surface_layout(surface, layout) == 0);
    CHECK(layout[0] == 67 && layout[1] == 13 && layout[3] == BGRA);
    CHECK(layout[2] == 320 + 64); /* 268 aligned to 64, and what the system adds */
    CHECK(layout[4] >= layout[2] * 13 && layout[5] == 0);
    CHECK(layout[6] != 0 && layout[7] == 0);
    CHECK(slb_surface_lock(surface, 0) == 0);
    uint8_t *pixels = slb_surface_map(surface);
    for (uint32_t i = 0; i < layout[2] * 13; i++) CHECK(pixels[i] == 0);
    memset(pixels, 42, layout[2] * 13);
    CHECK(slb_surface_unlock(surface, 0) == 0);
    CHECK(slb_release(surface) == 0);
    inbox_close(inbox);
}

static void test_a_surface_crosses(void) {
    struct pair pair = pair_open();
    uint8_t message[32];
    slb_handle surface = make(pair.inbox);
    uint32_t layout[SLB_SURFACE_VALUES], seen[SLB_SURFACE_VALUES];
    CHECK(slb_surface_layout(surface, layout) == 0);
    CHECK(slb_surface_lock(surface, 0) == 0);
    memset(slb_surface_map(surface), 42, layout[2] * layout[1]);
    CHECK(slb_surface_unlock(surface, 0) == 0);
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    slb_handle other = packed_handle(inbox_next(pair.inbox));
    CHECK(slb_surface_layout(other, seen) == 0);
    CHECK(memcmp(layout, seen, sizeof layout) == 0); /* the same surface, because the id is equal */
    CHECK(slb_surface_map(other) != slb_surface_map(surface)); /* but another ref */
    CHECK(slb_release(surface) == 0);
    CHECK(slb_surface_lock(other, 1) == 0);
    const uint8_t *pixels = slb_surface_map(other);
    for (uint32_t i = 0; i < layout[2] * layout[1]; i++) CHECK(pixels[i] == 42);
    CHECK(slb_surface_unlock(other, 1) == 0);
    CHECK(slb_connection_send(pair.peer, message, pack_capability(message, 12, other)) == 0); /* and back */
    CHECK(slb_release(other) == 0);
    slb_handle back = packed_handle(inbox_next(pair.inbox));
    CHECK(id_of(back) == layout[6]);
    CHECK(slb_release(back) == 0);
    pair_close(pair);
}

static void test_a_surface_is_in_use_while_someone_has_it(void) {
    struct pair pair = pair_open();
    uint8_t message[32];
    slb_handle surface = make(pair.inbox);
    IOSurfaceRef ref = ref_of(surface);
    CHECK(in_use(ref) && uses(ref) == 1);
    CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
    xpc_object_t object = surface_copy_xpc(surface);
    CHECK(slb_release(surface) == 0);
    CHECK(in_use(ref) && uses(ref) == 0); /* only by the XPC object */
    xpc_release(object);
    slb_handle other = packed_handle(inbox_next(pair.inbox));
    CHECK(uses(ref) == 0); /* a surface that was sent may prohibit it */
    CHECK(slb_release(other) == 0);
    CHECK(!in_use(ref) && uses(ref) == 0);
    iosurface_api()->CFRelease(ref);
    pair_close(pair);
}

static void test_locks_are_balanced(void) {
    struct inbox *inbox = inbox_open();
    slb_handle surface = make(inbox);
    int before = control()->lock_calls();
    CHECK(slb_surface_unlock(surface, 0) == SLB_E_ARGUMENT);
    check_error("not locked for writing");
    CHECK(slb_surface_lock(surface, 1) == 0);
    CHECK(slb_surface_unlock(surface, 0) == SLB_E_ARGUMENT); /* locked with other options */
    CHECK(slb_surface_lock(surface, 7) == 0);                 /* every value except 0 means read-only */
    CHECK(slb_surface_unlock(surface, 1) == 0);
    CHECK(slb_surface_unlock(surface, 1) == 0);
    CHECK(slb_surface_unlock(surface, 1) == SLB_E_ARGUMENT);
    check_error("not locked for reading");
    CHECK(control()->lock_calls() == before + 4); /* the refused calls did not reach the system */
    IOSurfaceRef ref = ref_of(surface);
    uint32_t written = seed(ref);
    CHECK(slb_surface_lock(surface, 1) == 0);
    CHECK(slb_surface_unlock(surface, 1) == 0);
    CHECK(seed(ref) == written); /* a reader does not change the seed, so no cache becomes stale */
    CHECK(slb_surface_lock(surface, 0) == 0);
    CHECK(slb_surface_unlock(surface, 0) == 0);
    CHECK(seed(ref) == written + 1);
    iosurface_api()->CFRelease(ref);
    CHECK(slb_surface_lock(surface, 0) == 0);
    CHECK(slb_surface_lock(surface, 1) == 0);
    CHECK(slb_surface_lock(surface, 1) == 0);
    CHECK(slb_release(surface) == 0); /* ends all locks */
    CHECK(slb_surface_lock(surface, 0) == SLB_E_HANDLE);
    CHECK(slb_surface_unlock(surface, 0) == SLB_E_HANDLE);
    inbox_close(inbox);
}

static void test_a_map_needs_no_lock_and_stays(void) {
    struct inbox *inbox = inbox_open();
    slb_handle surface = make(inbox);
    CHECK(count(SURFACES_MAPPED) == 0);
    void *pixels = slb_surface_map(surface);
    CHECK(pixels && count(SURFACES_MAPPED) == 1);
    CHECK(slb_surface_unlock(surface, 1) == SLB_E_ARGUMENT); /* the map has left no lock */
    CHECK(slb_surface_lock(surface, 0) == 0);
    CHECK(slb_surface_map(surface) == pixels && count(SURFACES_MAPPED) == 1);
    CHECK(slb_surface_unlock(surface, 0) == 0);
    control()->move(id_of(surface));
    CHECK(slb_surface_lock(surface, 0) == SLB_E_SYSTEM);
    check_error("moved");
    CHECK(slb_surface_unlock(surface, 0) == SLB_E_ARGUMENT); /* the failed lock has left no lock */
    CHECK(slb_release(surface) == 0);
    CHECK(count(SURFACES_MAPPED) == 0);
    inbox_close(inbox);
}

static void test_what_the_system_refuses_is_an_error(void) {
    struct inbox *inbox = inbox_open();
    static const char *const creating[] = {"CFNumberCreate", "CFDictionaryCreate", "IOSurfaceCreate"};
    for (size_t i = 0; i < sizeof creating / sizeof *creating; i++) {
        control()->fail_next(creating[i]);
        CHECK(make(inbox) == 0);
        check_error("made no IOSurface");
    }
    slb_handle surface = make(inbox);
    control()->fail_next("IOSurfaceCreateXPCObject");
    CHECK(surface_copy_xpc(surface) == NULL);
    check_error("no XPC object");
    control()->fail_next("IOSurfaceLock");
    CHECK(slb_surface_lock(surface, 0) == SLB_E_SYSTEM);
    check_error("0xe00002bc");
    control()->fail_next("IOSurfaceLock");
    CHECK(slb_surface_map(surface) == NULL);
    check_error("0xe00002bc");
    control()->fail_next("IOSurfaceGetBaseAddress");
    CHECK(slb_surface_map(surface) == NULL);
    check_error("the CPU cannot read it");
    CHECK(count(SURFACES_MAPPED) == 0);
    CHECK(slb_surface_lock(surface, 0) == 0);
    control()->fail_next("IOSurfaceUnlock");
    CHECK(slb_surface_unlock(surface, 0) == SLB_E_SYSTEM);
    check_error("0xe00002bc");
    xpc_object_t object = surface_copy_xpc(surface);
    control()->fail_next("IOSurfaceLookupFromXPCObject");
    struct queue *queue = queue_take(inbox->queue);
    CHECK(surface_handle_from_xpc(queue, object) == 0);
    check_error("no IOSurface behind it");
    queue_release(queue);
    xpc_release(object);
    CHECK(slb_release(surface) == 0);
    inbox_close(inbox);
}

static void test_a_surface_that_lies_is_refused(void) {
    struct lie {
        size_t offset, value;
    };
    static const struct lie lies[] = {
        LIE(width, 0),
        LIE(width, 97),
        LIE(width, (size_t)1 << 62),
        LIE(height, 0),
        LIE(height, 22),
        LIE(height, SIZE_MAX),
        LIE(element_bytes, 0),
        LIE(element_bytes, 6),
        LIE(element_bytes, SIZE_MAX),
        LIE(element_width, 2),
        LIE(element_height, 0),
        LIE(planes, 1),
        LIE(bytes_per_row, 0),
        LIE(bytes_per_row, 267),
        LIE(bytes_per_row, 631),
        LIE(bytes_per_row, SIZE_MAX),
        LIE(offset, SIZE_MAX),
        LIE(offset, (size_t)1 << 62),
        LIE(alloc_size, 384 * 13 - 1),
        LIE(alloc_size, ((size_t)1 << 30) + 1),
    };
    struct pair pair = pair_open();
    uint8_t message[32];
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        slb_handle surface = make(pair.inbox);
        memcpy((char *)control()->geometry(id_of(surface)) + lies[i].offset, &lies[i].value, sizeof(size_t));
        CHECK(slb_connection_send(pair.client, message, pack_capability(message, 12, surface)) == 0);
        struct record record = inbox_next(pair.inbox);
        CHECK(record.event == SLB_EVENT_MALFORMED && record.source == pair.peer);
        check_error("Cannot use a surface: plane 0 of ");
        CHECK(slb_release(surface) == 0);
    }
    pair_close(pair);
}

static void test_sizes_beyond_the_limits(void) {
    struct inbox *inbox = inbox_open();
    static const uint32_t sizes[][3] = {{0, 1, 4},     {1, 0, 4}, {1, 1, 0}, {32769, 1, 4},         {1, 32769, 4},
                                        {1, 1, 17}, {32768, 32768, 4}, {UINT32_MAX, 1, UINT32_MAX}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CHECK(surface_of_one_plane(inbox->queue, sizes[i][0], sizes[i][1], sizes[i][2], BGRA) == 0);
        check_error("Cannot make a surface");
    }
    slb_handle wide = surface_of_one_plane(inbox->queue, 32768, 1, 16, BGRA);
    CHECK(wide != 0);
    CHECK(slb_release(wide) == 0);
    static struct inbox nobody = {.queue = 12345};
    CHECK(make(&nobody) == 0);
    inbox_close(inbox);
}

static void test_what_is_no_surface_is_refused(void) {
    struct inbox *inbox = inbox_open();
    struct queue *queue = queue_take(inbox->queue);
    xpc_object_t others[] = {xpc_null_create(), xpc_uint64_create(7), xpc_dictionary_create(NULL, NULL, 0), impostor()};
    for (int i = 0; i < 4; i++) {
        CHECK(surface_is(others[i]) == (i == 3)); /* only objects of a surface's type are looked up */
        CHECK(surface_handle_from_xpc(queue, others[i]) == 0);
        check_error("no IOSurface behind it");
        xpc_release(others[i]);
    }
    queue_release(queue);
    inbox_close(inbox);
}

/* ---- the framework or a part of it is missing ---- */

static const char *hidden;

static void *find_all_but_hidden(enum framework framework, const char *name) {
    return strcmp(name, hidden) == 0 ? NULL : find_part(framework, name);
}

static void test_each_missing_part_is_named(void) {
    static const char *const names[] = {
#define NAME_FUNCTION(framework, result, name, parameters) #name,
#define NAME_VARIABLE(framework, type, name) #name,
        IOSURFACE_API(NAME_FUNCTION, NAME_VARIABLE)};
    struct iosurface_api api;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        hidden = names[i];
        CHECK_TEXT(iosurface_api_fill(&api, find_all_but_hidden), names[i]);
    }
    hidden = "";
    CHECK(iosurface_api_fill(&api, find_all_but_hidden) == NULL);
}

/* Runs in a process in which the framework does not exist. */
static void live_without(void) {
    struct inbox *inbox = inbox_open();
    for (int twice = 0; twice < 2; twice++) {
        CHECK(make(inbox) == 0);
        check_error("Cannot use IOSurface: CFRelease was not found");
        check_error("/nowhere/IOSurface");
    }
    struct queue *queue = queue_take(inbox->queue);
    xpc_object_t object = impostor();
    CHECK(!surface_is(object));
    CHECK(surface_handle_from_xpc(queue, object) == 0);
    check_error("Cannot use IOSurface");
    xpc_release(object);
    queue_release(queue);
    inbox_close(inbox);
}

/* Runs in a process that cannot make its first surface. Later it recognizes surfaces. */
static void live_on(void) {
    find_double();
    struct inbox *inbox = inbox_open();
    slb_handle surface = make(inbox);
    xpc_object_t object = surface_copy_xpc(surface);
    control()->fail_next("IOSurfaceCreateXPCObject");
    CHECK(!surface_is(object));
    CHECK(surface_is(object));
    xpc_release(object);
    CHECK(slb_release(surface) == 0);
    inbox_close(inbox);
}

/* Runs in a process of its own, because what is kept is never released. A mapping lives as long as its surface. */
static void live_with_mappings(void) {
    find_double();
    struct inbox *inbox = inbox_open();
    slb_handle asked = make(inbox), mapped = make(inbox);
    CHECK(make(inbox) != 0); /* never mapped */
    int live = control()->live();
    CHECK(slb_surface_map(asked) && slb_surface_map(mapped));
    CHECK(slb_mapping_keep(asked) == 0 && slb_release(asked) == 0);
    inbox_close(inbox);
    CHECK(count(MAPPINGS_KEPT) == 2 && count(SURFACES_MAPPED) == 0);
    CHECK(control()->live() == live - 1);
    _exit(check_failures ? 1 : 0);
}

static const struct test lives[] = {
    {"without framework", live_without}, {"refused at first", live_on}, {"with mappings", live_with_mappings}};

static void run_fresh(const char *life) {
    fflush(stdout);
    CHECK(wait_for_child(spawn_child(life, "")) == 0);
}

static void test_no_framework_is_an_error(void) { run_fresh(lives[0].name); }
static void test_the_type_is_learnt_when_it_can_be(void) { run_fresh(lives[1].name); }
static void test_mappings_outlive_their_queue(void) { run_fresh(lives[2].name); }

static const struct test tests[] = {
    {"the layout is the surface's own", test_the_layout_is_the_surface_s_own},
    {"a surface crosses", test_a_surface_crosses},
    {"a surface is in use while someone has it", test_a_surface_is_in_use_while_someone_has_it},
    {"locks are balanced", test_locks_are_balanced},
    {"a map needs no lock and stays", test_a_map_needs_no_lock_and_stays},
    {"what the system refuses is an error", test_what_the_system_refuses_is_an_error},
    {"a surface that lies is refused", test_a_surface_that_lies_is_refused},
    {"sizes beyond the limits", test_sizes_beyond_the_limits},
    {"what is no surface is refused", test_what_is_no_surface_is_refused},
    {"each missing part is named", test_each_missing_part_is_named},
    {"no framework is an error", test_no_framework_is_an_error},
    {"the type is learnt when it can be", test_the_type_is_learnt_when_it_can_be},
    {"mappings outlive their queue", test_mappings_outlive_their_queue},
};

int main(int argc, char **argv) {
    bool child = argc > 2 && strcmp(argv[1], "--child") == 0;
    for (size_t i = 0; child && i < sizeof lives / sizeof *lives; i++) {
        if (strcmp(argv[2], lives[i].name) != 0) continue;
        lives[i].run();
        if (library) check_rules_kept();
        else check_nothing_left();
        return check_failures ? 1 : 0;
    }
    find_double();
    return RUN_TESTS(tests, check_rules_kept, argc, argv);
}
