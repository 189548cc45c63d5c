/*
 * debug.h - empty, so that programs which include it compile. Its only function is for
 * debuggers on macOS, and does not exist on Linux.
 */
#ifndef __XPC_DEBUG_H__
#define __XPC_DEBUG_H__

#include <xpc/xpc.h>

#endif
