/*
 * streamlib_bridge.h: the C ABI between ffi/ (Deno) and the shim.
 *
 * The shim puts Apple's XPC C API, and on Linux our own libxpc, behind plain C:
 * fixed-width integers, (pointer, length) pairs and handles.
 *
 * Handles. A native object is named by a 32-bit handle, never by a pointer: a
 * stale, foreign or released handle is an error (SLB_E_HANDLE), never a crash.
 * 0 is no handle. A function that returns a handle gives the caller one that
 * must be released exactly once with slb_release; on failure it returns 0.
 * Every object belongs to the event queue that it was made with and goes away
 * with it at the latest.
 *
 * Errors. Functions that return int32_t return a value >= 0, or one of the
 * SLB_E_ codes. slb_error_copy gives the words for the last failure on the
 * calling thread: what was tried and what was found.
 *
 * Threads. Every function may be called from any thread; calls with the same
 * handle are the caller's to put in order. XPC's own threads never call out of
 * the shim: they put events on a queue and ring its bell, a
 * socket that the owner of the queue reads with its own event loop.
 *
 * Messages cross this ABI in the packed form that packed.h describes.
 *
 * ffi/symbols.ts lists the same functions; a test compares the two. Each
 * prototype stands on the lines between SLB_API and a semicolon.
 */
#ifndef STREAMLIB_BRIDGE_H
#define STREAMLIB_BRIDGE_H

#include <stdint.h>

#define SLB_API __attribute__((visibility("default")))

/* Changes whenever a signature, a layout or a meaning here changes. */
#define SLB_ABI_VERSION 3

/* Limits on one message, sent or received. */
#define SLB_MAX_MESSAGE_BYTES 1048576
#define SLB_MAX_MESSAGE_DEPTH 32
#define SLB_MAX_MESSAGE_CAPABILITIES 16
/* Events of one connection that may wait to be drained; then it is suspended. */
#define SLB_MAX_PENDING_EVENTS 256
/* Bytes that slb_error_copy and slb_connection_reason_copy write at the most. */
#define SLB_MAX_TEXT_BYTES 512

typedef uint32_t slb_handle;

/* Failures. */
#define SLB_E_HANDLE (-1)   /* no such handle, or one of another kind */
#define SLB_E_ARGUMENT (-2) /* a value out of range, or malformed bytes */
#define SLB_E_MEMORY (-3)   /* out of memory */
#define SLB_E_SYSTEM (-4)   /* a system call failed */
#define SLB_E_BUFFER (-5)   /* the buffer is too small for the next event */
#define SLB_E_CLOSED (-6)   /* the connection or the queue is closed */
#define SLB_E_AGAIN (-7)    /* nothing is there yet */
#define SLB_E_IN_USE (-8)   /* another process has it */
#define SLB_E_PERMISSION (-9) /* others could reach it, or it is not this user's */
#define SLB_E_ABSENT (-10)  /* there is no such thing */

/* Kinds of handle, the index of slb_stats' first counters. */
#define SLB_KIND_QUEUE 1
#define SLB_KIND_LISTENER 2
#define SLB_KIND_CONNECTION 3
#define SLB_KIND_ENDPOINT 4
#define SLB_KIND_REPLY 5
#define SLB_KIND_SHMEM 6
#define SLB_KIND_FD 7
#define SLB_KIND_SURFACE 8
#define SLB_KIND_STREAM 9

/*
 * Events, as slb_queue_drain writes them, little-endian, one after the other:
 *
 *   offset  size  field
 *   0       4     length of the whole record
 *   4       4     SLB_EVENT_*
 *   8       4     source: handle of the connection or listener
 *   12      4     subject: see below
 *   16      4     detail: see below
 *   20      -     a packed dictionary (MESSAGE, and REPLY with detail 0)
 *
 *   event      subject                              detail
 *   MESSAGE    reply handle, or 0 if none is asked  0
 *   REPLY      request id given to _request         0, or SLB_ERROR_*
 *   PEER       handle of the new, inactive peer     0
 *   ERROR      0                                    SLB_ERROR_*
 *   MALFORMED  reply handle, or 0                   0: beyond the limits above
 */
#define SLB_EVENT_HEADER_BYTES 20
#define SLB_EVENT_MESSAGE 1
#define SLB_EVENT_REPLY 2
#define SLB_EVENT_PEER 3
#define SLB_EVENT_ERROR 4
#define SLB_EVENT_MALFORMED 5

/* What XPC says of a connection. */
#define SLB_ERROR_INVALID 1     /* it is gone for good */
#define SLB_ERROR_INTERRUPTED 2 /* the service went away; sending starts it again */
#define SLB_ERROR_TERMINATION 3 /* the system asks this process to end soon */

