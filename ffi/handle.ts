/**
 * Handles: the numbers that name native objects, one type a kind, so that a
 * wrong kind does not compile. The shim checks them again at run time: a stale
 * handle is an error there, never a crash.
 *
 * @module
 */

declare const kind: unique symbol;

/** The name of a native object of one kind. Released exactly once by its owner. */
export type Handle<Kind extends string> = number & { readonly [kind]: Kind };

/** An event queue. */
export type QueueHandle = Handle<"queue">;
/** An anonymous or named listener. */
export type ListenerHandle = Handle<"listener">;
/** One end of a connection. */
export type ConnectionHandle = Handle<"connection">;
/** The one answer to a request. */
export type ReplyHandle = Handle<"reply">;
/** A region of shared memory. */
export type ShmemHandle = Handle<"shmem">;
/** A pixel buffer. */
export type SurfaceHandle = Handle<"surface">;
/** A listening stream socket. */
export type StreamHandle = Handle<"stream">;
/** Any of them. */
export type AnyHandle = Handle<string>;
