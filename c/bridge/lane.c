/* lane.c: making, opening and connecting a lane, and its end. See lane.h. */
#include "lane.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bell.h"
#include "bootstrap/close_if_open.h"
#include "bootstrap/held.h"
#include "lane_word.h"
#include "mapping.h"
#include "platform.h"
#include "queue.h"
#include "transfer.h"

/* More than a page of any system: the most that a region may be longer than its lane. */
#define MOST_ROUNDING 65536

static struct lane *lane_take(slb_handle handle) { return handle_take(handle, SLB_KIND_LANE); }

/* ---- the memory ---- */

static uint32_t read_word(uint8_t *memory, size_t offset) { return atomic_load(lane_word(memory, offset)); }

static struct lane_header header_at(uint8_t *memory, uint32_t direction) {
    size_t start = SLB_LANE_HEADERS + SLB_LANE_HEADER_BYTES * direction;
    return (struct lane_header){
        .head = lane_word(memory, start + SLB_LANE_HEAD),
        .tail = lane_word(memory, start + SLB_LANE_TAIL),
        .asleep = lane_word(memory, start + SLB_LANE_ASLEEP),
        .core = lane_word(memory, start + SLB_LANE_CORE),
    };
}

static bool are_slots(uint32_t slots) {
    return slots >= SLB_LANE_MIN_SLOTS && slots <= SLB_LANE_MAX_SLOTS && (slots & (slots - 1)) == 0;
}

/* Writes a new lane into memory that nobody else has yet. */
static void write_layout(uint8_t *memory, uint32_t slots) {
    memset(memory, 0, SLB_LANE_BYTES(slots)); /* which allocates all its pages */
    atomic_store(lane_word(memory, SLB_LANE_AT_MAGIC), SLB_LANE_MAGIC);
    atomic_store(lane_word(memory, SLB_LANE_AT_VERSION), SLB_LANE_VERSION);
    atomic_store(lane_word(memory, SLB_LANE_AT_SLOTS), slots);
    atomic_store(lane_word(memory, SLB_LANE_AT_SLOT_BYTES), SLB_LANE_SLOT_BYTES);
    for (uint32_t direction = 0; direction < 2; direction++) atomic_store(header_at(memory, direction).asleep, 1);
}

/* Reads the layout of a lane that was received. 0, or the error is set. */
static int32_t read_layout(struct lane *lane) {
    if (lane->mapped_bytes < SLB_LANE_SLOTS) {
        return fail(SLB_E_ARGUMENT, "Cannot open a lane: its memory has %zu bytes, at least %u are needed", lane->mapped_bytes,
                    SLB_LANE_BYTES(SLB_LANE_MIN_SLOTS));
    }
    uint32_t magic = read_word(lane->mapping, SLB_LANE_AT_MAGIC), version = read_word(lane->mapping, SLB_LANE_AT_VERSION);
    uint32_t slots = read_word(lane->mapping, SLB_LANE_AT_SLOTS);
    uint32_t slot_bytes = read_word(lane->mapping, SLB_LANE_AT_SLOT_BYTES);
    if (magic != SLB_LANE_MAGIC) {
        return fail(SLB_E_ARGUMENT, "Cannot open a lane: the memory starts with 0x%08x, that of a lane with 0x%08x", magic,
                    SLB_LANE_MAGIC);
    }
    if (version != SLB_LANE_VERSION) {
        return fail(SLB_E_ARGUMENT, "Cannot open a lane of version %u: this library has version %u", version, SLB_LANE_VERSION);
    }
    if (!are_slots(slots) || slot_bytes != SLB_LANE_SLOT_BYTES) {
        return fail(SLB_E_ARGUMENT, "Cannot open a lane of %u slots of %u bytes: %u to %u slots, a power of two, of %u bytes are possible",
                    slots, slot_bytes, SLB_LANE_MIN_SLOTS, SLB_LANE_MAX_SLOTS, SLB_LANE_SLOT_BYTES);
    }
    size_t needed = SLB_LANE_BYTES(slots);
    if (lane->mapped_bytes < needed || lane->mapped_bytes - needed >= MOST_ROUNDING) {
        return fail(SLB_E_ARGUMENT, "Cannot open a lane of %u slots: its memory has %zu bytes, and %zu are needed", slots,
                    lane->mapped_bytes, needed);
    }
    lane->slots = slots;
    return 0;
}

