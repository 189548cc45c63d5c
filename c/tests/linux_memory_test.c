/*
 * linux_memory_test.c - shared memory and surfaces.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "linux_support.h"

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static int memory_file(size_t size, int seals) {
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, seals) == 0);
    return fd;
}

static void shares_a_region(void) {
    char *region = xpc_linux_region_create(10000), *one = NULL, *two = NULL;
    CHECK(region[0] == 0 && region[9999] == 0);
    xpc_object_t shmem = xpc_shmem_create(region, 10000), again = xpc_shmem_create(region, 10000);
    size_t size = (10000 + page() - 1) / page() * page();
    CHECK(xpc_shmem_map(shmem, (void **)&one) == size);
    CHECK(xpc_shmem_map(again, (void **)&two) == size);
    region[9999] = 5;
    CHECK(one[9999] == 5 && two[9999] == 5);
    one[0] = 6;
    CHECK(region[0] == 6 && two[0] == 6);
    xpc_linux_region_destroy(region, 10000);
    xpc_release(shmem);
    two[1] = 7; /* mappings stay valid without the region and the objects */
    CHECK(one[1] == 7);
    xpc_release(again);
    munmap(one, size);
    munmap(two, size);
    CHECK(xpc_shmem_map(INVALID, (void **)&one) == 0);
}

static void cannot_be_shrunk(void) {
    char *region = xpc_linux_region_create(4096);
    xpc_object_t shmem = xpc_shmem_create(region, 4096);
    struct stat status;
    int found = 0;
    for (int fd = 3; fd < 100; fd++) { /* every memfd that is open here */
        int seals = fcntl(fd, F_GET_SEALS);
        if (seals < 0 || fstat(fd, &status) != 0 || status.st_size == 0) continue;
        CHECK(ftruncate(fd, 0) == -1 && errno == EPERM);
        CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == -1 && errno == EPERM);
        found++;
    }
    CHECK(found == 2); /* the region's and the object's */
    xpc_release(shmem);
    xpc_linux_region_destroy(region, 4096);
}

