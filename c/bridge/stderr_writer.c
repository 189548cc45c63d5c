/*
 * stderr_writer.c: writes to stderr on a thread of its own.
 *
 * A write to stderr can block for ever (a pipe that nobody reads), and can fail
 * (a full disk, a closed pipe, a pipe that another program has made non-blocking).
 * The caller must not wait for it and has no use for the error, so the text is
 * queued, within a budget. What does not fit or cannot be written is lost; its
 * bytes are counted, and the count is written once something can be written again.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bootstrap/held.h"
#include "bootstrap/quiet_thread.h"
#include "object.h"
#include "platform.h"

/* The most bytes in one write, so that a slow reader is seen to make progress. */
#define WRITE_BYTES 4096
/* At exit: the longest wait while the reader takes nothing, and the longest in all, in milliseconds. */
#define STALL_MS 500
#define FLUSH_MS 2000
#define LOOK_MS 5

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static uint8_t *ring;   /* SLB_STDERR_BYTES; it lives as long as the process, as the thread does */
static size_t head;     /* where the oldest byte is */
static size_t length;   /* bytes that wait, with those that are being written */
static uint64_t taken;  /* bytes written so far: whether the reader makes progress */
static uint64_t lost;   /* bytes lost that the reader was not told of */
static bool failed;     /* whether the last write has failed, and nothing was queued since */

/* Writes some of the bytes. Returns how many, or -1 with errno. */
static ssize_t write_some(const uint8_t *bytes, size_t count) {
    for (;;) {
        ssize_t written = write(STDERR_FILENO, bytes, count);
        if (written >= 0) return written;
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
        struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
        if (poll(&ready, 1, -1) < 0 && errno != EINTR) return -1;
    }
}

/* Tells the reader how much was lost. Called and returns with the lock held. */
static void write_loss(void) {
    char note[64];
    uint64_t told = lost;
    int size = snprintf(note, sizeof note, "\n[%llu bytes of output lost]\n", (unsigned long long)told);
    pthread_mutex_unlock(&lock);
    bool written = true;
    for (int at = 0; at < size && written;) {
        ssize_t some = write_some((const uint8_t *)note + at, (size_t)(size - at));
        if (some < 0) written = false;
        else at += (int)some;
    }
    pthread_mutex_lock(&lock);
    if (written) lost -= told;
    else failed = true;
}

/* Writes the oldest bytes. Called and returns with the lock held. */
static void write_oldest(void) {
    size_t count = SLB_STDERR_BYTES - head;
    if (count > length) count = length;
    if (count > WRITE_BYTES) count = WRITE_BYTES;
    const uint8_t *from = ring + head; /* stays as it is: the writers append only */
    pthread_mutex_unlock(&lock);
    ssize_t written = write_some(from, count);
    pthread_mutex_lock(&lock);
    if (written < 0) {
        lost += length;
        length = 0;
        failed = true;
        return;
    }
    head = (head + (size_t)written) % SLB_STDERR_BYTES;
    length -= (size_t)written;
    taken += (uint64_t)written;
}

static void *write_all(void *context) {
    (void)context;
    pthread_mutex_lock(&lock);
    for (;;) {
        if (length > 0) write_oldest();
        else if (lost > 0 && !failed) write_loss();
        else pthread_cond_wait(&work, &lock);
    }
    return NULL;
}

/* At exit: gives the thread time, while the reader takes the text. */
static void flush(void) {
    if (held_is_forked()) return; /* the thread is another process's */
    uint64_t before = 0;
    for (int waited = 0, stalled = 0; waited < FLUSH_MS && stalled < STALL_MS; waited += LOOK_MS) {
        pthread_mutex_lock(&lock);
        bool done = length == 0 && (lost == 0 || failed);
        stalled = taken == before ? stalled + LOOK_MS : 0;
        before = taken;
        pthread_mutex_unlock(&lock);
        if (done) return;
        struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};
        nanosleep(&look, NULL);
    }
}

/* Allocates and starts what is needed. Called with the lock held. Returns 0 or an errno. */
static int prepare(void) {
    if (ring) return 0;
    ring = malloc(SLB_STDERR_BYTES);
    if (!ring) return ENOMEM;
    int why = quiet_thread_start(NULL, write_all, NULL);
    if (why) {
        free(ring);
        ring = NULL;
        return why;
    }
    atexit(flush);
    return 0;
}

int32_t slb_stderr_write(const uint8_t *bytes, uint32_t count) {
    if (held_is_forked()) return fail(SLB_E_CLOSED, "Cannot write to stderr: the thread that does was not forked");
    pthread_mutex_lock(&lock);
    int why = prepare();
    if (!why) {
        failed = false; /* so the thread tries again */
        /* After a loss nothing is queued until the reader is told: so the count stands where the text is missing. */
        if (lost > 0 || count > SLB_STDERR_BYTES - length) lost += count;
        else {
            size_t end = (head + length) % SLB_STDERR_BYTES;
            size_t first = SLB_STDERR_BYTES - end;
            if (first > count) first = count;
            memcpy(ring + end, bytes, first);
            memcpy(ring, bytes + first, count - first);
            length += count;
        }
        pthread_cond_signal(&work);
    }
    pthread_mutex_unlock(&lock);
    return why ? fail(SLB_E_SYSTEM, "Cannot start the thread that writes to stderr: %s", platform_thread_cause(why)) : 0;
}
