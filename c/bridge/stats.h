/*
 * stats.h: what this process has sent, for whoever claims that pixels are not copied.
 */
#ifndef SLB_STATS_H
#define SLB_STATS_H

#include <stdint.h>

/* A data value of so many bytes was put into a message: a copy. */
void stats_count_data(uint64_t bytes);

/* A message was handed to XPC. */
void stats_count_message(void);

#endif
