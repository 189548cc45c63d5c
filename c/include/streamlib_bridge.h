/*
 * streamlib_bridge.h: the C ABI between ffi/ (Deno) and the shim.
 *
 * The shim puts Apple's XPC C API, and on Linux our own libxpc, behind plain C:
 * fixed-width integers, (pointer, length) pairs and handles.
 *
 * Handles. A native object is named by a 32-bit handle, never by a pointer: a
 * stale, foreign or released handle is an error (SLB_E_HANDLE), never a crash.
 * 0 is not a handle. A function that returns a handle makes the caller its
 * owner, who must release it exactly once with slb_release; on failure the
 * function returns 0. Every object belongs to the event queue that it was made
 * with, and is released with that queue at the latest.
 *
 * Mappings. The address that slb_surface_map, slb_shmem_map, their _read variants or slb_lane_map has returned is
 * valid until slb_release of that handle, which unmaps the memory: with it the
 * caller says that nobody looks at the memory any more. If that cannot be said,
 * the caller first calls slb_mapping_keep. A queue that is closed unmaps nothing
 * either. A mapping that is kept stays at its address until the process ends:
 * reading there is never a crash, nor is writing unless the function is a _read variant.
 *
 * Errors. Functions that return int32_t return a value >= 0, or one of the
 * SLB_E_ codes. slb_error_copy returns the text of the last failure on the
 * calling thread: what was tried and what was found.
 *
 * Threads. Every function may be called from any thread; the caller must not
 * call two at the same time with the same handle. The threads of XPC never call
 * functions outside the shim: they put events on a queue and ring its bell, a
 * socket that the owner of the queue reads in its own event loop.
 *
 * Messages cross this ABI in the packed form, which packed.h describes.
 *
 * ffi/symbols.ts lists the same functions, and a test compares the two. The test
 * reads each prototype from SLB_API to the next semicolon.
 */
#ifndef STREAMLIB_BRIDGE_H
#define STREAMLIB_BRIDGE_H

#include <stdint.h>

#define SLB_API __attribute__((visibility("default")))

/* Raised by one for each change of a signature, a layout or a meaning in this file. */
#define SLB_ABI_VERSION 11

/* Limits on one message, sent or received. */
#define SLB_MAX_MESSAGE_BYTES 1048576
#define SLB_MAX_MESSAGE_DEPTH 32
#define SLB_MAX_MESSAGE_CAPABILITIES 16
/* The most bytes that it may take when it is decoded, estimated: see c/bridge/cost.h. 1 MiB of numbers fits. */
#define SLB_MAX_MESSAGE_COST 16777216

/*
 * Limits on the queues, in bytes by c/bridge/cost.h, and in events.
 *
 * Inbox: the events of a connection that are not drained yet. At one of the first two limits the
 * connection is suspended: its peer's messages stay in XPC, and then its sends wait. It is resumed when
 * half is left. At the third limit every connection is suspended that has an event waiting.
 */
#define SLB_MAX_PENDING_EVENTS 256
#define SLB_MAX_INBOX_BYTES 8388608
#define SLB_MAX_INBOX_TOTAL_BYTES 67108864
/*
 * Outbox: what was sent on a connection and XPC has not handed to the peer's side, encoded: its bytes,
 * 512 for each message and 16384 for each capability. It is counted from one barrier to the next, so up
 * to SLB_OUTBOX_STEP_BYTES too high. A message that exceeds the limit ends
 * the connection: its peer does not read. One message may always wait.
 */
#define SLB_MAX_OUTBOX_BYTES 16777216
#define SLB_OUTBOX_STEP_BYTES 262144
/* The most connections whose handle is released and whose peer has not taken yet what was sent to it. */
#define SLB_MAX_FAREWELLS 16
/* The number of messages beyond the limits with which a connection is ended. */
#define SLB_MAX_MALFORMED_MESSAGES 16
/*
 * slb_queue_drain goes round the connections with waiting events. At its turn each is served this many
 * bytes more; one call returns as many bytes as the second limit, or one event.
 */
#define SLB_DRAIN_TURN_BYTES 8192
#define SLB_DRAIN_CALL_BYTES 32768
/* The most bytes that slb_error_copy and slb_connection_reason_copy write. */
#define SLB_MAX_TEXT_BYTES 512
/* The most bytes of one surface or region. A larger one of a peer can be received, but not mapped. */
#define SLB_MAX_MEMORY_BYTES (1ull << 30) /* 16K video in 16-bit floats */
/* The most bytes of a region that every system shares as a whole; for a larger one, slb_shmem_create asks the system. */
#define SLB_SHARED_WHOLE_BYTES (128ull << 20)
/*
 * The most kept mappings that hold their content, and their bytes. The oldest are
 * then replaced by zeros at the same address (not surfaces of macOS, which stay).
 */
