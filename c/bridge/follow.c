/*
 * follow.c: ends this process soon after the process that reads its output.
 *
 * A host reads what its client writes, from two pipes. The kernel closes the
 * reading ends when the host ends, however it ends: killed and not yet reaped, in
 * another pid namespace, or with its number given to another process. A number
 * tells none of these.
 *
 * A client that is connected learns on the channel that its host has ended, and
 * ends in order. But a client that still starts may ask a broker that is gone, and
 * user code that never returns to its event loop learns nothing. This thread ends
 * the process in both cases.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bootstrap/held.h"
#include "bootstrap/quiet_thread.h"
#include "object.h"
#include "platform.h"

/* How often the thread looks whether the grace has passed, in milliseconds. It may be changed meanwhile. */
#define LOOK_MS 10

static pthread_mutex_t following = PTHREAD_MUTEX_INITIALIZER;
static int ends[2]; /* owned; written before the thread starts */
static int count;   /* 0: nothing is followed */
static uint8_t scratch_path[SLB_MAX_TEXT_BYTES];
static uint32_t scratch_length;
static atomic_uint grace;
static atomic_bool host_gone;

static void remove_scratch(void) {
    if (scratch_length > 0) slb_scratch_remove(scratch_path, scratch_length);
}

static void *follow(void *context) {
    (void)context;
    if (!platform_wait_for_lost_reader(ends, count, -1)) return NULL; /* it cannot be watched */
    atomic_store(&host_gone, true);
    remove_scratch();
    double since = slb_clock_ms();
    struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};
    while (slb_clock_ms() - since < atomic_load(&grace)) nanosleep(&look, NULL);
    remove_scratch(); /* the program may have replaced the file meanwhile */
    _exit(SLB_EXIT_FOLLOWED);
}

/* A copy of stdout or stderr, which the program may close; -1 if it is no pipe or socket, or cannot be copied. */
static int copy_of_pipe(int descriptor) {
    struct stat found;
    if (fstat(descriptor, &found) != 0 || (!S_ISFIFO(found.st_mode) && !S_ISSOCK(found.st_mode))) return -1;
    return fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

int32_t slb_process_follow(uint32_t grace_ms, const uint8_t *scratch, uint32_t length) {
    if (held_is_forked()) return fail(SLB_E_CLOSED, "Cannot follow: this process was forked from one that uses this library");
    if (length > sizeof scratch_path) return fail(SLB_E_ARGUMENT, "Cannot follow: the path of the file to remove is too long");
    atomic_store(&grace, grace_ms);
    pthread_mutex_lock(&following);
    int why = 0;
    if (count == 0) {
        if (length > 0) memcpy(scratch_path, scratch, length);
        scratch_length = length;
        for (int descriptor = STDOUT_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
            int copy = copy_of_pipe(descriptor);
            if (copy >= 0) ends[count++] = held(copy);
        }
        if (count > 0) atomic_store(&host_gone, platform_wait_for_lost_reader(ends, count, 0));
        if (atomic_load(&host_gone)) remove_scratch(); /* now: the program may exit before the thread runs */
        if (count > 0) why = quiet_thread_start(NULL, follow, NULL);
        if (why) {
            while (count > 0) held_close(ends[--count]);
        }
    }
    bool follows = count > 0;
    pthread_mutex_unlock(&following);
    if (why) return fail(SLB_E_SYSTEM, "Cannot follow the process that reads the output of this one: %s", platform_thread_cause(why));
    return follows ? 0 : 1;
}

int32_t slb_process_is_orphan(void) { return atomic_load(&host_gone); }

int32_t slb_process_is_client(void) { return getenv("STREAMLIB_CONNECTION_TOKEN") != NULL; }
