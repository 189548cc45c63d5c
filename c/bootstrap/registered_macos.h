/*
 * registered_macos.h: the three ports that a task has registered, which its children inherit.
 *
 * Slots 0 and 1 are the system's: libxpc uses 0. A bootstrap uses slot 2. The ports are those of the whole
 * process, so only one bootstrap at a time offers one.
 *
 * fork() of libSystem has libxpc register only its own port (xpc_atfork_prepare), which empties slot 2 of this
 * process and of the child. posix_spawn does not.
 */
#ifndef BOOT_REGISTERED_MACOS_H
#define BOOT_REGISTERED_MACOS_H

#include <mach/mach.h>

/* The port in slot 2, which the caller owns; MACH_PORT_NULL if there is none. */
mach_port_t boot_registered_get(void);

/* Puts a port, which stays the caller's, in slot 2 until boot_registered_withdraw; other offers wait. */
kern_return_t boot_registered_offer(mach_port_t port);
/* After a success: puts back what was there. */
void boot_registered_withdraw(void);

/* Puts a port, which stays the caller's, back in slot 2 if a fork has removed it. No effect while one is offered. */
void boot_registered_restore(mach_port_t port);

#endif
