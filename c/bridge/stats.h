/*
 * stats.h: counters of what this process has sent. They show whether pixels are copied.
 */
#ifndef SLB_STATS_H
#define SLB_STATS_H

#include <stdint.h>

/* Counts the bytes of a data value that was copied into a message. */
void stats_count_data(uint64_t bytes);

/* Counts a message that was given to XPC. */
void stats_count_message(void);

#endif