#define SLB_MAX_KEPT_MAPPINGS 4096
#define SLB_MAX_KEPT_BYTES (256ull << 20)

typedef uint32_t slb_handle;

/* Failures. */
#define SLB_E_HANDLE (-1)   /* no such handle, or one of another kind */
#define SLB_E_ARGUMENT (-2) /* a value out of range, or malformed bytes */
#define SLB_E_MEMORY (-3)   /* out of memory */
#define SLB_E_SYSTEM (-4)   /* a system call failed */
#define SLB_E_BUFFER (-5)   /* the buffer is too small for the next event */
#define SLB_E_CLOSED (-6)   /* the connection or the queue is closed */
#define SLB_E_AGAIN (-7)    /* nothing is available yet */
#define SLB_E_IN_USE (-8)   /* another process uses it */
#define SLB_E_PERMISSION (-9) /* other users can reach it, or it belongs to another user */
#define SLB_E_ABSENT (-10)  /* it does not exist */
#define SLB_E_OUTBOX (-11)  /* the peer does not read what was sent to it; the connection is ended */

/* Kinds of handle. Each is the index of its counter in slb_stats. */
#define SLB_KIND_QUEUE 1
#define SLB_KIND_LISTENER 2
#define SLB_KIND_CONNECTION 3
#define SLB_KIND_ENDPOINT 4
#define SLB_KIND_REPLY 5
#define SLB_KIND_SHMEM 6
#define SLB_KIND_FD 7
#define SLB_KIND_SURFACE 8
#define SLB_KIND_STREAM 9
#define SLB_KIND_BOOTSTRAP 10
#define SLB_KIND_LANE 11

/*
 * Events, as slb_queue_drain writes them, one after the other, little-endian:
 *
 *   offset  size  field
 *   0       4     length of the whole record
 *   4       4     SLB_EVENT_*
 *   8       4     source: handle of the connection or listener
 *   12      4     subject: see below
 *   16      4     detail: see below
 *   20      4     what it costs: see SLB_MAX_INBOX_BYTES
 *   24      -     a packed dictionary (MESSAGE, and REPLY with detail 0), or a text
 *
 *   event      subject                              detail
 *   MESSAGE    reply handle, or 0 if none is asked  0
 *   REPLY      request id given to _request         0, or SLB_ERROR_*
 *   PEER       handle of the new, inactive peer     0
 *   ERROR      SLB_REASON_*                         SLB_ERROR_*
 *   MALFORMED  reply handle, or 0                   0; the message exceeds a limit above
 *
 * The text of MALFORMED, and of a REPLY with SLB_ERROR_MALFORMED, says which limit, as UTF-8.
 *
 * The events of one connection keep their order, and a peer has none before its PEER event was drained
 * and the peer activated. Events of different connections have no order.
 */
#define SLB_EVENT_HEADER_BYTES 24
#define SLB_EVENT_MESSAGE 1
#define SLB_EVENT_REPLY 2
#define SLB_EVENT_PEER 3
#define SLB_EVENT_ERROR 4
#define SLB_EVENT_MALFORMED 5

/* The end of a connection or listener, as XPC reports it. */
#define SLB_ERROR_INVALID 1     /* it cannot be used again */
#define SLB_ERROR_INTERRUPTED 2 /* the service ended; the next message connects again */
#define SLB_ERROR_TERMINATION 3 /* the system asks this process to exit soon */

/* Of a REPLY: it arrived, and exceeds a limit. */
#define SLB_ERROR_MALFORMED 4

/* Why a connection or listener is invalid; slb_connection_reason_copy returns the text. */
#define SLB_REASON_UNKNOWN 0 /* Apple's libxpc gives no code */
#define SLB_REASON_IN_USE 1  /* another process serves the listener's name; on macOS only in a bootstrap */
#define SLB_REASON_OUTBOX 2  /* its peer does not read what was sent to it */
#define SLB_REASON_MALFORMED 3 /* its peer sent too many messages beyond the limits, or one that is none */
#define SLB_REASON_EXHAUSTED 4 /* the system refuses this process a resource: not for anything that the peer did */
/*
 * Added to one of them: the other side has ended the connection, and the reason is its own; the text
 * has its words. OUTBOX: this process does not read. MALFORMED: this process has sent what it refuses. Of an
 * interrupted connection too. Never on macOS.
 */
#define SLB_REASON_TOLD 256

/* ---- library ---- */

/* The SLB_ABI_VERSION that this library was compiled with. */
SLB_API uint32_t slb_abi_version(void);

/* Copies the text of the last failure on this thread: UTF-8, not terminated. Returns its length in bytes. */
SLB_API uint32_t slb_error_copy(uint8_t *text, uint32_t capacity);

