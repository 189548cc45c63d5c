/*
 * lane_run.c: publishing, and waiting for the other side. See lane.h, and "Waiting" in streamlib_lane.h.
 *
 * A wait awake pays only if it ends soon: once both sides sleep, a wake takes longer than the spin, and on one
 * processor the spin keeps the other side from running. So it is bounded by the average of the latest waits, and
 * not done if the other side has last published from this processor.
 */
#include <errno.h>

#include "bell.h"
#include "lane.h"
#include "platform.h"
#include "queue.h"

/* What a wait awake may take in addition to twice the average; and at most, where processors cannot be told apart. */
#define SPIN_MORE_NS 5000u
/* No wait counts as longer, so that a pause does not end spinning for long. */
#define LONGEST_WAIT_NS 1000000u
/* Looks at `head` from one look at the clock to the next. */
#define LOOKS 32

/* Lets the processor's other thread run, and the memory's other user write. */
static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); /* `yield` does nothing on most of them */
#endif
}

static uint32_t head_of(struct lane_header header) { return atomic_load_explicit(header.head, memory_order_seq_cst); }

/* ---- publishing ---- */

bool lane_ring(struct lane *lane) {
    int bell = atomic_load(&lane->peer_bell);
    if (bell < 0 || atomic_exchange(lane->out.asleep, 0) == 0) return false;
    bell_ring(bell);
    return true;
}

static int32_t too_far(const char *what, uint32_t from, uint32_t to, uint32_t slots) {
    return fail(SLB_E_ARGUMENT, "Cannot set the %s of a lane to %u: it was %u, and the lane has %u slots", what, to, from, slots);
}

int32_t slb_lane_publish(slb_handle handle, uint32_t head) {
    struct lane *lane = lane_find(handle);
    if (!lane) return SLB_E_HANDLE;
    if (head - lane->head > lane->slots) return too_far("head", lane->head, head, lane->slots);
    if (head == lane->head) return 0;
    lane->head = head;
    atomic_store_explicit(lane->out.core, platform_core(), memory_order_relaxed);
    atomic_store_explicit(lane->out.head, head, memory_order_seq_cst);
    if (atomic_load_explicit(lane->out.asleep, memory_order_seq_cst) == 0) return 0;
    return lane_ring(lane);
}

int32_t slb_lane_consume(slb_handle handle, uint32_t tail) {
    struct lane *lane = lane_find(handle);
    if (!lane) return SLB_E_HANDLE;
    if (tail - lane->tail > lane->slots) return too_far("tail", lane->tail, tail, lane->slots);
    lane->tail = tail;
    atomic_store_explicit(lane->in.tail, tail, memory_order_release);
    return 0;
}

/* ---- the pace ---- */

/* Returns the time now. */
static uint64_t wait_begins(struct lane_pace *pace) {
    uint64_t now = slb_now_ns();
    if (pace->waiting_since == 0) pace->waiting_since = now;
    return now;
}

static void wait_ends(struct lane_pace *pace) {
    if (pace->waiting_since == 0) return;
    uint64_t waited = slb_now_ns() - pace->waiting_since;
    int32_t latest = waited < LONGEST_WAIT_NS ? (int32_t)waited : (int32_t)LONGEST_WAIT_NS;
    int32_t average = pace->known ? (int32_t)pace->average : latest;
    pace->average = (uint32_t)(average + (latest - average) / 4);
    pace->known = true;
    pace->waiting_since = 0;
}

/* For how long a wait awake may last; 0: not at all. */
static uint64_t spin_budget(const struct lane_pace *pace, uint32_t max_ns) {
    uint32_t average = pace->known ? pace->average : max_ns / 2;
    uint64_t budget = 2 * (uint64_t)average + SPIN_MORE_NS;
    if (average > max_ns) return 0;
    return budget < max_ns ? budget : max_ns;
}

/* ---- waiting awake ---- */

