/*
 * exhaustion.h - names the limits of this process that a failed call has met.
 */
#ifndef XL_EXHAUSTION_H
#define XL_EXHAUSTION_H

#include <stdbool.h>

/* Whether the errno value means that this process or system has no more of something. */
bool xl_is_exhausted(int why);
/*
 * Describes an errno value. If it is a limit of this process or system: which, its number, and what to
 * do. The text is valid until the next call on this thread.
 */
const char *xl_cause(int why);
/* Whether the process can open no more descriptors now; its errno value, or 0. */
int xl_out_of_descriptors(void);

#endif