/* The SLB_E_ code of the last failure on this thread, for functions that return a handle; 0 before the first failure. */
SLB_API int32_t slb_error_code(void);

/* The effective user id of this process. */
SLB_API uint32_t slb_user_id(void);

/*
 * Nanoseconds of a clock that never goes back and is the same in every process of this machine: that of the
 * timestamps of frames. CLOCK_MONOTONIC; on macOS CLOCK_UPTIME_RAW. Never fails.
 */
SLB_API uint64_t slb_now_ns(void);

/* The same clock in milliseconds, with a fraction: for time limits, where a 64-bit integer costs its caller more than the clock. */
SLB_API double slb_clock_ms(void);

/* Sleeps for `us` microseconds or a little more; less if a signal comes. Returns 0. For a thread that has nothing else to do. */
SLB_API int32_t slb_sleep_us(uint32_t us);

/*
 * Writes counters of this process, and returns how many it has written.
 * [0] all live handles, [1..11] those of each SLB_KIND, [12] events waiting,
 * [13] payload bytes of data values sent, [14] messages sent, [15] messages
 * received, [16] surfaces mapped, [17] bytes put on sockets, [18] bytes spilled
 * to memory files, [19] descriptors sent, [20] live XPC objects,
 * [21] live XPC connections, [22] mappings kept (see "Mappings" above), [23]
 * bytes of them that hold their content. [17] to [21] are 0 on macOS. [24] bytes
 * waiting in the inboxes of all connections, [25] bytes waiting in their
 * outboxes, [26] connections suspended now, [27] connections ended because their
 * peer did not read, [28] malformed messages received, [29] connections ended
 * for these.
 */
#define SLB_STATS_COUNT 30
SLB_API uint32_t slb_stats(uint64_t *counters, uint32_t capacity);

/* Releases a handle and its object; a connection or listener is cancelled first. */
SLB_API int32_t slb_release(slb_handle handle);

/* ---- this process ---- */

/* The exit code of a process that slb_process_follow ends. */
#define SLB_EXIT_FOLLOWED 70

/*
 * Makes this process exit `grace_ms` milliseconds after the process that reads
 * its stdout or its stderr has ended, with SLB_EXIT_FOLLOWED, even if its main
 * thread is blocked. A later call changes the time. Returns 0; or 1, and does
 * nothing, if neither stdout nor stderr is a pipe. `scratch` is the path of a file
 * of slb_scratch_create, which is removed when that process has ended; `length`
 * 0: none.
 */
SLB_API int32_t slb_process_follow(uint32_t grace_ms, const uint8_t *scratch, uint32_t length);

/* Whether the process that slb_process_follow follows has ended: 0 or 1. Known at once if it had ended before. */
SLB_API int32_t slb_process_is_orphan(void);

/*
 * Whether this process was started as a client and does not run as one: it still
 * has a client's token in its environment, which client/runner.ts removes. 0 or 1.
 */
SLB_API int32_t slb_process_is_client(void);

/*
 * To be called in a process that was forked from one that uses this library, and that executes no other program: first
 * of all functions, on its only thread. It closes the descriptors that the library holds, in this process
 * alone, so that the parent's connections end when the parent does, and its locks with it. The caller closes what it
 * owns itself, such as bells. Mappings stay. The channel of STREAMLIB_BOOTSTRAP stays too: what this process executes
 * inherits it.
 *
 * From then on every handle names nothing (SLB_E_HANDLE), slb_queue_create and the functions that need a thread of
 * the library fail with SLB_E_CLOSED, and slb_stats writes nothing: the connections are the parent's. Returns 0. What
 * another thread was about to open or receive at the moment of the fork may stay open.
 */
SLB_API int32_t slb_forked(void);

/*
 * Catches SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2, and sends each to process `pid`, a child of
 * this one. What the terminal sends to the whole foreground group, such as a Ctrl-C, is not sent to it again.
 * Signals that were ignored at the first call are ignored. Each call sets the handlers again. `pid` 0: signals wait for the next process; -1: they are caught no more,
 * and those that wait are forgotten.
 */
SLB_API int32_t slb_process_forward(int32_t pid);

/* The most bytes that wait to be written to stderr. */
#define SLB_STDERR_BYTES 1048576

/*
 * Writes to stderr, on a thread of its own: it never blocks, and fails only if
 * the thread cannot be started. Bytes beyond SLB_STDERR_BYTES are lost, and so is
 * what cannot be written; "[N bytes of output lost]" is written in their place
 * when something can be written again. At exit the thread gets 2 s, less if the
 * reader takes nothing for 500 ms.
 */
SLB_API int32_t slb_stderr_write(const uint8_t *bytes, uint32_t count);

