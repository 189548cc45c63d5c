/*
 * connection.h - connections and endpoints; included by <xpc/xpc.h>.
 *
 * A connection is one of: a listener (anonymous or named), a client (by name or by endpoint),
 * or a peer, which a listener hands to its handler together with that peer's first message.
 * Events, as on a Mac, with the one that ends the connection last and only once:
 *
 *   what happened       client by endpoint   client by name          peer      listener
 *   other side died     INVALID              INTERRUPTED, reusable   INVALID   -
 *   remote cancelled    INVALID              INTERRUPTED, reusable   INVALID   -
 *   listener cancelled  INVALID              -                       -         INVALID
 *   no such name        -                    INVALID                 -         -
 *   own cancel          INVALID              INVALID                 INVALID   INVALID
 *
 * Handlers of one connection, event and reply handlers alike, never run at the same time;
 * those of different connections do. They run on this library's threads, all signals blocked.
 */
#ifndef __XPC_CONNECTION_H__
#define __XPC_CONNECTION_H__

#ifndef __XPC_H__
#error "Please #include <xpc/xpc.h> instead of this file directly."
#endif

typedef pid_t au_asid_t;
#if !defined(__cplusplus) || !defined(__DISPATCH_PUBLIC__) /* in C++ <dispatch/dispatch.h> has classes for them */
typedef struct dispatch_queue_s *dispatch_queue_t;
#ifdef __BLOCKS__
typedef void (^dispatch_block_t)(void);
#else
typedef void *dispatch_block_t;
#endif
#endif
typedef void (*xpc_connection_handler_t)(xpc_connection_t connection);

/**
 * The remote side is gone. To a client by name the connection stays usable: the next send
 * connects again. To a reply handler: no reply will come.
 */
#define XPC_ERROR_CONNECTION_INTERRUPTED XPC_GLOBAL_OBJECT(_xpc_error_connection_interrupted)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_connection_interrupted;
/** The connection is of no more use; xpc_connection_copy_invalidation_reason says why. */
#define XPC_ERROR_CONNECTION_INVALID XPC_GLOBAL_OBJECT(_xpc_error_connection_invalid)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_connection_invalid;
/** Never delivered on Linux: nothing asks a process to exit through XPC. */
#define XPC_ERROR_TERMINATION_IMMINENT XPC_GLOBAL_OBJECT(_xpc_error_termination_imminent)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_termination_imminent;

/** Flag of xpc_connection_create_mach_service: be the listener of that name. */
#define XPC_CONNECTION_MACH_SERVICE_LISTENER (1 << 0)
/** Accepted, and without meaning on Linux. */
#define XPC_CONNECTION_MACH_SERVICE_PRIVILEGED (1 << 1)

/** Gets the context of a connection that is about to be freed. */
typedef void (*xpc_finalizer_t)(void *value);

/**
 * With a NULL name an anonymous listener. Any other name is that of an XPC service bundled
 * with an application, which Linux has not: the connection goes INVALID when activated.
 */
XPC_EXPORT XPC_WARN_RESULT xpc_connection_t xpc_connection_create(const char *name, dispatch_queue_t targetq);
/**
 * A client of, or with XPC_CONNECTION_MACH_SERVICE_LISTENER the listener of, a named service
 * of this user: a socket file, see xpc_linux_service_path, or one inherited by LISTEN_FDS.
 * A listener's name is served when xpc_connection_activate returns, or the connection is
 * INVALID; a client connects when it is activated.
 */
XPC_EXPORT XPC_WARN_RESULT
xpc_connection_t xpc_connection_create_mach_service(const char *name, dispatch_queue_t targetq, uint64_t flags);
/** A client of the endpoint's listener. */
XPC_EXPORT XPC_WARN_RESULT xpc_connection_t xpc_connection_create_from_endpoint(xpc_endpoint_t endpoint);
/**
 * An endpoint of an anonymous listener, to be sent in a message; whoever holds it can
 * connect, and pass it on. NULL for any other connection, or one that is invalid.
 */
XPC_EXPORT XPC_WARN_RESULT xpc_endpoint_t xpc_endpoint_create(xpc_connection_t connection);

