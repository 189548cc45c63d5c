/*
 * platform.h: what the shim needs that is not in XPC's C API, one
 * implementation per system: platform_linux.c, platform_macos.c.
 */
#ifndef SLB_PLATFORM_H
#define SLB_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xpc/xpc.h>

/* Why the connection is invalid, as UTF-8; returns the bytes, 0 if unknown. */
uint32_t platform_reason_copy(xpc_connection_t connection, uint8_t *text, uint32_t capacity);

/* Where the named service is found; returns the bytes, 0 with the error set. */
uint32_t platform_service_path_copy(const char *name, uint8_t *text, uint32_t capacity);

/* Zeroed memory that xpc_shmem_create accepts. NULL with errno. */
void *platform_region_create(size_t bytes);
void platform_region_destroy(void *region, size_t bytes);

/* A descriptor for platform_process_wait, close-on-exec. -1 with errno, ESRCH if it has ended. */
int platform_process_watch(int32_t pid);
/* Returns when the process has ended. */
void platform_process_wait(int watch);

/*
 * The listening stream socket that a service manager passed to this process for
 * the service, the caller's own, close-on-exec and non-blocking. -1 with errno,
 * ENOENT if there is none.
 */
int platform_stream_inherited(const char *service);
/* Whether a service manager started this process to serve the name. */
bool platform_is_activated(const char *service);
/* Accepts, close-on-exec and non-blocking. -1 with errno. */
int platform_accept(int listening);

/* The counters [15] to [19] of slb_stats. */
void platform_stats(uint64_t counters[5]);

#endif