/*
 * Writes a file of mode 0600 into a new directory of mode 0700, for a child that
 * reads it by its path: below $TMPDIR or, if that is not set or refuses it, below
 * /dev/shm, else below /tmp. Copies the path. Returns its length in bytes, 0 on
 * failure. slb_scratch_remove removes file and directory. The first call of a
 * process also removes those of processes that were killed.
 */
SLB_API uint32_t slb_scratch_create(const uint8_t *bytes, uint32_t length, uint8_t *path, uint32_t capacity);
SLB_API int32_t slb_scratch_remove(const uint8_t *path, uint32_t length);

/* ---- confinement of a client ---- */

/* The exit code of the launcher that confines a client (c/confine/confine.h) if it has not executed the program; stderr says why. */
#define SLB_EXIT_UNCONFINED 71

/* The version of Landlock by which clients are confined here, 1 or more. SLB_E_ABSENT: they cannot be; the error says what the system lacks. */
SLB_API int32_t slb_confinement(void);

/* ---- event queue: one per isolate ---- */

/*
 * Makes a queue. It is closed by slb_release, or when the thread that made it
 * ends, for example a Worker that is terminated. Closing it releases all objects
 * that belong to it.
 */
SLB_API slb_handle slb_queue_create(void);

/*
 * Returns the descriptor of the bell, non-blocking; the caller owns it and must
 * close it. Can be called once for each queue. One byte can be read from it each
 * time the queue goes from empty to non-empty.
 */
SLB_API int32_t slb_queue_take_bell(slb_handle queue);

/*
 * Moves whole events into the buffer, in turn from each connection, oldest first:
 * as many as fit, at most SLB_DRAIN_CALL_BYTES of cost. Returns the number of
 * bytes written, 0 if there is no event. SLB_E_BUFFER: not even the next event
 * fits; slb_queue_next_bytes returns its size.
 */
SLB_API int32_t slb_queue_drain(slb_handle queue, uint8_t *buffer, uint32_t capacity);

/* The size of the next event in bytes; 0 if there is no event. */
SLB_API uint32_t slb_queue_next_bytes(slb_handle queue);

/*
 * Blocks until there is an event, for at most `timeout_ms` milliseconds. Returns 1 if there is one, else 0. Who
 * reads the bell still hears of the event. On another thread than the one that drains the queue, the event may have
 * been drained since.
 */
SLB_API int32_t slb_queue_wait(slb_handle queue, uint32_t timeout_ms);

/* ---- connections ---- */

/* An anonymous listener, inactive. Only its endpoint leads to it. */
SLB_API slb_handle slb_listener_create(slb_handle queue);

/*
 * The listener of a named service, inactive. `name` is UTF-8, not terminated. On macOS in a bootstrap it is
 * registered by this call, which waits for at most 5 s.
 */
SLB_API slb_handle slb_listener_create_service(slb_handle queue, const uint8_t *name, uint32_t length);

/* An endpoint of an anonymous listener: the capability to connect to it. */
SLB_API slb_handle slb_endpoint_create(slb_handle listener);

/*
 * A connection to a named service, inactive. On macOS in a bootstrap this call asks for the name, and waits for at
 * most 500 ms; the connection is then one by endpoint: it becomes invalid when the service ends, and is not
 * interrupted. What the bootstrap refuses becomes invalid when it is activated, with the reason.
 */
SLB_API slb_handle slb_connection_create_service(slb_handle queue, const uint8_t *name, uint32_t length);

/* A connection to the listener behind an endpoint, inactive. The endpoint stays the caller's. */
SLB_API slb_handle slb_connection_create_endpoint(slb_handle queue, slb_handle endpoint);

/* Starts the events of a connection or listener. More than one call does no harm. */
SLB_API int32_t slb_connection_activate(slb_handle connection);

/* Ends a connection or listener. Its last event is SLB_ERROR_INVALID. */
SLB_API int32_t slb_connection_cancel(slb_handle connection);

/*
 * Sends a packed dictionary. Messages arrive in the order in which they were sent. SLB_E_OUTBOX: the
 * message would exceed SLB_MAX_OUTBOX_BYTES; the connection is ended, with SLB_REASON_OUTBOX. The same
 * is true of slb_connection_request, then without an SLB_EVENT_REPLY, and of slb_reply_send.
 */
SLB_API int32_t slb_connection_send(slb_handle connection, const uint8_t *message, uint32_t length);

/* Sends a packed dictionary and asks for a reply. Exactly one SLB_EVENT_REPLY with `request_id` follows. */
SLB_API int32_t slb_connection_request(slb_handle connection, const uint8_t *message, uint32_t length, uint32_t request_id);

/* Replies to a request. On success, and with SLB_E_OUTBOX, the reply's handle is released. */
SLB_API int32_t slb_reply_send(slb_handle reply, const uint8_t *message, uint32_t length);

/*
 * Sets the longest message that this connection takes, packed, in bytes; SLB_MAX_MESSAGE_BYTES at first. A longer
 * one is dropped like one beyond the other limits.
 */
