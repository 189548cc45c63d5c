/**
 * Handles: numbers that name native objects. Each kind has a type of its own, so
 * that a handle of the wrong kind does not compile. The shim checks handles at
 * run time too: a stale handle is an error, never a crash.
 *
 * @module
 */

declare const kind: unique symbol;

/** Names a native object of one kind. Its owner releases it exactly once. */
export type Handle<Kind extends string> = number & { readonly [kind]: Kind };

/** An event queue. */
export type QueueHandle = Handle<"queue">;
/** An anonymous or named listener. */
export type ListenerHandle = Handle<"listener">;
/** One end of a connection. */
export type ConnectionHandle = Handle<"connection">;
/** The right to answer a request once. */
export type ReplyHandle = Handle<"reply">;
/** A region of shared memory. */
export type ShmemHandle = Handle<"shmem">;
/** A pixel buffer. */
export type SurfaceHandle = Handle<"surface">;
/** A listening stream socket. */
export type StreamHandle = Handle<"stream">;
/** A bootstrap. */
export type BootstrapHandle = Handle<"bootstrap">;
/** One side's half of a lane. */
export type LaneHandle = Handle<"lane">;
/** A handle of any kind. */
export type AnyHandle = Handle<string>;