/* ---- library ---- */

/* SLB_ABI_VERSION as this library was compiled. */
SLB_API uint32_t slb_abi_version(void);

/* The last failure on this thread as UTF-8, not terminated; returns its bytes. */
SLB_API uint32_t slb_error_copy(uint8_t *text, uint32_t capacity);

/* The SLB_E_ code of the last failure on this thread, for a function that returns a handle; 0 before the first. */
SLB_API int32_t slb_error_code(void);

/*
 * Counters of this process, as 64-bit values; returns how many were written.
 * [0] all live handles, [1..9] those of each SLB_KIND, [10] events waiting,
 * [11] payload bytes of data values sent, [12] messages sent, [13] messages
 * received, [14] surfaces mapped, [15] bytes put on sockets, [16] bytes spilled
 * to memory files, [17] descriptors sent, [18] live XPC objects,
 * [19] live XPC connections. [15] to [19] are 0 where Apple's libxpc is used.
 */
#define SLB_STATS_COUNT 20
SLB_API uint32_t slb_stats(uint64_t *counters, uint32_t capacity);

/* Releases what the handle names; a connection or listener is cancelled first. */
SLB_API int32_t slb_release(slb_handle handle);

/* ---- this process ---- */

/* What slb_process_follow exits with. */
#define SLB_EXIT_FOLLOWED 70

/*
 * From now on this process outlives the process `pid` by `grace_ms` at the
 * most: then it exits at once with SLB_EXIT_FOLLOWED, even while its own thread
 * never comes back from what it is doing. Returns 1, and does nothing, if that
 * process has ended already, else 0.
 */
SLB_API int32_t slb_process_follow(int32_t pid, uint32_t grace_ms);

/* ---- event queue: one per isolate ---- */

/*
 * Makes a queue. It is closed by slb_release, or when the thread that made it
 * ends (a Worker that was terminated): then all that belongs to it is released.
 */
SLB_API slb_handle slb_queue_create(void);

/*
 * The descriptor to read for the bell, non-blocking; the caller owns it from
 * then on and closes it. Once only. One byte comes when the queue goes from
 * empty to non-empty.
 */
SLB_API int32_t slb_queue_take_bell(slb_handle queue);

/*
 * Moves as many whole events as fit into the buffer, oldest first; returns the
 * bytes written, 0 when there is none. SLB_E_BUFFER: the next one alone does
 * not fit; slb_queue_next_bytes says what it needs.
 */
SLB_API int32_t slb_queue_drain(slb_handle queue, uint8_t *buffer, uint32_t capacity);

/* The bytes that the next event needs, 0 when there is none. */
SLB_API uint32_t slb_queue_next_bytes(slb_handle queue);

/* ---- connections ---- */

/* An anonymous listener, inactive: reachable only through its endpoint. */
SLB_API slb_handle slb_listener_create(slb_handle queue);

/* The listener of a named service, inactive. `name` is UTF-8, not terminated. */
SLB_API slb_handle slb_listener_create_service(slb_handle queue, const uint8_t *name, uint32_t length);

/* An endpoint of an anonymous listener: the capability to connect to it. */
SLB_API slb_handle slb_endpoint_create(slb_handle listener);

/* A connection to a named service, inactive. */
SLB_API slb_handle slb_connection_create_service(slb_handle queue, const uint8_t *name, uint32_t length);

/* A connection to the listener behind an endpoint, inactive. The endpoint stays the caller's. */
SLB_API slb_handle slb_connection_create_endpoint(slb_handle queue, slb_handle endpoint);

/* Starts events on a connection or listener; again is harmless. */
SLB_API int32_t slb_connection_activate(slb_handle connection);

/* Ends a connection or listener: one last SLB_ERROR_INVALID, then silence. */
SLB_API int32_t slb_connection_cancel(slb_handle connection);

/* Sends a packed dictionary; the order of sends is kept. */
SLB_API int32_t slb_connection_send(slb_handle connection, const uint8_t *message, uint32_t length);

/* Sends a packed dictionary and asks for a reply: exactly one SLB_EVENT_REPLY with `request_id`. */
SLB_API int32_t slb_connection_request(slb_handle connection, const uint8_t *message, uint32_t length, uint32_t request_id);

/* Answers a request; on success the reply's handle is released. */
SLB_API int32_t slb_reply_send(slb_handle reply, const uint8_t *message, uint32_t length);

/* The kernel's word on who is at the other end: pid, euid, egid, asid into values[0..3]. */
SLB_API int32_t slb_connection_peer(slb_handle connection, int32_t *values);

