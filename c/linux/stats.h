/*
 * stats.h - the counters behind xpc_linux_get_stats.
 */
#ifndef XL_STATS_H
#define XL_STATS_H

#include <stdint.h>

enum xl_counter {
    XL_MESSAGES_SENT,
    XL_MESSAGES_RECEIVED,
    XL_MESSAGES_REFUSED,
    XL_BYTES_SENT,
    XL_BYTES_RECEIVED,
    XL_SPILL_BYTES_SENT,
    XL_DATA_BYTES_SENT,
    XL_DESCRIPTORS_SENT,
    XL_LIVE_OBJECTS,
    XL_LIVE_CONNECTIONS,
    XL_OUTBOX_BYTES,
    XL_ENDED_OVER_BUDGET,
    XL_STRANGERS,
    XL_STRANGERS_DISMISSED,
    XL_HOLDERS,
    XL_HOLDERS_REFUSED,
    XL_ENDPOINTS_DEAD,
    XL_COUNTERS
};

void xl_stats_add(enum xl_counter counter, uint64_t amount);
void xl_stats_subtract(enum xl_counter counter, uint64_t amount);
uint64_t xl_stats_get(enum xl_counter counter);
/* The process whose silent connection was dismissed last. */
void xl_stats_dismissed(int32_t pid);
/* The process that passed an endpoint on which the listener refused. */
void xl_stats_refused(int32_t pid);

#endif