/* Maps the memory: XPC has checked that nobody can shrink it. 0, or the error is set. */
static int32_t map_memory(struct lane *lane, xpc_object_t memory) {
    void *mapping;
    size_t mapped = xpc_shmem_map(memory, &mapping);
    if (mapped == 0) return fail(SLB_E_SYSTEM, "Cannot map the memory of a lane: %s", platform_cause(errno));
    lane->mapping = mapping;
    lane->mapped_bytes = mapped;
    return 0;
}

/* ---- life ---- */

static void lane_finalize(struct object *object) {
    struct lane *lane = (struct lane *)object;
    xpc_object_t memory = atomic_exchange(&lane->memory, NULL);
    if (memory) xpc_release(memory);
    if (lane->mapping) mapping_end(lane->mapping, lane->mapped_bytes, PROT_READ | PROT_WRITE, atomic_load(&object->keep_mapping));
    int peer_bell = atomic_load(&lane->peer_bell);
    close_if_open(&lane->bell_read);
    close_if_open(&lane->bell_write);
    close_if_open(&peer_bell);
    lane_free(lane);
}

/* A lane without memory, and with a bell; NULL with the error set. */
static struct lane *lane_make(struct queue *queue) {
    struct lane *lane = lane_allocate();
    if (!lane) {
        fail(SLB_E_MEMORY, "Cannot make a lane: out of memory");
        return NULL;
    }
    lane->bell_read = lane->bell_write = -1;
    atomic_store(&lane->peer_bell, -1);
    object_init(&lane->object, SLB_KIND_LANE, queue, NULL, lane_finalize);
    if (bell_make(&lane->bell_read, &lane->bell_write)) return lane;
    fail(SLB_E_SYSTEM, "Cannot make the bell of a lane: %s", platform_cause(errno));
    object_abandon(&lane->object);
    return NULL;
}

/* Makes the handle of a lane that is mapped. `direction` is the one that this side writes. */
static slb_handle lane_handle_consume(struct lane *lane, uint32_t direction) {
    lane->out = header_at(lane->mapping, direction);
    lane->in = header_at(lane->mapping, 1 - direction);
    slb_handle handle = handle_consume(&lane->object);
    if (!handle || lane_enter(lane, handle)) return handle;
    slb_release(handle);
    fail(SLB_E_MEMORY, "Cannot make a lane: out of memory");
    return 0;
}

/* The shared memory of a new lane; NULL with the error set. */
static xpc_object_t make_memory(uint32_t slots) {
    size_t bytes = SLB_LANE_BYTES(slots);
    void *region = platform_region_create(bytes);
    if (!region) {
        fail(SLB_E_MEMORY, "Cannot make the memory of a lane, %zu bytes: %s", bytes, platform_cause(errno));
        return NULL;
    }
    write_layout(region, slots);
    xpc_object_t memory = xpc_shmem_create(region, bytes);
    int why = errno;
    platform_region_destroy(region, bytes); /* the shmem has its own mapping */
    if (!memory) fail(SLB_E_SYSTEM, "Cannot share the memory of a lane, %zu bytes: %s", bytes, platform_cause(why));
    return memory;
}

slb_handle slb_lane_create(slb_handle queue_handle, uint32_t slots) {
    if (!are_slots(slots)) {
        fail(SLB_E_ARGUMENT, "Cannot make a lane of %u slots: a power of two from %u to %u is needed", slots, SLB_LANE_MIN_SLOTS,
             SLB_LANE_MAX_SLOTS);
        return 0;
    }
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    struct lane *lane = lane_make(queue);
    queue_release(queue);
    if (!lane) return 0;
    lane->slots = slots;
    xpc_object_t memory = make_memory(slots);
    atomic_store(&lane->memory, memory);
    if (memory && map_memory(lane, memory) == 0) return lane_handle_consume(lane, 0);
    object_abandon(&lane->object);
    return 0;
}