SLB_API int32_t slb_connection_limit(slb_handle connection, uint32_t bytes);

/*
 * Writes how full the queues of a connection or listener are into values[0..3]: bytes in its inbox,
 * events in its inbox, bytes in its outbox, 1 if it is suspended.
 */
SLB_API int32_t slb_connection_queues(slb_handle connection, uint64_t *values);

/* Writes who the peer is, according to the kernel, into values[0..3]: pid, euid, egid, asid. */
SLB_API int32_t slb_connection_peer(slb_handle connection, int32_t *values);

/* Copies the reason why a connection or listener became invalid, as UTF-8. Returns its length in bytes, 0 if unknown. */
SLB_API uint32_t slb_connection_reason_copy(slb_handle connection, uint8_t *text, uint32_t capacity);

/* Copies the path of a named service's socket. Returns its length in bytes; 0 with the error set on macOS, where names belong to launchd. */
SLB_API uint32_t slb_service_path_copy(const uint8_t *name, uint32_t length, uint8_t *text, uint32_t capacity);

/*
 * Returns 1 if a service manager (launchd, systemd) owns the name and has
 * started this process to serve it, else 0. When this process has ended, the
 * manager starts a new one as soon as a client connects.
 */
SLB_API int32_t slb_service_is_activated(const uint8_t *service, uint32_t length);

/* ---- bootstrap: names for the processes that this one starts ---- */

/*
 * A bootstrap knows names and who serves them. It answers this process, and the processes to which it
 * gives a channel when they are started, with all that they start in turn; nobody else can reach it. In
 * such a process the names of slb_listener_create_service and slb_connection_create_service are those of
 * its bootstrap. Its thread answers also while this process is busy. Releasing the handle ends it; what
 * was connected goes on. `isolated` 1: a name that it does not know is looked for nowhere else. 0: next
 * in the bootstrap that this process is in itself, then among the services of this user.
 *
 * Names have 1 to 127 bytes without NUL. A name ends with its listener, or with the process that serves it.
 *
 * 0 with slb_error_code SLB_E_ABSENT: the libxpc of this macOS lacks a function that makes endpoints of ports, which
 * the error names.
 */
SLB_API slb_handle slb_bootstrap_create(slb_handle queue, uint32_t isolated);

/*
 * Returns the descriptor of the bootstrap's own bell, as slb_queue_take_bell does. One byte can be read from
 * it when an event waits that slb_bootstrap_next has not returned.
 */
SLB_API int32_t slb_bootstrap_take_bell(slb_handle bootstrap);

/*
 * Writes the oldest event: its kind, its detail, then a name; little-endian. Returns its length in bytes, 0 if
 * there is none. `event` has room for SLB_BOOTSTRAP_EVENT_BYTES.
 *
 *   kind        detail  name
 *   REGISTERED  pid     is served now by that process; 0: one that cannot be seen from here
 *   GONE        pid     is not served any more
 *   WANTED      pid     of slb_bootstrap_declare: that process asks for it; never lost: told again when the next asks
 *   LOST        count   none: so many others were lost, because more than SLB_MAX_BOOTSTRAP_EVENTS waited
 */
#define SLB_BOOTSTRAP_EVENT_BYTES 136
#define SLB_MAX_BOOTSTRAP_EVENTS 256
#define SLB_BOOTSTRAP_REGISTERED 1
#define SLB_BOOTSTRAP_GONE 2
#define SLB_BOOTSTRAP_WANTED 3
#define SLB_BOOTSTRAP_LOST 4
SLB_API int32_t slb_bootstrap_next(slb_handle bootstrap, uint8_t *event);

/* Registers a name with the endpoint of a listener of this process. The endpoint stays the caller's. SLB_E_IN_USE: somebody serves it. */
SLB_API int32_t slb_bootstrap_register(slb_handle bootstrap, const uint8_t *name, uint32_t length, slb_handle endpoint);

/*
 * An endpoint of the listener that serves the name. 0 with slb_error_code SLB_E_ABSENT: nobody does; SLB_E_AGAIN: it
 * is declared, and its start was asked for.
 */
SLB_API slb_handle slb_bootstrap_look_up(slb_handle bootstrap, const uint8_t *name, uint32_t length);

/*
 * Declares a name whose server this process starts when somebody asks for it: SLB_BOOTSTRAP_WANTED tells.
 * Who asks waits meanwhile. `declared` 0 ends that.
 */
SLB_API int32_t slb_bootstrap_declare(slb_handle bootstrap, const uint8_t *name, uint32_t length, uint32_t declared);

/* The server of a declared name has ended or could not be started. The next one who asks makes it WANTED again. */
SLB_API int32_t slb_bootstrap_ended(slb_handle bootstrap, const uint8_t *name, uint32_t length);

