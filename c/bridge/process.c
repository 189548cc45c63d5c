/* process.c: who a process is, how many descriptors this one may have, and what is left of the library in a forked one. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "bootstrap/held.h"
#include "object.h"
#include "platform.h"

int32_t slb_stream_peer(int32_t descriptor, int32_t *values) {
    if (platform_stream_peer(descriptor, values) == 0) return 0;
    return fail(SLB_E_SYSTEM, "Cannot ask who is connected: %s", strerror(errno));
}

uint64_t slb_process_started(int32_t pid) { return pid > 0 ? platform_process_started(pid) : 0; }

int32_t slb_process_is_stopped(int32_t pid) { return pid > 0 && platform_process_is_stopped(pid); }

uint32_t slb_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT32_MAX) return INT32_MAX;
    return (uint32_t)limit.rlim_cur;
}

int32_t slb_silent(uint32_t *values) {
    if (held_is_forked()) return fail(SLB_E_CLOSED, "Cannot count connections: this process was forked from one that has them");
    platform_silent(values);
    return 0;
}

int32_t slb_forked(void) {
    held_forked();
    return slb_process_forward(-1); /* its signals are not for a child of its parent */
}

int32_t slb_confinement(void) {
    const char *why_not = NULL;
    int version = platform_confinement(&why_not);
    return version > 0 ? version : fail(SLB_E_ABSENT, "Cannot confine clients here: %s", why_not);
}
