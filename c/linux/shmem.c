/*
 * shmem.c - shared memory objects, and the regions that they are made from.
 *
 * xpc_shmem_create gets only an address. A table of regions has the memfd for each address.
 * Foreign mappings are unmapped with munmap, without notice to the table, so their entries are
 * checked against the kernel's list of mappings before use.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootstrap/held.h"
#include "carrier.h"
#include "memory.h"

static void describe_shmem(const struct xl_object *object, FILE *out) {
    fprintf(out, "%" PRIu64 " bytes", ((const struct xl_carrier *)object)->length);
}

const struct _xpc_type_s _xpc_type_shmem = {
    .name = "shmem",
    .last_release = xl_carrier_last_release,
    .describe = describe_shmem,
};

struct region {
    struct region *next;
    uintptr_t start;
    size_t length; /* whole pages */
    int fd;        /* owned */
    bool foreign;  /* not from xpc_linux_region_create */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *regions;

enum answer { NO, YES, UNKNOWN };

/* Whether the whole range is mapped shared and writable and, unless inode is 0, from that memfd. */
static enum answer is_shared(uintptr_t start, size_t length, ino_t inode) {
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps) return UNKNOWN;
    uintptr_t from, to, at = start, end = start + length;
    unsigned long its_inode;
    char access[5];
    while (at < end &&
           fscanf(maps, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*x:%*x %lu%*[^\n]", &from, &to, access, &its_inode) == 4) {
        if (to <= at) continue;
        if (from > at || access[1] != 'w' || access[3] != 's' || (inode && its_inode != inode)) break;
        at = to;
    }
    fclose(maps);
    return at >= end ? YES : NO;
}

static bool is_stale(const struct region *region) {
    struct stat status;
    return region->foreign && fstat(region->fd, &status) == 0 &&
           is_shared(region->start, region->length, status.st_ino) == NO;
}

static void forget(struct region **link) {
    struct region *region = *link;
    *link = region->next;
    held_close(region->fd);
    free(region);
}

/* Consumes `fd`, even on failure. */
static bool remember_consume(void *start, size_t length, int fd, bool foreign) {
    struct region *region = xl_alloc(sizeof *region);
    if (!region) {
        close(fd);
        errno = ENOMEM;
        return false;
    }
    *region = (struct region){
        .next = regions,
        .start = (uintptr_t)start,
        .length = length,
        .fd = held(fd),
        .foreign = foreign,
    };
    regions = region;
    return true;
}

void *xpc_linux_region_create(size_t length) {
    size_t size = xl_memory_round(length);
    if (!size) {
        errno = EINVAL;
        return NULL;
    }
    int fd = xl_memory_create(size);
    if (fd < 0) return NULL;
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED) {
        int why = errno;
        close(fd);
        errno = why;
        return NULL;
    }
    pthread_mutex_lock(&lock);
    bool known = remember_consume(start, size, fd, false);
    pthread_mutex_unlock(&lock);
    if (known) return start;
    munmap(start, size);
    errno = ENOMEM;
    return NULL;
}

void xpc_linux_region_destroy(void *region, size_t length) {
    size_t size = xl_memory_round(length);
    if (!region || !size) return;
    pthread_mutex_lock(&lock);
    for (struct region **link = &regions; *link; link = &(*link)->next) {
        if ((*link)->start != (uintptr_t)region) continue;
        forget(link);
        break;
    }
    munmap(region, size); /* with the lock held, so that no new region can get the address before the entry is gone */
    pthread_mutex_unlock(&lock);
}

/* Replaces a foreign shared mapping in place by a memfd with the same content. Returns the memfd, or -1. */
static int adopt(void *start, size_t size) {
    if (is_shared((uintptr_t)start, size, 0) != YES) {
        errno = EINVAL;
        return -1;
    }
    int fd = xl_memory_create(size);
    if (fd < 0) return -1;
    void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (copy != MAP_FAILED) {
        memcpy(copy, start, size);
        munmap(copy, size);
        if (mmap(start, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED) return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static const struct region *find(uintptr_t start, size_t size, bool foreign) {
    for (const struct region *region = regions; region; region = region->next) {
        if (region->start == start && region->length >= size && region->foreign == foreign) return region;
    }
    return NULL;
}

/* Returns a new descriptor of the memfd behind the address, or -1 with errno. */
static int dup_memory(void *start, size_t size) {
    const struct region *own = find((uintptr_t)start, size, false);
    if (own) return xl_fd_dup(own->fd);
    for (struct region **link = &regions; *link;) {
        if (is_stale(*link)) forget(link);
        else link = &(*link)->next;
    }
    const struct region *known = find((uintptr_t)start, size, true);
    if (known) return xl_fd_dup(known->fd);
    int fd = adopt(start, size);
    int duplicate = fd < 0 ? -1 : xl_fd_dup(fd);
    if (fd >= 0) remember_consume(start, size, fd, true); /* on failure the next create adopts it again */
    return duplicate;
}

xpc_object_t xpc_shmem_create(void *region, size_t length) {
    size_t size = xl_memory_round(length);
    if (!region || !size || (uintptr_t)region % (uintptr_t)sysconf(_SC_PAGESIZE)) {
        errno = EINVAL;
        return NULL;
    }
    pthread_mutex_lock(&lock);
    int fd = dup_memory(region, size);
    pthread_mutex_unlock(&lock);
    struct xl_carrier *shmem = xl_carrier_consume(XPC_TYPE_SHMEM, fd);
    if (shmem) shmem->length = length;
    return shmem;
}

size_t xpc_shmem_map(xpc_object_t xshmem, void **region) {
    const struct xl_carrier *shmem = xl_as(xshmem, XPC_TYPE_SHMEM);
    size_t size = shmem ? xl_memory_round(shmem->length) : 0;
    if (!size) return 0;
    /* Not mapped read-only as a fall-back: a peer could make a program that writes crash. */
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, shmem->fd, 0);
    if (start == MAP_FAILED) return 0;
    *region = start;
    return size;
}