/* The most bytes of the value of STREAMLIB_BOOTSTRAP. */
#define SLB_BOOTSTRAP_VALUE_BYTES 64

/*
 * Opens a channel for one child, and writes the value of STREAMLIB_BOOTSTRAP for its environment. Returns its
 * length in bytes, 0 on failure. The caller starts the child at once, and then calls slb_bootstrap_withdraw
 * on the same thread: until then each process that this one starts inherits the channel, and other threads
 * wait to offer another. A process that inherits it without the variable does not use it.
 */
SLB_API uint32_t slb_bootstrap_offer(slb_handle bootstrap, uint8_t *value, uint32_t capacity);
SLB_API int32_t slb_bootstrap_withdraw(slb_handle bootstrap);

/*
 * The value of STREAMLIB_BOOTSTRAP with which this process's own children inherit its channel. Returns its
 * length in bytes; 0 if this process is in no bootstrap; SLB_E_ABSENT if the channel was lost: the error
 * says where.
 */
SLB_API int32_t slb_bootstrap_inherited(uint8_t *value, uint32_t capacity);

/* ---- listening stream sockets: for protocols other than XPC ---- */

/*
 * Listens on a Unix socket that only this user can reach: its mode is 0600, and
 * that of its directory, which is made if necessary, is 0700. A lock on the file
 * "<path>.lock" is held while the socket is served: a socket without a lock was
 * left by a dead process, and is replaced. `path` is absolute, UTF-8, not
 * terminated, 103 bytes at most. Releasing the handle removes the socket, then
 * drops the lock.
 *
 * Returns 0 with slb_error_code: SLB_E_ARGUMENT (not a valid path for a socket),
 * SLB_E_IN_USE (another process listens there), SLB_E_PERMISSION (other users
 * can reach the directory, or another file is at the path), SLB_E_SYSTEM.
 */
SLB_API slb_handle slb_stream_listen(slb_handle queue, const uint8_t *path, uint32_t length);

/*
 * The listening stream socket of this service that a service manager has passed
 * to this process: on Linux through LISTEN_FDS, under the service's name; on
 * macOS the one under "grpc" in the agent's Sockets, once for each process.
 * Releasing the handle does not close the socket of the service manager: clients
 * that wait there are accepted by the next process. Returns 0 with
 * slb_error_code SLB_E_ABSENT if there is no such socket.
 */
SLB_API slb_handle slb_stream_inherited(slb_handle queue, const uint8_t *service, uint32_t length);

/*
 * Returns the descriptor of this listener's own bell, as slb_queue_take_bell
 * does. After an accept that returned SLB_E_AGAIN, one byte can be read from it
 * when the next client waits to be accepted.
 */
SLB_API int32_t slb_stream_take_bell(slb_handle stream);

/*
 * Accepts the next connection, without waiting. Returns its descriptor, which
 * the caller owns; it is non-blocking and close-on-exec. SLB_E_AGAIN: no client
 * waits; the bell rings when one does. SLB_E_SYSTEM: for example no descriptor
 * is free; clients that wait stay in the queue.
 */
SLB_API int32_t slb_stream_accept(slb_handle stream);

/* Copies the path of its socket, as UTF-8. Returns its length in bytes. */
SLB_API uint32_t slb_stream_path_copy(slb_handle stream, uint8_t *text, uint32_t capacity);

/*
 * Writes who is at the other end of a connected stream socket, according to the
 * kernel, into values[0..2]: pid, euid, egid. The process is the one that
 * connected. SLB_E_SYSTEM: it is no such socket.
 */
SLB_API int32_t slb_stream_peer(int32_t descriptor, int32_t *values);

/* ---- processes ---- */

/*
 * When a process has started, in a unit of the system's own. With the pid it
 * names a process for good: a pid alone is used again. 0: it has ended, or may
 * not be looked at.
 */
SLB_API uint64_t slb_process_started(int32_t pid);

/* Whether a process cannot run: a signal has stopped it, or a debugger holds it. 0 or 1; 0 too if it has ended, or may not be looked at. */
SLB_API int32_t slb_process_is_stopped(int32_t pid);

/* The most descriptors that this process may have open. */
SLB_API uint32_t slb_descriptor_limit(void);

/*
 * The connections to this process's listeners that have not sent a message yet.
 * Writes into values[0..2]: how many there are, how many were dropped since the
 * start because there was no room for them, and the pid of the process whose
 * connection was dropped last. All are 0 on macOS. Returns 0.
 */
SLB_API int32_t slb_silent(uint32_t *values);

/* ---- shared memory ---- */

/*
 * Makes the release of a surface, shmem or lane keep its mapping, because somebody may
 * still look at it; see "Mappings" above. Without a mapping it has no effect.
 */
