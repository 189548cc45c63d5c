/*
 * listener.h - empty, so that programs which include it compile. The listeners of sessions do
 * not exist on Linux: use a connection that listens, see connection.h.
 */
#ifndef __XPC_LISTENER_H__
#define __XPC_LISTENER_H__

#include <xpc/xpc.h>

#endif
