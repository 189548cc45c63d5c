/* clock.c: the clock of timestamps, and a sleep. */
#include <time.h>

#include "streamlib_bridge.h"

/* Both count from the start of the system, without the time that it sleeps, in every process alike. */
#ifdef __APPLE__
#define SHARED_CLOCK CLOCK_UPTIME_RAW
#else
#define SHARED_CLOCK CLOCK_MONOTONIC
#endif

uint64_t slb_now_ns(void) {
    struct timespec now;
    clock_gettime(SHARED_CLOCK, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double slb_clock_ms(void) {
    struct timespec now;
    clock_gettime(SHARED_CLOCK, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int32_t slb_sleep_us(uint32_t us) {
    struct timespec time = {.tv_sec = us / 1000000u, .tv_nsec = (long)(us % 1000000u) * 1000};
    nanosleep(&time, NULL);
    return 0;
}