uint32_t slb_lane_spin(slb_handle handle, uint32_t seen, uint32_t max_ns) {
    struct lane *lane = lane_find(handle);
    if (!lane) return seen;
    uint32_t head = head_of(lane->in);
    if (head != seen || max_ns == 0) return head;
    uint64_t start = wait_begins(&lane->pace), budget = spin_budget(&lane->pace, max_ns);
    if (budget == 0) return seen;
    do {
        uint32_t own = platform_core(), other = atomic_load_explicit(lane->in.core, memory_order_relaxed);
        if (own == 0 || other == 0) budget = budget < SPIN_MORE_NS ? budget : SPIN_MORE_NS;
        else if (own == other) return seen; /* the other side needs this processor */
        for (int looks = 0; looks < LOOKS; looks++) {
            relax();
            head = head_of(lane->in);
            if (head == seen) continue;
            wait_ends(&lane->pace);
            return head;
        }
    } while (slb_now_ns() - start < budget);
    return seen;
}

/* ---- sleeping ---- */

static void wake(struct lane *lane) {
    atomic_store_explicit(lane->in.asleep, 0, memory_order_release);
    wait_ends(&lane->pace);
}

int32_t slb_lane_sleep(slb_handle handle, uint32_t seen) {
    struct lane *lane = lane_find(handle);
    if (!lane) return SLB_E_HANDLE;
    wait_begins(&lane->pace);
    atomic_store_explicit(lane->in.asleep, 1, memory_order_seq_cst);
    if (head_of(lane->in) == seen) return 1;
    wake(lane);
    return 0;
}

int32_t slb_lane_wake(slb_handle handle) {
    struct lane *lane = lane_find(handle);
    if (!lane) return SLB_E_HANDLE;
    wake(lane);
    return 0;
}

/* ---- waiting without an event loop ---- */

/* One turn of slb_lane_wait, which has announced sleep: what it has to say, or SLB_E_AGAIN after a look at the bells. */
static int32_t wait_once(struct lane *lane, uint32_t seen, uint64_t deadline, uint32_t *wakes) {
    struct queue *queue = lane->object.queue;
    if (head_of(lane->in) != seen) return SLB_LANE_MOVED;
    if (queue_has_events(queue)) return SLB_LANE_EVENTS;
    struct pollfd bells[] = {{.fd = lane->bell_read, .events = POLLIN}, {.fd = queue_bell(queue), .events = POLLIN}};
    int found = bell_poll(bells, 2, deadline);
    if (found == 0) return SLB_LANE_TIMEOUT;
    if (found < 0) return errno == EINTR ? SLB_E_AGAIN : fail(SLB_E_SYSTEM, "Cannot wait for a lane: %s", platform_cause(errno));
    if (bells[1].revents) queue_read_bell(queue);
    if (!bells[0].revents) return SLB_E_AGAIN;
    if (!bell_read(lane->bell_read)) return SLB_LANE_SHUT;
    return ++*wakes > SLB_LANE_MAX_RINGS && head_of(lane->in) == seen ? SLB_LANE_FLOOD : SLB_E_AGAIN;
}

int32_t slb_lane_wait(slb_handle handle, uint32_t seen, uint32_t timeout_ms) {
    struct lane *lane = handle_take(handle, SLB_KIND_LANE);
    if (!lane) return SLB_E_HANDLE;
    uint64_t deadline = slb_now_ns() + (uint64_t)timeout_ms * 1000000;
    uint32_t wakes = 0;
    int32_t result = head_of(lane->in) != seen ? SLB_LANE_MOVED : SLB_E_AGAIN;
    wait_begins(&lane->pace);
    while (result == SLB_E_AGAIN) {
        atomic_store_explicit(lane->in.asleep, 1, memory_order_seq_cst);
        result = wait_once(lane, seen, deadline, &wakes);
    }
    wake(lane);
    object_release(&lane->object);
    return result;
}