static void adopts_foreign_shared_memory(void) {
    char *foreign = mmap(NULL, 2 * page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *mapped = NULL;
    foreign[0] = 1;
    foreign[page()] = 2;
    xpc_object_t shmem = xpc_shmem_create(foreign, 2 * page());
    CHECK(xpc_shmem_map(shmem, (void **)&mapped) == 2 * page());
    CHECK(mapped[0] == 1 && mapped[page()] == 2);
    foreign[0] = 3;
    CHECK(mapped[0] == 3);
    xpc_object_t again = xpc_shmem_create(foreign, 2 * page()); /* the same memory, not a second copy */
    char *second = NULL;
    CHECK(xpc_shmem_map(again, (void **)&second) == 2 * page());
    second[0] = 4;
    CHECK(mapped[0] == 4 && foreign[0] == 4);
    munmap(second, 2 * page());
    munmap(mapped, 2 * page());
    munmap(foreign, 2 * page());
    /* Other memory may get the address. It must not be taken for the old memory. */
    foreign = mmap(foreign, 2 * page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    foreign[0] = 9;
    xpc_object_t other = xpc_shmem_create(foreign, 2 * page());
    CHECK(xpc_shmem_map(other, (void **)&mapped) == 2 * page());
    CHECK(mapped[0] == 9);
    munmap(mapped, 2 * page());
    munmap(foreign, 2 * page());
    xpc_release(shmem);
    xpc_release(again);
    xpc_release(other);
    /* The descriptor of the unmapped region is closed at the next call for any memory. */
    char *probe = mmap(NULL, page(), PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(xpc_shmem_create(probe, page()) == NULL);
    munmap(probe, page());
}

static void refuses_other_memory(void) {
    char *region = xpc_linux_region_create(2 * page());
    char *private = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *shared = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(xpc_shmem_create(private, page()) == NULL && errno == EINVAL);
    CHECK(xpc_shmem_create(shared + 8, 8) == NULL && errno == EINVAL);
    CHECK(xpc_shmem_create(shared, 0) == NULL && errno == EINVAL);
    CHECK(xpc_shmem_create(NULL, 8) == NULL && errno == EINVAL);
    CHECK(xpc_shmem_create(shared, SIZE_MAX - 10) == NULL && errno == EINVAL);
    CHECK(xpc_linux_region_create(0) == NULL && errno == EINVAL);
    CHECK(xpc_linux_region_create(SIZE_MAX) == NULL && errno == EINVAL);
    munmap(private, page());
    munmap(shared, page());
    xpc_linux_region_destroy(region, 2 * page());
}

static bool refuses_surface(int fd, struct xpc_linux_surface_layout layout, int why) {
    errno = 0;
    xpc_object_t surface = xpc_linux_surface_create(fd, &layout);
    bool refused = !surface && errno == why;
    xpc_release(surface);
    return refused;
}

static void boxes_a_surface(void) {
    struct xpc_linux_surface_layout layout = {100, 50, 448, 0x34325241, 448 * 50}, got;
    int fd = memory_file(6 * 4096, F_SEAL_SHRINK | F_SEAL_GROW);
    xpc_object_t surface = xpc_linux_surface_create(fd, &layout);
    CHECK(xpc_get_type(surface) == XPC_TYPE_LINUX_SURFACE);
    CHECK(xpc_linux_surface_get_layout(surface, &got) && memcmp(&got, &layout, sizeof got) == 0);
    int copy = xpc_linux_surface_dup_fd(surface);
    struct stat one, two;
    CHECK(fstat(fd, &one) == 0 && fstat(copy, &two) == 0 && one.st_ino == two.st_ino);
    CHECK(fcntl(copy, F_GETFD) == FD_CLOEXEC);
    close(copy);
    xpc_release(surface);
    CHECK(!xpc_linux_surface_get_layout(INVALID, &got));
    CHECK(xpc_linux_surface_dup_fd(INVALID) == -1 && errno == EINVAL);

    layout.length = 6 * 4096;
    surface = xpc_linux_surface_create(fd, &layout); /* up to the last byte */
    CHECK(surface != NULL);
    xpc_release(surface);
    close(fd);
}

static void boxes_planes(void) {
    struct xpc_linux_surface_layout layout = {33, 17, 64, 0x34323076, 8192};
    struct xpc_linux_planes planes = {
        .modifier = 7, .count = 2, .planes = {{.offset = 128, .width = 33, .height = 17, .bytes_per_row = 64},
                                              {.offset = 8192 - 9 * 64, .width = 17, .height = 9, .bytes_per_row = 64}}};
    struct xpc_linux_planes got;
    int fd = memory_file(8192, F_SEAL_SHRINK);
    xpc_object_t surface = xpc_linux_surface_create_planar(fd, &layout, &planes); /* up to the last byte */
    CHECK(xpc_linux_surface_get_planes(surface, &got));
    CHECK(got.modifier == 7 && got.count == 2 && got.planes[0].offset == 128 && got.planes[1].offset == 8192 - 9 * 64);
    CHECK(got.planes[1].width == 17 && got.planes[1].height == 9 && got.planes[1].bytes_per_row == 64);
    CHECK(got.planes[2].width == 0 && got.planes[3].bytes_per_row == 0);
    char *text = xpc_copy_description(surface);
    CHECK(strstr(text, "33x17, 64 bytes per row, format 0x34323076, planes: 2") != NULL);
    free(text);
    xpc_release(surface);

    surface = xpc_linux_surface_create(fd, &layout); /* of one plane */
    CHECK(xpc_linux_surface_get_planes(surface, &got) && got.count == 1 && got.modifier == 0);
    CHECK(got.planes[0].offset == 0 && got.planes[0].width == 33 && got.planes[0].height == 17);
    CHECK(got.planes[0].bytes_per_row == 64);
    xpc_release(surface);
    CHECK(!xpc_linux_surface_get_planes(INVALID, &got));
    close(fd);
}

static bool refuses_planes(int fd, struct xpc_linux_planes planes) {
    struct xpc_linux_surface_layout layout = {4, 4, 64, 0, 4096};
    errno = 0;
    xpc_object_t surface = xpc_linux_surface_create_planar(fd, &layout, &planes);
    bool refused = !surface && errno == EINVAL;
    xpc_release(surface);
    return refused;
}

static void checks_planes(void) {
    int fd = memory_file(4096, F_SEAL_SHRINK);
    struct xpc_linux_surface_layout layout = {4, 4, 64, 0, 4096};
    struct xpc_linux_planes good = {.count = 2, .planes = {{0, 4, 4, 64}, {4096 - 128, 2, 2, 64}}}, planes = good;
    CHECK(!refuses_planes(fd, planes));
    planes.count = 0;
    CHECK(refuses_planes(fd, planes));
    planes.count = XPC_LINUX_PLANES_MAX + 1;
    CHECK(refuses_planes(fd, planes));
    struct xpc_linux_plane wrong[] = {{4096 - 127, 2, 2, 64}, {0, 0, 2, 64},  {0, 2, 0, 64},          {0, 2, 2, 0},
                                      {4097, 2, 2, 64},       {0, 2, 65, 64}, {UINT64_MAX, 2, 2, 64}, {0, 2, UINT32_MAX, UINT32_MAX}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        planes = good;
        planes.planes[1] = wrong[i];
        CHECK(refuses_planes(fd, planes));
    }
    planes = good;
    planes.planes[0].bytes_per_row = 32; /* the layout says 64 */
    CHECK(refuses_planes(fd, planes));
    CHECK(xpc_linux_surface_create_planar(fd, &layout, NULL) == NULL && errno == EINVAL);
    CHECK(xpc_linux_surface_create_planar(fd, NULL, &good) == NULL && errno == EINVAL);
    CHECK(xpc_linux_surface_create(fd, NULL) == NULL && errno == EINVAL);
    close(fd);
}

static void checks_a_surface(void) {
    int fd = memory_file(4096, F_SEAL_SHRINK), unsealed = memory_file(4096, F_SEAL_GROW);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    CHECK(refuses_surface(fd, (struct xpc_linux_surface_layout){0, 1, 4, 0, 4096}, EINVAL));
    CHECK(refuses_surface(fd, (struct xpc_linux_surface_layout){1, 0, 4, 0, 4096}, EINVAL));
    CHECK(refuses_surface(fd, (struct xpc_linux_surface_layout){1, 1, 0, 0, 4096}, EINVAL));
    CHECK(refuses_surface(fd, (struct xpc_linux_surface_layout){1, 2, 4, 0, 7}, EINVAL));
    CHECK(refuses_surface(fd, (struct xpc_linux_surface_layout){1, UINT32_MAX, UINT32_MAX, 0, 4096}, EINVAL));
    CHECK(refuses_surface(fd, (struct xpc_linux_surface_layout){1, 1, 4, 0, 4097}, ERANGE));
    CHECK(refuses_surface(fd, (struct xpc_linux_surface_layout){1, 1, 4, 0, UINT64_MAX}, EINVAL));
    CHECK(refuses_surface(unsealed, (struct xpc_linux_surface_layout){1, 1, 4, 0, 4096}, EPERM));
    CHECK(refuses_surface(null, (struct xpc_linux_surface_layout){1, 1, 4, 0, 4096}, EPERM));
    CHECK(refuses_surface(-1, (struct xpc_linux_surface_layout){1, 1, 4, 0, 4096}, EPERM));
    close(fd);
    close(unsealed);
    close(null);
}

static void sends_surfaces_and_memory(void) {
    struct pair pair = pair_open();
    struct xpc_linux_surface_layout layout = {8, 8, 64, 1, 512}, got;
    int fd = memory_file(4096, F_SEAL_SHRINK);
    char *region = xpc_linux_region_create(4096), *mapped = NULL;
    xpc_object_t surface = xpc_linux_surface_create(fd, &layout), shmem = xpc_shmem_create(region, 100);
    xpc_object_t message = xpc_dictionary_create_empty();
    xpc_dictionary_set_value(message, "surface", surface);
    xpc_dictionary_set_value(message, "shmem", shmem);
    xpc_connection_send_message(pair.client, message);
    xpc_release(message);
    xpc_release(surface);
    xpc_release(shmem);
    close(fd);
    region[99] = 3;
    xpc_object_t received = record_get(pair.seen, 0);
    CHECK(xpc_linux_surface_get_layout(xpc_dictionary_get_value(received, "surface"), &got) && got.height == 8);
    CHECK(xpc_shmem_map(xpc_dictionary_get_value(received, "shmem"), (void **)&mapped) == page());
    CHECK(mapped[99] == 3);
    munmap(mapped, page());
    xpc_linux_region_destroy(region, 4096);
    pair_close(&pair);
}

static const struct test tests[] = {
    {"shares a region", shares_a_region},
    {"cannot be shrunk", cannot_be_shrunk},
    {"adopts foreign shared memory", adopts_foreign_shared_memory},
    {"refuses other memory", refuses_other_memory},
    {"boxes a surface", boxes_a_surface},
    {"checks a surface", checks_a_surface},
    {"boxes planes", boxes_planes},
    {"checks planes", checks_planes},
    {"sends surfaces and memory", sends_surfaces_and_memory},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
