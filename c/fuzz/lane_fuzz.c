/*
 * lane_fuzz.c - one side of a lane, whose other side does anything that it can with the memory and the bell.
 *
 * The input is a script: see lane_conversation.h, which checks what our side does. Checks here that no descriptor, no
 * mapping and no object is left.
 */
#include "descriptors.h"
#include "lane_conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the process has of handles, XPC objects and mappings that stay. */
static void look(uint64_t counters[SLB_STATS_COUNT]) { MUST(slb_stats(counters, SLB_STATS_COUNT) == SLB_STATS_COUNT); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { ALL_HANDLES = 0, XPC_OBJECTS = 20, KEPT = 22 };
    static bool is_warm;
    uint64_t before[SLB_STATS_COUNT], after[SLB_STATS_COUNT];
    if (!is_warm) lane_conversation((const uint8_t *)"", 0); /* makes what stays for the whole process */
    is_warm = true;
    int open_before = count_open();
    look(before);
    lane_conversation(data, size);
    look(after);
    MUST(count_open() == open_before);
    MUST(after[ALL_HANDLES] == before[ALL_HANDLES] && after[XPC_OBJECTS] == before[XPC_OBJECTS]);
    MUST(after[KEPT] == before[KEPT]);
    return 0;
}
