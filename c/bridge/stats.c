/* stats.c: slb_stats, the ABI version, paths of services. See stats.h. */
#include "stats.h"

#include <stdatomic.h>
#include <string.h>

#include "bootstrap/held.h"
#include "bytes.h"
#include "connection.h"
#include "inbox.h"
#include "mapping.h"
#include "object.h"
#include "outbox.h"
#include "platform.h"
#include "queue.h"
#include "surface.h"

static atomic_ullong data_bytes;
static atomic_ullong messages;

void stats_count_data(uint64_t bytes) { atomic_fetch_add(&data_bytes, bytes); }
void stats_count_message(void) { atomic_fetch_add(&messages, 1); }

uint32_t slb_abi_version(void) { return SLB_ABI_VERSION; }

uint32_t slb_stats(uint64_t *counters, uint32_t capacity) {
    if (held_is_forked()) return 0; /* their locks may be those of threads that this process does not have */
    uint64_t all[SLB_STATS_COUNT];
    struct inbox_counters inboxes = inbox_counters();
    handles_count(all);
    all[12] = queue_events_waiting();
    all[13] = atomic_load(&data_bytes);
    all[14] = atomic_load(&messages);
    all[15] = inboxes.received;
    all[16] = surface_mapped_count();
    platform_stats(all + 17);
    mapping_kept_counts(all + 22);
    all[24] = inboxes.bytes;
    all[25] = outboxes_waiting();
    all[26] = inboxes.suspended;
    all[27] = connections_ended_outbox();
    all[28] = inboxes.malformed;
    all[29] = inboxes.ended_malformed;
    uint32_t count = capacity < SLB_STATS_COUNT ? capacity : SLB_STATS_COUNT;
    memcpy(counters, all, count * sizeof *counters);
    return count;
}

uint32_t slb_service_path_copy(const uint8_t *name, uint32_t length, uint8_t *text, uint32_t capacity) {
    char terminated[128];
    if (!text_read(name, length, terminated, sizeof terminated)) {
        fail(SLB_E_ARGUMENT, "Cannot place this service: its name has %u bytes", length);
        return 0;
    }
    return platform_service_path_copy(terminated, text, capacity);
}
