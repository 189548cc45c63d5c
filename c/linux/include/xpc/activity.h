/*
 * activity.h - included by <xpc/xpc.h>. Linux has no scheduler of activities: the type exists so
 * that programs which compare with it compile, and no object has it. The functions do not exist.
 */
#ifndef __XPC_ACTIVITY_H__
#define __XPC_ACTIVITY_H__

#include <xpc/xpc.h>

#define XPC_TYPE_ACTIVITY (&_xpc_type_activity)
XPC_EXPORT XPC_TYPE(_xpc_type_activity);
XPC_DECL(xpc_activity);

#endif