slb_handle slb_lane_open(slb_handle queue_handle, slb_handle shmem) {
    struct queue *queue = queue_take(queue_handle);
    struct transfer *transfer = queue ? handle_take(shmem, SLB_KIND_SHMEM) : NULL;
    struct lane *lane = transfer ? lane_make(queue) : NULL;
    bool opened = lane && map_memory(lane, transfer_value(transfer)) == 0 && read_layout(lane) == 0;
    if (transfer) object_release((struct object *)transfer);
    if (queue) queue_release(queue);
    if (opened) return lane_handle_consume(lane, 1);
    if (lane) object_abandon(&lane->object);
    return 0;
}

/* ---- what it has ---- */

uint32_t slb_lane_slots(slb_handle handle) {
    const struct lane *lane = lane_find(handle);
    return lane ? lane->slots : 0;
}

void *slb_lane_map(slb_handle handle) {
    const struct lane *lane = lane_find(handle);
    return lane ? lane->mapping : NULL;
}

uint64_t slb_lane_bytes(slb_handle handle) {
    const struct lane *lane = lane_find(handle);
    return lane ? SLB_LANE_BYTES(lane->slots) : 0;
}

slb_handle slb_lane_take_memory(slb_handle handle) {
    struct lane *lane = lane_take(handle);
    if (!lane) return 0;
    xpc_object_t memory = atomic_exchange(&lane->memory, NULL);
    slb_handle taken = 0;
    if (memory) taken = transfer_handle_consume(lane->object.queue, SLB_KIND_SHMEM, memory);
    else fail(SLB_E_CLOSED, "Cannot take the memory of this lane: it was taken before, or this side has received it");
    object_release(&lane->object);
    return taken;
}

/* ---- bells ---- */

slb_handle slb_lane_bell(slb_handle handle) {
    struct lane *lane = lane_take(handle);
    if (!lane) return 0;
    xpc_object_t end = xpc_fd_create(lane->bell_write);
    slb_handle given = 0;
    if (end) given = transfer_handle_consume(lane->object.queue, SLB_KIND_FD, end);
    else fail(SLB_E_SYSTEM, "Cannot copy the bell of a lane: %s", platform_cause(errno));
    object_release(&lane->object);
    return given;
}

int32_t slb_lane_take_bell(slb_handle handle) {
    struct lane *lane = lane_take(handle);
    if (!lane) return SLB_E_HANDLE;
    int32_t result;
    if (atomic_exchange(&lane->bell_taken, true)) {
        result = fail(SLB_E_CLOSED, "Cannot take the bell of this lane: it was taken before");
    } else if ((result = fcntl(lane->bell_read, F_DUPFD_CLOEXEC, 0)) < 0) {
        int why = errno;
        atomic_store(&lane->bell_taken, false);
        result = fail(SLB_E_SYSTEM, "Cannot copy the bell of a lane: %s", platform_cause(why));
    }
    object_release(&lane->object);
    return result;
}

/* Takes the descriptor over, if it is the end of a bell. 0, or the error is set. */
static int32_t connect_bell(struct lane *lane, int descriptor) {
    int none = -1;
    const char *problem = bell_problem(descriptor);
    int32_t result = 0;
    if (problem) result = fail(SLB_E_ARGUMENT, "Cannot use this descriptor as the other side's bell: %s", problem);
    else if (!atomic_compare_exchange_strong(&lane->peer_bell, &none, descriptor))
        result = fail(SLB_E_CLOSED, "Cannot connect this lane: it has the other side's bell already");
    if (result < 0) close(descriptor);
    else held(descriptor);
    if (result == 0 && lane->head != 0) lane_ring(lane); /* for what was published before */
    return result;
}

int32_t slb_lane_connect(slb_handle handle, slb_handle fd) {
    struct lane *lane = lane_take(handle);
    if (!lane) return SLB_E_HANDLE;
    int descriptor = slb_fd_dup(fd);
    int32_t result = descriptor < 0 ? descriptor : connect_bell(lane, descriptor);
    object_release(&lane->object);
    return result;
}