/**
 * NULL is the default: this library's threads. A queue needs libdispatch in the program, and
 * then each handler is run on it with dispatch_sync_f: events, barriers, and the reply handlers
 * that were given no queue of their own. A peer does not take over its listener's.
 */
XPC_EXPORT void xpc_connection_set_target_queue(xpc_connection_t connection, dispatch_queue_t targetq);
/**
 * The handler gets, borrowed: messages and errors, or as a listener's, peers and errors. A
 * peer that the handler neither activates nor retains is cancelled when the handler returns.
 */
XPC_EXPORT void xpc_connection_set_event_handler(xpc_connection_t connection, xpc_handler_t handler);
/** Connections are born inactive: they deliver nothing and queue what is sent. Idempotent. */
XPC_EXPORT void xpc_connection_activate(xpc_connection_t connection);
/** Stops delivery and sending after the handler that runs now, until as many resumes. */
XPC_EXPORT void xpc_connection_suspend(xpc_connection_t connection);
/** Undoes one suspend; of an inactive connection that is not suspended, activates it. */
XPC_EXPORT void xpc_connection_resume(xpc_connection_t connection);

/**
 * Copies the dictionary and sends it, in order, never blocking. A message over the limits
 * (see xpc_linux_message_check) is not sent: that harms the connection in no way, and a reply
 * handler gets XPC_ERROR_CONNECTION_INTERRUPTED.
 */
XPC_EXPORT void xpc_connection_send_message(xpc_connection_t connection, xpc_object_t message);
/**
 * Runs the block when all that was sent before is handed to the kernel, or discarded. Nothing
 * more is sent until it returns, so it must not wait for a reply on the same connection.
 */
XPC_EXPORT void xpc_connection_send_barrier(xpc_connection_t connection, dispatch_block_t barrier);
/** The handler is called exactly once: with the reply, or with an error. */
XPC_EXPORT void xpc_connection_send_message_with_reply(xpc_connection_t connection, xpc_object_t message,
                                                       dispatch_queue_t replyq, xpc_handler_t handler);
/**
 * Waits for the reply, or an error, which the caller releases. Unlike Apple's it may also be
 * called in a handler, even of the same connection: other messages then wait their turn.
 */
XPC_EXPORT XPC_WARN_RESULT
xpc_object_t xpc_connection_send_message_with_reply_sync(xpc_connection_t connection, xpc_object_t message);
/**
 * Closes the connection at once. Its handler gets INVALID and nothing after it; replies that
 * are awaited get INVALID too. Idempotent.
 */
XPC_EXPORT void xpc_connection_cancel(xpc_connection_t connection);

/** The name that it was created with, else NULL. */
XPC_EXPORT XPC_WARN_RESULT const char *xpc_connection_get_name(xpc_connection_t connection);
/*
 * Who is on the other side, by the kernel's word. A peer's identity is known when its listener
 * hears of it; a client's view of the other side is known with the first message received
 * (until then by name: who listens; by endpoint: pid 0, other ids -1).
 */
XPC_EXPORT XPC_WARN_RESULT uid_t xpc_connection_get_euid(xpc_connection_t connection);
XPC_EXPORT XPC_WARN_RESULT gid_t xpc_connection_get_egid(xpc_connection_t connection);
XPC_EXPORT XPC_WARN_RESULT pid_t xpc_connection_get_pid(xpc_connection_t connection);
/** Always 0: Linux has no such audit sessions. */
XPC_EXPORT XPC_WARN_RESULT au_asid_t xpc_connection_get_asid(xpc_connection_t connection);

XPC_EXPORT void xpc_connection_set_context(xpc_connection_t connection, void *context);
XPC_EXPORT XPC_WARN_RESULT void *xpc_connection_get_context(xpc_connection_t connection);
/** Called once with the context, after the last reference and the last handler are done. */
XPC_EXPORT void xpc_connection_set_finalizer_f(xpc_connection_t connection, xpc_finalizer_t finalizer);

/** Why it is INVALID, to be freed with free; NULL while it is not. */
XPC_EXPORT XPC_WARN_RESULT char *xpc_connection_copy_invalidation_reason(xpc_connection_t connection);

#endif
