/*
 * stats.c - see stats.h. Each counter is exact, but they are not read at the same moment.
 */
#include "stats.h"

#include <stdatomic.h>
#include <xpc/linux.h>

#include "room.h"

static _Atomic uint64_t counters[XL_COUNTERS];
static _Atomic int32_t dismissed_pid;

void xl_stats_add(enum xl_counter counter, uint64_t amount) {
    atomic_fetch_add_explicit(&counters[counter], amount, memory_order_relaxed);
}

void xl_stats_subtract(enum xl_counter counter, uint64_t amount) {
    /* A thread that reads the lower count also sees every write made before the object was freed. */
    atomic_fetch_sub_explicit(&counters[counter], amount, memory_order_release);
}

static uint64_t read_counter(enum xl_counter counter) {
    return atomic_load_explicit(&counters[counter], memory_order_acquire);
}

void xpc_linux_get_stats(struct xpc_linux_stats *out) {
    *out = (struct xpc_linux_stats){
        .messages_sent = read_counter(XL_MESSAGES_SENT),
        .messages_received = read_counter(XL_MESSAGES_RECEIVED),
        .messages_refused = read_counter(XL_MESSAGES_REFUSED),
        .bytes_sent = read_counter(XL_BYTES_SENT),
        .bytes_received = read_counter(XL_BYTES_RECEIVED),
        .spill_bytes_sent = read_counter(XL_SPILL_BYTES_SENT),
        .data_bytes_sent = read_counter(XL_DATA_BYTES_SENT),
        .descriptors_sent = read_counter(XL_DESCRIPTORS_SENT),
        .live_objects = read_counter(XL_LIVE_OBJECTS),
        .live_connections = read_counter(XL_LIVE_CONNECTIONS),
        .inbox_bytes = xl_room_taken(),
        .outbox_bytes = read_counter(XL_OUTBOX_BYTES),
        .ended_over_budget = read_counter(XL_ENDED_OVER_BUDGET),
    };
}

void xl_stats_dismissed(int32_t pid) {
    atomic_store_explicit(&dismissed_pid, pid, memory_order_relaxed);
    xl_stats_add(XL_STRANGERS_DISMISSED, 1);
}

void xpc_linux_get_silent(struct xpc_linux_silent *out) {
    *out = (struct xpc_linux_silent){
        .connections = read_counter(XL_STRANGERS),
        .dropped = read_counter(XL_STRANGERS_DISMISSED),
        .pid = atomic_load_explicit(&dismissed_pid, memory_order_relaxed),
    };
}
