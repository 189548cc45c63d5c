/*
 * exhaustion.h - names the limits of this process that a failed call has met.
 */
#ifndef XL_EXHAUSTION_H
#define XL_EXHAUSTION_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the errno value means that this process or system has no more of something. */
bool xl_is_exhausted(int why);
/*
 * Describes an errno value. If it is a limit of this process or system: which, its number, and what to
 * do. The text is valid until the next call on this thread.
 */
const char *xl_cause(int why);
/* As xl_cause, for a thread that cannot be started. */
const char *xl_thread_cause(int why);
/*
 * Whether this process may make a file of that many bytes, a memfd included; if not, errno is EFBIG.
 * To be asked before each write and ftruncate, which would end the process by SIGXFSZ.
 */
bool xl_file_allowed(uint64_t bytes);
/* Whether the process can open no more descriptors now; its errno value, or 0. */
int xl_out_of_descriptors(void);

#endif
