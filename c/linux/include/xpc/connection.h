/*
 * connection.h - connections and endpoints; included by <xpc/xpc.h>.
 *
 * A connection is a listener (anonymous or named), a client (by name or by endpoint), or a peer. A
 * listener's handler gets a peer when that peer's first message has arrived.
 * The events are as Apple's headers say. INVALID comes last, and once:
 *
 *   what happened       client by endpoint   client by name          peer      listener
 *   other side died     INVALID              INTERRUPTED, reusable   INVALID   -
 *   remote cancelled    INVALID              INTERRUPTED, reusable   INVALID   -
 *   listener cancelled  INVALID              -                       -         INVALID
 *   no such name        -                    INVALID                 -         -
 *   own cancel          INVALID              INVALID                 INVALID   INVALID
 *
 * Two handlers of one connection, event or reply handlers, never run at the same time; handlers of
 * different connections may. They run on the library's threads, with all signals blocked.
 */
#ifndef __XPC_CONNECTION_H__
#define __XPC_CONNECTION_H__

#ifndef __XPC_H__
#error "Please #include <xpc/xpc.h> instead of this file directly."
#endif

typedef pid_t au_asid_t;
#if !defined(__cplusplus) || !defined(__DISPATCH_PUBLIC__) /* in C++ <dispatch/dispatch.h> declares classes */
typedef struct dispatch_queue_s *dispatch_queue_t;
#ifdef __BLOCKS__
typedef void (^dispatch_block_t)(void);
#else
typedef void *dispatch_block_t;
#endif
#endif
typedef void (*xpc_connection_handler_t)(xpc_connection_t connection);

/**
 * The remote side is gone. A client by name stays usable: the next send connects again.
 * To a reply handler: no reply will come.
 */
#define XPC_ERROR_CONNECTION_INTERRUPTED XPC_GLOBAL_OBJECT(_xpc_error_connection_interrupted)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_connection_interrupted;
/** The connection cannot be used any more; xpc_connection_copy_invalidation_reason returns the reason. */
#define XPC_ERROR_CONNECTION_INVALID XPC_GLOBAL_OBJECT(_xpc_error_connection_invalid)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_connection_invalid;
/** Never delivered on Linux, which has no code signatures. */
#define XPC_ERROR_PEER_CODE_SIGNING_REQUIREMENT XPC_GLOBAL_OBJECT(_xpc_error_peer_code_signing_requirement)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_peer_code_signing_requirement;
/** Never delivered on Linux, where XPC does not ask processes to exit. */
#define XPC_ERROR_TERMINATION_IMMINENT XPC_GLOBAL_OBJECT(_xpc_error_termination_imminent)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_termination_imminent;

/** Flag of xpc_connection_create_mach_service: create the listener of the name. */
#define XPC_CONNECTION_MACH_SERVICE_LISTENER (1 << 0)
/** Has no effect on Linux. */
#define XPC_CONNECTION_MACH_SERVICE_PRIVILEGED (1 << 1)

/** Called with the context of a connection that is being freed. */
typedef void (*xpc_finalizer_t)(void *value);

/**
 * Creates an anonymous listener if the name is NULL. Any other name is that of an XPC service
 * bundled with an application. Linux has no bundles: such a service is a program that calls
 * xpc_main, with the same name in XPC_SERVICE_NAME. It must run, or be started by a service
 * manager; otherwise the connection becomes INVALID.
 */
XPC_EXPORT XPC_WARN_RESULT xpc_connection_t xpc_connection_create(const char *name, dispatch_queue_t targetq);
/**
 * Creates a client of a named service of this user, or with XPC_CONNECTION_MACH_SERVICE_LISTENER
 * its listener. The service is a socket file, see xpc_linux_service_path, or a socket inherited by
 * LISTEN_FDS. When xpc_connection_activate returns, a listener serves its name or is INVALID. A
 * client connects when it is activated.
 */
XPC_EXPORT XPC_WARN_RESULT
xpc_connection_t xpc_connection_create_mach_service(const char *name, dispatch_queue_t targetq, uint64_t flags);
/** Creates a client of the endpoint's listener. */
XPC_EXPORT XPC_WARN_RESULT xpc_connection_t xpc_connection_create_from_endpoint(xpc_endpoint_t endpoint);

/**
 * By default, or with NULL, handlers run on the library's threads. A queue needs libdispatch in the
 * program. Then dispatch_async_f runs these on it: the event handler, barriers, and reply handlers
 * without a queue of their own. A peer does not inherit its listener's queue.
 */