SLB_API int32_t slb_mapping_keep(slb_handle memory);

/* Makes a region of `bytes` bytes, zeroed, that can be sent. SLB_E_ARGUMENT: none, or more than SLB_MAX_MEMORY_BYTES. SLB_E_SYSTEM: the system shares only a part of it. */
SLB_API slb_handle slb_shmem_create(slb_handle queue, uint64_t bytes);

/* Its address in this process, mapped at the first call; NULL on failure. Valid as "Mappings" above says. */
SLB_API void *slb_shmem_map(slb_handle shmem);

/*
 * The same memory at another address, through which this process cannot write: code that does gets SIGSEGV. For
 * memory that was received and belongs to its sender. The content is not frozen: who can write it still does.
 */
SLB_API void *slb_shmem_map_read(slb_handle shmem);

/* The number of bytes that slb_shmem_map or slb_shmem_map_read has mapped, whole pages; 0 before. */
SLB_API uint64_t slb_shmem_bytes(slb_handle shmem);

/* ---- descriptors ---- */

/* Wraps a copy of `descriptor`, which the caller still owns. */
SLB_API slb_handle slb_fd_create(slb_handle queue, int32_t descriptor);

/* Returns a new descriptor at each call, close-on-exec; the caller owns it. */
SLB_API int32_t slb_fd_dup(slb_handle fd);

/* ---- lanes: frames in shared memory ---- */

/*
 * A lane is a region of shared memory, which streamlib_lane.h describes, and a bell for each side; its handle is one
 * side's half of it. The caller writes and reads the slots itself. It calls these functions to tell the other side
 * what it has written and read, and to wait. "Its own direction" is the one that this side writes: 0 after
 * slb_lane_create, 1 after slb_lane_open.
 *
 * The caller checks what the other side has written into the slots. These functions read the layout once, in
 * slb_lane_open, and after that only the headers: whatever the other side writes there, no function fails because of
 * it, or waits longer than its caller allows.
 *
 * slb_lane_slots, _map, _bytes, _publish, _consume, _spin, _sleep and _wake take no lock: the lane and its queue must
 * not be released while one of them runs.
 */

/* Makes a lane of `slots` slots in each direction: a power of two, 16 to 4096. All its pages are allocated at once. */
SLB_API slb_handle slb_lane_create(slb_handle queue, uint32_t slots);

/*
 * The half of the other side, from memory that was received; the shmem stays the caller's. SLB_E_ARGUMENT: the
 * memory is no lane of this version, or its size does not fit its number of slots.
 */
SLB_API slb_handle slb_lane_open(slb_handle queue, slb_handle shmem);

/* The number of slots of each direction. It never changes, whatever the memory says later. 0 with the error set: no such lane. */
SLB_API uint32_t slb_lane_slots(slb_handle lane);

/* Returns the lane's memory, once, as a shmem to send to the other side. SLB_E_CLOSED: it was taken before, or this half is of slb_lane_open. */
SLB_API slb_handle slb_lane_take_memory(slb_handle lane);

/* The lane's memory in this process. Valid as "Mappings" above says; NULL: no such lane. */
SLB_API void *slb_lane_map(slb_handle lane);

/* The bytes of the lane at that address: SLB_LANE_BYTES of its slots. */
SLB_API uint64_t slb_lane_bytes(slb_handle lane);

/* Returns a descriptor to send to the other side: with it, that side rings the bell of this one. */
SLB_API slb_handle slb_lane_bell(slb_handle lane);

/*
 * Gives this side the bell of the other side, which was received as `fd`; that handle stays the caller's. If this
 * side has published before and the other side has announced sleep, this call rings. SLB_E_ARGUMENT: the descriptor
 * is no bell. SLB_E_CLOSED: this side has the bell already. A ring never fails: a bell that is full has been rung,
 * and nobody misses a ring of a bell that has no reader.
 */
SLB_API int32_t slb_lane_connect(slb_handle lane, slb_handle fd);

/*
 * Returns the descriptor of this side's bell for the event loop, as slb_queue_take_bell does. One byte can be read
 * from it for each ring. At the end of the file the other side has shut the bell down, which is misuse.
 */
SLB_API int32_t slb_lane_take_bell(slb_handle lane);

/*
 * Sets `head` of its own direction: the slots before it are written. Rings the other side if that has announced
 * sleep. Returns 1 if it has rung, else 0. SLB_E_ARGUMENT: `head` is more than `slots` beyond the last one.
 */
SLB_API int32_t slb_lane_publish(slb_handle lane, uint32_t head);

/* Sets `tail` of the other direction: the slots before it are read. Returns 0. SLB_E_ARGUMENT: `tail` is more than `slots` beyond the last one. */
SLB_API int32_t slb_lane_consume(slb_handle lane, uint32_t tail);

