/* mapping.c: see mapping.h. */
#include "mapping.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "streamlib_bridge.h"

struct kept {
    struct kept *next;
    void *start;
    size_t length;
    int protection;
};

static struct {
    pthread_mutex_t lock;
    struct kept *oldest, **newest_end; /* those that still hold their content */
    uint64_t listed;
    uint64_t count, bytes;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER, .newest_end = &kept.oldest};

/* Puts zeros in the place of the memory, in one step: nobody finds the address unmapped. */
static bool empty(const struct kept *entry) {
    return mmap(entry->start, entry->length, entry->protection,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static void empty_oldest(void) {
    struct kept *entry = kept.oldest;
    kept.oldest = entry->next;
    if (!kept.oldest) kept.newest_end = &kept.oldest;
    kept.listed--;
    if (empty(entry)) kept.bytes -= entry->length;
    free(entry); /* if the system refused, the content stays */
}

void mapping_end(void *start, size_t length, int protection, bool keep) {
    if (!keep) {
        munmap(start, length);
        return;
    }
    struct kept *entry = malloc(sizeof *entry); /* NULL: it is counted, and never emptied */
    pthread_mutex_lock(&kept.lock);
    kept.count++;
    kept.bytes += length;
    if (entry) {
        *entry = (struct kept){.start = start, .length = length, .protection = protection};
        *kept.newest_end = entry;
        kept.newest_end = &entry->next;
        kept.listed++;
    }
    while (kept.oldest && (kept.listed > SLB_MAX_KEPT_MAPPINGS || kept.bytes > SLB_MAX_KEPT_BYTES)) empty_oldest();
    pthread_mutex_unlock(&kept.lock);
}

void mapping_count_kept(size_t length) {
    pthread_mutex_lock(&kept.lock);
    kept.count++;
    kept.bytes += length;
    pthread_mutex_unlock(&kept.lock);
}

void mapping_kept_counts(uint64_t counts[2]) {
    pthread_mutex_lock(&kept.lock);
    counts[0] = kept.count;
    counts[1] = kept.bytes;
    pthread_mutex_unlock(&kept.lock);
}
