/*
 * memory.c - descriptors and shared memory.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counting.h"
#include "other.h"

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static uint64_t *shared_pages(size_t count) {
    void *memory = mmap(NULL, count * page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

/* ---- Descriptors ---------------------------------------------------------------------- */

static void the_original_may_be_closed(void) {
    int ends[2];
    char byte = 0;
    CHECK(pipe(ends) == 0);
    xpc_object_t box = xpc_fd_create(ends[1]);
    close(ends[1]);
    int fd = xpc_fd_dup(box);
    xpc_release(box);
    CHECK(write(fd, "a", 1) == 1 && read(ends[0], &byte, 1) == 1 && byte == 'a');
    close(fd);
    CHECK(read(ends[0], &byte, 1) == 0); /* the box has closed its own */
    close(ends[0]);
}

static void each_duplicate_is_another(void) {
    xpc_object_t box = xpc_fd_create(0);
    int one = xpc_fd_dup(box), two = xpc_fd_dup(box);
    CHECK(one >= 0 && two >= 0 && one != two);
    close(one);
    close(two);
    xpc_release(box);
}

static void bad_descriptors_are_refused(void) {
    CHECK(xpc_fd_create(-1) == NULL);
    CHECK(xpc_fd_create(1000) == NULL);
}

static void duplicate_of_others(void) {
    xpc_object_t number = xpc_int64_create(0);
    xpc_object_t text = xpc_string_create("0");
    CHECK(xpc_fd_dup(number) == -1 && xpc_fd_dup(text) == -1);
    xpc_release(text);
    xpc_release(number);
}

static void a_descriptor_crosses(void) {
    struct record *heard = record_create();
    xpc_connection_t other = other_client(0, heard);
    int ends[2];
    char byte = 0;
    CHECK(pipe(ends) == 0);
    xpc_object_t message = order("write");
    xpc_dictionary_set_fd(message, "fd", ends[1]);
    xpc_connection_send_message(other, message);
    xpc_release(message);
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
    CHECK(read(ends[0], &byte, 1) == 0); /* no process has kept the descriptor */
    close(ends[0]);
    end(other);
}

/* ---- Shared memory -------------------------------------------------------------------- */

static void maps_share(void) {
    uint64_t *region = shared_pages(2), *one = NULL, *two = NULL;
    region[0] = 1;
    xpc_object_t shmem = xpc_shmem_create(region, 2 * page());
    CHECK(xpc_get_type(shmem) == XPC_TYPE_SHMEM);
    CHECK(xpc_shmem_map(shmem, (void **)&one) == 2 * page() && xpc_shmem_map(shmem, (void **)&two) == 2 * page());
    CHECK(one[0] == 1 && two[0] == 1);
    region[1] = 2;
    CHECK(one[1] == 2 && two[1] == 2);
    one[2] = 3;
    CHECK(region[2] == 3 && two[2] == 3);
    munmap(one, 2 * page());
    munmap(two, 2 * page());
    munmap(region, 2 * page());
    xpc_release(shmem);
}

static void whole_pages_are_mapped(void) {
    uint64_t *region = shared_pages(2), *mapped = NULL;
    xpc_object_t shmem = xpc_shmem_create(region, page() + 100);
    CHECK(xpc_shmem_map(shmem, (void **)&mapped) == 2 * page());
    munmap(mapped, 2 * page());
    munmap(region, 2 * page());
    xpc_release(shmem);
}

static void a_mapping_outlives_its_object(void) {
    uint64_t *region = shared_pages(1), *mapped = NULL;
    xpc_object_t shmem = xpc_shmem_create(region, page());
    CHECK(xpc_shmem_map(shmem, (void **)&mapped) == page());
    xpc_release(shmem);
    munmap(region, page());
    mapped[0] = 7;
    CHECK(mapped[0] == 7);
    CHECK(munmap(mapped, page()) == 0);
}

static void mapping_of_others(void) {
    xpc_object_t data = xpc_data_create("text", 4);
    void *region = NULL;
    CHECK(xpc_shmem_map(data, &region) == 0);
    xpc_release(data);
}

static void memory_is_shared_with_another_process(void) {
    struct record *heard = record_create();
    xpc_connection_t other = other_client(0, heard);
    uint64_t *region = shared_pages(1);
    xpc_object_t shmem = xpc_shmem_create(region, page()), message = order("fill");
    xpc_dictionary_set_value(message, "shmem", shmem);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(other, message);
    CHECK(region[1] != 0 && region[1] == (uint64_t)xpc_dictionary_get_int64(reply, "pid"));
    xpc_release(reply);
    xpc_release(message);
    xpc_release(shmem);
    munmap(region, page());
    end(other);
}

static void whoever_shared_it_before_still_does(void) {
    uint64_t *region = shared_pages(1);
    int go[2];
    char byte;
    CHECK(pipe(go) == 0);
    pid_t child = fork(); /* before any thread: nothing of XPC has been used yet */
    if (child == 0) {
        close(go[1]);
        if (read(go[0], &byte, 1) == 1) region[0] = 5;
        _exit(0);
    }
    xpc_object_t shmem = xpc_shmem_create(region, page());
    CHECK(write(go[1], "x", 1) == 1);
    waitpid(child, NULL, 0);
    CHECK(region[0] == 5);
    close(go[0]);
    close(go[1]);
    xpc_release(shmem);
    munmap(region, page());
}

static const struct contract_case cases[] = {
    {"a descriptor may be closed after boxing", "xpc.h", "xpc_fd_create",
     "it is safe to call close(2) on the descriptor after boxing it", the_original_may_be_closed},
    {"each duplicate of a descriptor has another number", "xpc.h", "xpc_fd_dup",
     "Multiple invocations of xpc_fd_dup() will not return the same file descriptor number",
     each_duplicate_is_another},
    {"a descriptor that is not valid is refused", "xpc.h", "xpc_fd_create",
     "if the given file descriptor was not valid", bad_descriptors_are_refused},
    {"the descriptor of an int64 is -1", "xpc.h", "xpc_fd_dup",
     "if the given object was not an XPC file descriptor, -1 is returned", duplicate_of_others},
    {"a descriptor crosses to another process", "xpc.h", "xpc_fd_dup",
     "A file descriptor that is equivalent to the one originally given to xpc_fd_create()", a_descriptor_crosses,
     .others = 1},
    {"memory mapped MAP_SHARED is boxed, and its maps share", "xpc.h", "xpc_shmem_create",
     "created through a call to mmap(2) with the MAP_SHARED flag", maps_share},
    {"whole pages are mapped", "xpc.h", "xpc_shmem_map",
     "even if the creator of the region specified a non-integral page size", whole_pages_are_mapped},
    {"the caller unmaps a mapping", "xpc.h", "xpc_shmem_map",
     "The resulting region must be disposed of with munmap(2)", a_mapping_outlives_its_object},
    {"mapping a data object returns 0", "xpc.h", "xpc_shmem_map",
     "if the given object was not an XPC shared memory object, 0 is returned", mapping_of_others},
    {"memory is shared with another process", "xpc.h", "XPC_TYPE_SHMEM",
     "A type representing a region of shared memory", memory_is_shared_with_another_process, .others = 1},
    {"a region that was shared before boxing stays shared", "xpc.h", "xpc_shmem_create",
     "Creates an XPC object representing the given shared memory region", whoever_shared_it_before_still_does,
     .differs = "a region that is not from xpc_linux_region_create is copied into a sealed memfd, which takes its "
                "place in this process alone: box memory before it is shared by other means"},
};

const struct contract_group memory_group = CONTRACT_GROUP("Descriptors and shared memory", cases);