/*
 * Waits awake until `head` of the other direction is not `seen`, and returns it. Returns `seen` if it gives up, and
 * if there is no such lane. It waits for at most min(2 * average + 5 us, max_ns), where `average` is that of the
 * latest waits. It does not wait if the average exceeds max_ns, or if the other side has last published from this
 * processor. If one of the two processors is unknown, it waits for at most 5 us. With max_ns 0 it only reads `head`.
 */
SLB_API uint32_t slb_lane_spin(slb_handle lane, uint32_t seen, uint32_t max_ns);

/*
 * Announces sleep: sets `asleep` of the other direction. Returns 1 if `head` is still `seen`: the next publish of the
 * other side rings. Returns 0 if it is not: the announcement is taken back, but a ring may be on its way. For
 * SLB_LANE_MAX_RINGS each call counts as one announcement, and so does the start of a lane, which is announced.
 */
SLB_API int32_t slb_lane_sleep(slb_handle lane, uint32_t seen);

/* Ends the announced sleep: the other side need not ring. The time since it began counts in slb_lane_spin's average. Returns 0. */
SLB_API int32_t slb_lane_wake(slb_handle lane);

/*
 * Waits without an event loop, for a thread that has to block: announces sleep, blocks until one of these is true,
 * ends the announced sleep, and returns which one it was. It reads the rings that come meanwhile.
 *
 *   SLB_LANE_MOVED     `head` of the other direction is not `seen`
 *   SLB_LANE_EVENTS    events are on the lane's queue. The caller drains them, or leaves them to the event loop: the
 *                      queue's bell can still be read for them. While they are there, each call returns this
 *   SLB_LANE_TIMEOUT   `timeout_ms` milliseconds have passed
 *   SLB_LANE_SHUT      the other side has shut the bell down
 *   SLB_LANE_FLOOD     its rings have woken this call more than SLB_LANE_MAX_RINGS times, and `head` has not moved
 *
 * Only the thread that drains the queue may call it. Before that thread goes back to its event loop, it calls
 * slb_lane_sleep.
 */
#define SLB_LANE_TIMEOUT 0
#define SLB_LANE_MOVED 1
#define SLB_LANE_EVENTS 2
#define SLB_LANE_SHUT 3
#define SLB_LANE_FLOOD 4
SLB_API int32_t slb_lane_wait(slb_handle lane, uint32_t seen, uint32_t timeout_ms);

/* ---- surfaces: two-dimensional pixel buffers ---- */

/* The most planes of a surface, and the numbers that slb_surface_layout writes. */
#define SLB_MAX_PLANES 4
#define SLB_SURFACE_VALUES (12 + 5 * SLB_MAX_PLANES)

/*
 * Makes a surface of `width` by `height` pixels, zeroed. `planes` has three
 * numbers for each plane: samples per row, rows, bytes per sample. No plane has
 * more of them than the surface has pixels. The system aligns rows and planes.
 * `pixel_format` is a FourCC. On Linux all its pages are allocated at once.
 */
SLB_API slb_handle slb_surface_create(slb_handle queue, uint32_t width, uint32_t height, uint32_t pixel_format, const uint32_t *planes, uint32_t plane_count);

/*
 * Writes into values[0..11]: width, height, bytes per row of the first plane,
 * pixel format, size in bytes (low, high), id (low, high), format modifier (low,
 * high; 0: rows of pixels, the only one that can be read), number of planes, 0.
 * Then for each of SLB_MAX_PLANES planes: offset in the memory (low, high),
 * samples per row, rows, bytes per row; all 0 for a plane that is not there. All
 * rows are within the size.
 */
SLB_API int32_t slb_surface_layout(slb_handle surface, uint32_t *values);

/*
 * The address in this process of the plane that is first in memory, mapped at the
 * first call; NULL on failure. Valid as "Mappings" above says.
 */
SLB_API void *slb_surface_map(slb_handle surface);

/*
 * As slb_shmem_map_read. Not on macOS: there an IOSurface is mapped once, to read and write, and this function
 * returns the address of slb_surface_map.
 */
SLB_API void *slb_surface_map_read(slb_handle surface);

/*
 * The system's handle of the memory: on Linux a file descriptor, close-on-exec,
 * on macOS the address of the IOSurface. The caller borrows it, until the handle
 * is released. Offsets of planes on Linux count from the start of the file.
 */
SLB_API int64_t slb_surface_native(slb_handle surface);

/*
 * Begin and end CPU access. Each lock needs an unlock with the same `read_only`;
 * an unlock without its lock is SLB_E_ARGUMENT. Releasing the handle ends all
 * locks.
 */
SLB_API int32_t slb_surface_lock(slb_handle surface, uint32_t read_only);
SLB_API int32_t slb_surface_unlock(slb_handle surface, uint32_t read_only);

#endif
