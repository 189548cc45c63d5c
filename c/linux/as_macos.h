/*
 * as_macos.h - whether this libxpc behaves as Apple's does, where the two differ: for tests.
 *
 * The variable STREAMLIB_LIBXPC=macos, read once, chooses it. By public evidence, not tried on a Mac:
 *
 *   client.c    a client by endpoint that loses its peer gets INTERRUPTED, and its next send connects again:
 *               as a new peer, or INVALID if the listener has ended
 *   send.c      a message is handed to the kernel later, on another thread, and the kernel holds little: what
 *               the other side does not read waits in this process, and is lost when it cancels or ends
 *   reply_thread.c  a reply handler without a queue runs beside the event handler, and before messages that came first
 */
#ifndef XL_AS_MACOS_H
#define XL_AS_MACOS_H

#include <stdbool.h>

bool xl_as_macos(void);

#endif