XPC_EXPORT void xpc_connection_set_target_queue(xpc_connection_t connection, dispatch_queue_t targetq);
/**
 * The handler gets messages and errors; that of a listener gets peers and errors. They are borrowed.
 * A peer that the handler neither activates nor retains is cancelled when the handler returns.
 */
XPC_EXPORT void xpc_connection_set_event_handler(xpc_connection_t connection, xpc_handler_t handler);
/**
 * A new connection is inactive: it delivers nothing, and queues what is sent. It needs an event handler
 * first, else the process ends. Idempotent.
 */
XPC_EXPORT void xpc_connection_activate(xpc_connection_t connection);
/** Stops delivery and sending, after a handler that runs, until as many resumes. */
XPC_EXPORT void xpc_connection_suspend(xpc_connection_t connection);
/** Undoes one suspend. Activates an inactive connection that is not suspended. One too many ends the process. */
XPC_EXPORT void xpc_connection_resume(xpc_connection_t connection);

/**
 * Copies the dictionary and sends it, in order. Never blocks. A message over the limits (see
 * xpc_linux_message_check) is not sent. The connection stays usable; the reply handler gets
 * XPC_ERROR_CONNECTION_INTERRUPTED, or a client's event handler if no reply was asked for. The first
 * such message of a process is reported on stderr.
 */
XPC_EXPORT void xpc_connection_send_message(xpc_connection_t connection, xpc_object_t message);
/**
 * Runs the block when everything sent before has been given to the kernel or discarded. Nothing
 * is sent until the block returns, so it must not wait for a reply on the same connection.
 */
XPC_EXPORT void xpc_connection_send_barrier(xpc_connection_t connection, dispatch_block_t barrier);
/** The handler is called exactly once: with the reply, or with an error. */
XPC_EXPORT void xpc_connection_send_message_with_reply(xpc_connection_t connection, xpc_object_t message,
                                                       dispatch_queue_t replyq, xpc_handler_t handler);
/**
 * Waits for the reply or an error, which the caller releases. Unlike Apple's function it may be
 * called in a handler, even of the same connection; other messages wait meanwhile.
 */
XPC_EXPORT XPC_WARN_RESULT
xpc_object_t xpc_connection_send_message_with_reply_sync(xpc_connection_t connection, xpc_object_t message);
/**
 * Closes the connection at once; what is unsent is discarded. Its event handler gets INVALID and nothing
 * after it, when it is active; handlers of awaited replies get INVALID too. Idempotent.
 */
XPC_EXPORT void xpc_connection_cancel(xpc_connection_t connection);

/** Returns the name that it was created with, or NULL. */
XPC_EXPORT XPC_WARN_RESULT const char *xpc_connection_get_name(xpc_connection_t connection);
/*
 * The identity of the other side, from the kernel. That of a peer is known from the start. A client
 * knows the other side after the first message received from it; before that, a client by name gets
 * the identity of the process that called listen, and a client by endpoint gets pid 0 and ids -1.
 */
XPC_EXPORT XPC_WARN_RESULT uid_t xpc_connection_get_euid(xpc_connection_t connection);
XPC_EXPORT XPC_WARN_RESULT gid_t xpc_connection_get_egid(xpc_connection_t connection);
XPC_EXPORT XPC_WARN_RESULT pid_t xpc_connection_get_pid(xpc_connection_t connection);
/** Always 0: Linux has no audit sessions like those of macOS. */
XPC_EXPORT XPC_WARN_RESULT au_asid_t xpc_connection_get_asid(xpc_connection_t connection);

/**
 * Always refuses, with ENOTSUP: Linux has no code signatures. A program that requires one must not
 * use the connection.
 */
XPC_EXPORT XPC_WARN_RESULT int xpc_connection_set_peer_code_signing_requirement(xpc_connection_t connection,
                                                                                const char *requirement);

XPC_EXPORT void xpc_connection_set_context(xpc_connection_t connection, void *context);
XPC_EXPORT XPC_WARN_RESULT void *xpc_connection_get_context(xpc_connection_t connection);
/** The finalizer is called once with the context, after the last release and the last handler. */
XPC_EXPORT void xpc_connection_set_finalizer_f(xpc_connection_t connection, xpc_finalizer_t finalizer);

/** Returns why the connection is INVALID, NULL if it is not. The caller frees the text with free. */
XPC_EXPORT XPC_WARN_RESULT char *xpc_connection_copy_invalidation_reason(xpc_connection_t connection);

#endif
