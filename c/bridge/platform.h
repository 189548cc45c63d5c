/*
 * platform.h: system functions outside XPC's C API. Each system has its own
 * implementation: platform_linux.c, platform_macos.c.
 */
#ifndef SLB_PLATFORM_H
#define SLB_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xpc/xpc.h>

/* Copies the reason why the connection is invalid, as UTF-8. Returns its length in bytes, 0 if unknown. */
uint32_t platform_reason_copy(xpc_connection_t connection, uint8_t *text, uint32_t capacity);
/* Why the connection is invalid or was interrupted, as an SLB_REASON_* code. */
uint32_t platform_reason_code(xpc_connection_t connection);
/* Cancels the connection. Tells the other side why if the system can: an SLB_REASON_* code, and its text. */
void platform_cancel_because(xpc_connection_t connection, uint32_t reason, const char *text);

/* Why XPC would not send a message: a text until the thread's next call; NULL if it would. */
const char *platform_message_refused(xpc_object_t message);
/* Why a received message has no content: a static text, or NULL. */
const char *platform_message_problem(xpc_object_t message);
/* The message goes to a queue of ours: it counts as undelivered until it is released. */
void platform_message_keep(xpc_object_t message);

/* Copies the path of the service's socket. Returns its length in bytes, 0 with the error set. */
uint32_t platform_service_path_copy(const char *name, uint8_t *text, uint32_t capacity);

/* Returns zeroed memory that xpc_shmem_create accepts; NULL with errno on failure. */
void *platform_region_create(size_t bytes);
void platform_region_destroy(void *region, size_t bytes);

/* Waits until one of the pipes or sockets, which this process writes to, has no reader any more. `limit_ms` -1: for ever. Returns whether one has none. */
bool platform_wait_for_lost_reader(const int *ends, int count, int limit_ms);

/* Writes who is at the other end of a connected stream socket: pid, euid, egid. -1 with errno on failure. */
int platform_stream_peer(int descriptor, int32_t values[3]);
/* When the process has started, in a unit of the system's own; 0 if it is not known. */
uint64_t platform_process_started(int32_t pid);
/* Whether a signal has stopped the process, or a debugger holds it; false if that is not known. */
bool platform_process_is_stopped(int32_t pid);
/* See slb_silent. */
void platform_silent(uint32_t values[3]);

/*
 * Returns the listening stream socket of the service that a service manager has
 * passed to this process, close-on-exec and non-blocking; the caller owns it. -1
 * with errno on failure, ENOENT if there is none.
 */
int platform_stream_inherited(const char *service);
/* Whether a service manager has started this process to serve the name. */
bool platform_is_activated(const char *service);
/*
 * Accepts a connection, close-on-exec and non-blocking. -1 with errno on failure. If no descriptor is free,
 * the connection stays in the queue on Linux, and is lost on macOS.
 */
int platform_accept(int listening);

/* Describes an errno value. If it is a limit of this process or system: which, and what to do. Valid until the next call on this thread. */
const char *platform_cause(int why);
/* As platform_cause, for a thread that could not be started. */
const char *platform_thread_cause(int why);
/* Whether this process may make a file of that many bytes; if not, errno is EFBIG. Writing beyond it would end the process by SIGXFSZ. */
bool platform_file_allowed(uint64_t bytes);

/* See slb_confinement. 0: `why_not` says what the system lacks, a text that lives as long as the process. */
int platform_confinement(const char **why_not);

/* The processor that runs this thread, plus 1; 0 if the system does not tell. It may be another one at any time. */
uint32_t platform_core(void);

/* The counters [17] to [21] of slb_stats. */
void platform_stats(uint64_t counters[5]);

#endif
