/*
 * stats.c - see stats.h. Each counter is exact, but they are not read at the same moment.
 */
#include "stats.h"

#include <stdatomic.h>
#include <xpc/linux.h>

#include "room.h"

static _Atomic uint64_t counters[XL_COUNTERS];
static _Atomic int32_t dismissed_pid, refused_pid;

void xl_stats_add(enum xl_counter counter, uint64_t amount) {
    atomic_fetch_add_explicit(&counters[counter], amount, memory_order_relaxed);
}

void xl_stats_subtract(enum xl_counter counter, uint64_t amount) {
    /* A thread that reads the lower count also sees every write made before the object was freed. */
    atomic_fetch_sub_explicit(&counters[counter], amount, memory_order_release);
}

uint64_t xl_stats_get(enum xl_counter counter) {
    return atomic_load_explicit(&counters[counter], memory_order_acquire);
}

void xpc_linux_get_stats(struct xpc_linux_stats *out) {
    *out = (struct xpc_linux_stats){
        .messages_sent = xl_stats_get(XL_MESSAGES_SENT),
        .messages_received = xl_stats_get(XL_MESSAGES_RECEIVED),
        .messages_refused = xl_stats_get(XL_MESSAGES_REFUSED),
        .bytes_sent = xl_stats_get(XL_BYTES_SENT),
        .bytes_received = xl_stats_get(XL_BYTES_RECEIVED),
        .spill_bytes_sent = xl_stats_get(XL_SPILL_BYTES_SENT),
        .data_bytes_sent = xl_stats_get(XL_DATA_BYTES_SENT),
        .descriptors_sent = xl_stats_get(XL_DESCRIPTORS_SENT),
        .live_objects = xl_stats_get(XL_LIVE_OBJECTS),
        .live_connections = xl_stats_get(XL_LIVE_CONNECTIONS),
        .inbox_bytes = xl_room_taken(),
        .outbox_bytes = xl_stats_get(XL_OUTBOX_BYTES),
        .ended_over_budget = xl_stats_get(XL_ENDED_OVER_BUDGET),
    };
}

void xl_stats_dismissed(int32_t pid) {
    atomic_store_explicit(&dismissed_pid, pid, memory_order_relaxed);
    xl_stats_add(XL_STRANGERS_DISMISSED, 1);
}

void xpc_linux_get_silent(struct xpc_linux_silent *out) {
    *out = (struct xpc_linux_silent){
        .connections = xl_stats_get(XL_STRANGERS),
        .dropped = xl_stats_get(XL_STRANGERS_DISMISSED),
        .pid = atomic_load_explicit(&dismissed_pid, memory_order_relaxed),
    };
}

void xl_stats_refused(int32_t pid) {
    atomic_store_explicit(&refused_pid, pid, memory_order_relaxed);
    xl_stats_add(XL_HOLDERS_REFUSED, 1);
}

void xpc_linux_get_endpoints(struct xpc_linux_endpoints *out) {
    *out = (struct xpc_linux_endpoints){
        .held = xl_stats_get(XL_HOLDERS),
        .refused = xl_stats_get(XL_HOLDERS_REFUSED),
        .pid = atomic_load_explicit(&refused_pid, memory_order_relaxed),
        .sent_dead = xl_stats_get(XL_ENDPOINTS_DEAD),
    };
}
