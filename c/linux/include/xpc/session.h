/*
 * session.h - empty, so that programs which include it compile. Sessions do not exist on Linux:
 * use connections, see connection.h.
 */
#ifndef __XPC_SESSION_H__
#define __XPC_SESSION_H__

#include <xpc/xpc.h>

#endif