/* Why a connection or listener became invalid, as UTF-8; returns the bytes, 0 if unknown. */
SLB_API uint32_t slb_connection_reason_copy(slb_handle connection, uint8_t *text, uint32_t capacity);

/* The path of a named service's socket; returns the bytes. 0 with the error set on macOS, where launchd holds the names. */
SLB_API uint32_t slb_service_path_copy(const uint8_t *name, uint32_t length, uint8_t *text, uint32_t capacity);

/*
 * Whether a service manager (launchd, systemd) holds the name and has started
 * this process to serve it: 1 or 0. It starts the next one when somebody
 * connects.
 */
SLB_API int32_t slb_service_is_activated(const uint8_t *service, uint32_t length);

/* ---- listening stream sockets: for what speaks another protocol than XPC ---- */

/*
 * Listens on a Unix socket that only this user reaches: mode 0600, in a
 * directory of mode 0700 that is made if need be, held by a lock beside it
 * ("<path>.lock"), so that a dead process's socket is in nobody's way.
 * `path` is absolute, UTF-8, not terminated, of 103 bytes at most. A release
 * takes the socket away, and lets go of the lock last.
 *
 * 0 with slb_error_code: SLB_E_ARGUMENT (the path cannot be a socket's),
 * SLB_E_IN_USE (another process listens there), SLB_E_PERMISSION (others reach
 * the directory, or something else is in the socket's place), SLB_E_SYSTEM.
 */
SLB_API slb_handle slb_stream_listen(slb_handle queue, const uint8_t *path, uint32_t length);

/*
 * The stream socket that a service manager listens on for this service and has
 * passed to this process: on Linux by LISTEN_FDS, named as the service; on
 * macOS the one under "grpc" in the agent's Sockets, once in a process. A
 * release leaves it, and who waits there, to the service manager. 0 with
 * slb_error_code SLB_E_ABSENT where there is none.
 */
SLB_API slb_handle slb_stream_inherited(slb_handle queue, const uint8_t *service, uint32_t length);

/*
 * The descriptor to read for this listener's own bell, as slb_queue_take_bell.
 * One byte comes when somebody waits to be accepted, once after each accept
 * that was SLB_E_AGAIN.
 */
SLB_API int32_t slb_stream_take_bell(slb_handle stream);

/*
 * The next connection, at once: a descriptor that is the caller's, non-blocking
 * and close-on-exec. SLB_E_AGAIN: nobody waits, and the bell rings when somebody
 * does. SLB_E_SYSTEM: too few descriptors, say; who waits goes on waiting.
 */
SLB_API int32_t slb_stream_accept(slb_handle stream);

/* Where it listens: the path of its socket as UTF-8; returns the bytes. */
SLB_API uint32_t slb_stream_path_copy(slb_handle stream, uint8_t *text, uint32_t capacity);

/* ---- shared memory ---- */

/* A region of `bytes`, zeroed, that can be sent. */
SLB_API slb_handle slb_shmem_create(slb_handle queue, uint64_t bytes);

/* Its address in this process, mapped on first use; NULL on failure. Valid until release. */
SLB_API void *slb_shmem_map(slb_handle shmem);

/* How many bytes slb_shmem_map made visible, rounded up to whole pages; 0 before. */
SLB_API uint64_t slb_shmem_bytes(slb_handle shmem);

/* ---- descriptors ---- */

/* Wraps a copy of `descriptor`; the caller's own stays open. */
SLB_API slb_handle slb_fd_create(slb_handle queue, int32_t descriptor);

/* A new descriptor each call, close-on-exec, owned by the caller. */
SLB_API int32_t slb_fd_dup(slb_handle fd);

/* ---- surfaces: two-dimensional pixel buffers ---- */

/*
 * Makes a surface of width by height elements of `element_bytes` each, zeroed,
 * its rows aligned by the system, `pixel_format` a FourCC. On Linux its pages
 * are present.
 */
SLB_API slb_handle slb_surface_create(slb_handle queue, uint32_t width, uint32_t height, uint32_t element_bytes, uint32_t pixel_format);

/* width, height, bytes per row, pixel format, bytes (low, high), id (low, high) into values[0..7]. */
SLB_API int32_t slb_surface_layout(slb_handle surface, uint32_t *values);

/* The first pixel's address in this process, mapped on first use; NULL on failure. Valid until release. */
SLB_API void *slb_surface_map(slb_handle surface);

/*
 * Brackets CPU access, to be called in pairs: an unlock without a lock of the
 * same `read_only` is SLB_E_ARGUMENT. A release ends what is still locked.
 */
SLB_API int32_t slb_surface_lock(slb_handle surface, uint32_t read_only);
SLB_API int32_t slb_surface_unlock(slb_handle surface, uint32_t read_only);

#endif
