/*
 * misuse.h - ends the process at a misuse of the API, as Apple's libxpc does.
 *
 * Apple's headers call these a programming error, an error or undefined. A program that did one of
 * them would run on Linux and end on a Mac, so it ends here too: with a sentence on stderr, then by
 * SIGABRT.
 */
#ifndef XL_MISUSE_H
#define XL_MISUSE_H

#include <xpc/xpc.h>

/* `function` was called wrongly: what was found, and what to do instead. One line; none of the texts is of a peer. */
__attribute__((noreturn)) void xl_misuse(const char *function, const char *found, const char *instead);
/* Ends the process unless the object, which was given to `function`, is a connection. */
void xl_require_connection(xpc_object_t object, const char *function);
/* The same for a message, which is a dictionary. */
void xl_require_message(xpc_object_t object, const char *function);

#endif
