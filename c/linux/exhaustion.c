/*
 * exhaustion.c - see exhaustion.h.
 */
#include "exhaustion.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xpc/linux.h>

#include "carrier.h"

bool xl_is_exhausted(int why) {
    return why == EMFILE || why == ENFILE || why == ENOMEM || why == ENOBUFS || why == ENOSPC || why == EFBIG;
}

static unsigned long long limit_of(int resource) {
    struct rlimit limit;
    return getrlimit((__rlimit_resource_t)resource, &limit) == 0 ? (unsigned long long)limit.rlim_cur : 0;
}

static _Thread_local char text[256];

const char *xl_cause(int why) {
    switch (why) {
    case EMFILE:
        snprintf(text, sizeof text,
                 "this process has no free descriptor: its limit is %llu (RLIMIT_NOFILE); "
                 "raise it with `ulimit -n`, or close some",
                 limit_of(RLIMIT_NOFILE));
        break;
    case ENFILE:
        snprintf(text, sizeof text, "this system has no free descriptor: raise fs.file-max, or end some processes");
        break;
    case ENOMEM:
    case ENOBUFS:
        if (limit_of(RLIMIT_AS) < (unsigned long long)RLIM_INFINITY) {
            snprintf(text, sizeof text,
                     "this process is out of memory: its address space is limited to %llu bytes (RLIMIT_AS); "
                     "raise it with `ulimit -v`",
                     limit_of(RLIMIT_AS));
        } else {
            snprintf(text, sizeof text,
                     "this process is out of memory: free some, or raise the limit of its control group");
        }
        break;
    case EAGAIN:
        snprintf(text, sizeof text, "this user may start no more threads: raise the limit with `ulimit -u`, or end some");
        break;
    case ENOSPC: snprintf(text, sizeof text, "this system has no memory left for memory files: free some"); break;
    case EFBIG:
        snprintf(text, sizeof text,
                 "this process may write no larger file: its limit is %llu bytes (RLIMIT_FSIZE); "
                 "raise it with `ulimit -f`",
                 limit_of(RLIMIT_FSIZE));
        break;
    default: snprintf(text, sizeof text, "%s", strerror(why)); break;
    }
    return text;
}

const char *xl_thread_cause(int why) {
    if (why != EAGAIN) return xl_cause(why);
    unsigned long long limit = limit_of(RLIMIT_NPROC);
    if (limit < (unsigned long long)RLIM_INFINITY) {
        snprintf(text, sizeof text,
                 "this user has too many processes and threads: the limit is %llu (RLIMIT_NPROC); "
                 "raise it with `ulimit -u`, or the limit of its control group (pids.max), or end some",
                 limit);
    } else {
        snprintf(text, sizeof text,
                 "this system has no room for a thread: raise the limit of its control group (pids.max), "
                 "or end some processes");
    }
    return text;
}

bool xl_file_allowed(uint64_t bytes) {
    if (bytes <= limit_of(RLIMIT_FSIZE)) return true;
    errno = EFBIG;
    return false;
}

const char *xpc_linux_cause(int why) { return xl_cause(why); }
const char *xpc_linux_thread_cause(int why) { return xl_thread_cause(why); }
bool xpc_linux_file_allowed(uint64_t bytes) { return xl_file_allowed(bytes); }

int xl_out_of_descriptors(void) {
    int probe = open("/", O_PATH | O_CLOEXEC);
    if (probe < 0) return errno == EMFILE || errno == ENFILE ? errno : 0;
    close(probe);
    return 0;
}
