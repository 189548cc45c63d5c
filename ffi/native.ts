/**
 * The shim, opened for this isolate: its event queue, the bell, and the way
 * from an event to whoever waits for it.
 *
 * There is one queue an isolate. {@link Native.open} hands out leases of it;
 * the last one that is disposed closes it.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import { Packer, unpack } from "../proto/wire/packed.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";
import type { Clock } from "./clock.ts";
import type { AnyHandle, QueueHandle, ReplyHandle } from "./handle.ts";
import { Message } from "./message.ts";
import { type Bell, localShim, type Shim } from "./shim.ts";
import { errorCodeOf, STATUS } from "./status.ts";
import type { Symbols } from "./symbols.ts";

/** What became of a connection. `interrupted`: its service went away, sending starts it again. */
export type ConnectionEnd = "invalid" | "interrupted" | "termination";

/** What the queue calls for the events of one connection or listener. */
export interface EventSink {
  /** A message came; the sink owns it. */
  message(message: Message): void;
  /** A new, inactive peer of a listener; the sink owns the handle. */
  peer(handle: AnyHandle): void;
  /** The connection or listener ended. */
  ended(end: ConnectionEnd): void;
  /** A message beyond the limits was dropped; its sender waits if `reply` is there. The sink owns it. */
  malformed(reply: ReplyHandle | undefined): void;
}

/** What becomes of one request: exactly one of the two is called, once. */
export interface ReplySink {
  /** The reply; the sink owns it. */
  message(message: Message): void;
  /** The connection ended first. */
  ended(end: ConnectionEnd): void;
}

/** The counters of this process, see `slb_stats` in the header. */
export interface NativeStats {
  /** Live native objects, of all kinds and isolates. */
  readonly live: number;
  /** Live native objects by kind. */
  readonly by_kind: Readonly<Record<NativeKind, number>>;
  /** Events that wait to be drained. */
  readonly events_waiting: number;
  /** Payload bytes of data values that were put into messages: bytes copied. */
  readonly data_bytes_sent: number;
  /** Messages sent. */
  readonly messages_sent: number;
  /** Messages received. */
  readonly messages_received: number;
  /** Surfaces mapped now. */
  readonly surfaces_mapped: number;
  /** Bytes put on sockets; 0 where Apple's libxpc is used, as for the rest. */
  readonly socket_bytes_sent: number;
  /** Bytes of messages too large for a packet, put in memory files. */
  readonly spill_bytes_sent: number;
  /** Descriptors that crossed. */
  readonly descriptors_sent: number;
  /** Live XPC objects. */
  readonly xpc_objects: number;
  /** Live XPC connections. */
  readonly xpc_connections: number;
}

const KINDS = [
  "queue",
  "listener",
  "connection",
  "endpoint",
  "reply",
  "shmem",
  "fd",
  "surface",
  "stream",
] as const;

/** A kind of native object. */
export type NativeKind = typeof KINDS[number];

const HEADER_BYTES = 20;
const MAX_RECORD_BYTES = HEADER_BYTES + (1 << 20);
const MAX_TEXT_BYTES = 512;
const STATS_COUNT = 20;
/** Full buffers that one turn of the loop takes; then timers and others get theirs. */
const MAX_BUFFERS_PER_TURN = 16;

const EVENT_MESSAGE = 1;
const EVENT_REPLY = 2;
const EVENT_PEER = 3;
const EVENT_ERROR = 4;
const EVENT_MALFORMED = 5;

const ENDS: Readonly<Record<number, ConnectionEnd>> = {
  1: "invalid",
  2: "interrupted",
  3: "termination",
};

const decoder = new TextDecoder();

/** The one open {@link Native} of this isolate: a queue belongs to a thread, and so does this module. */
let current: Native | undefined;

/** The shim as one isolate uses it. */
export class Native implements Disposable {
  /** The C functions. */
  readonly symbols: Symbols;
  /** The queue that every native object of this isolate belongs to. */
  readonly queue: QueueHandle;
  /** The time that everything here goes by. */
  readonly clock: Clock;
  readonly #shim: Shim;
  readonly #bell: Bell;
  readonly #sinks = new Map<number, EventSink>();
  readonly #requests = new Map<number, ReplySink>();
  readonly #packer = new Packer();
  #buffer = new Uint8Array(64 << 10);
  #view = new DataView(this.#buffer.buffer);
  #nextRequest = 1;
  #leases = 1;

  /** A lease of this isolate's native queue, opened if this is the first. Throws as `loadLibrary` does. */
  static open(): Native {
    if (current) return current.lease();
    return current = new Native(localShim());
  }

  /** A queue of its own on `shim`, which it takes over, and the first lease of it. Everyone but a test wants {@link Native.open}. */
  constructor(shim: Shim) {
    this.#shim = shim;
    this.symbols = shim.symbols;
    this.clock = shim.clock;
    this.queue = this.created(this.symbols.slb_queue_create());
    this.#bell = shim.bell(
      this.checked(this.symbols.slb_queue_take_bell(this.queue)),
      () => this.#drain(),
    );
  }

  /** One more lease. */
  lease(): Native {
    this.#leases++;
    return this;
  }

  /** Gives this lease back. The last one closes the queue and all that belongs to it. */
  [Symbol.dispose](): void {
    if (--this.#leases > 0) return;
    if (current === this) current = undefined;
    this.#bell[Symbol.dispose]();
    this.symbols.slb_release(this.queue);
    this.#endAllRequests();
    this.#shim[Symbol.dispose]();
  }

  // ---- results ----

  /** The words for the last failure on this thread. */
  lastError(): string {
    const text = new Uint8Array(MAX_TEXT_BYTES);
    return decoder.decode(
      text.subarray(0, this.symbols.slb_error_copy(text, text.length)),
    );
  }

  /** The `SLB_E_` code of the last failure on this thread. */
  lastErrorCode(): number {
    return this.symbols.slb_error_code();
  }

  /** Takes over the descriptor of a bell, and calls `ring` from now on when it rings. */
  bell(descriptor: number, ring: () => void): Bell {
    return this.#shim.bell(descriptor, ring);
  }

  /** The last failure on this thread, as an error to throw. */
  failure(status: number = this.lastErrorCode()): BridgeError {
    return new BridgeError(errorCodeOf(status), this.lastError());
  }

  /** A result that is not negative, or the shim's error thrown: `bad_argument` for what the caller gave, else mostly `native_failure`. */
  checked(result: number): number {
    if (result < 0) throw this.failure(result);
    return result;
  }

  /** A handle that is not 0, or the shim's error thrown as {@link checked} does. */
  created<H extends AnyHandle>(handle: number): H {
    if (handle === 0) throw this.failure();
    return handle as H;
  }

  /** The message in packed form, good until the next call. */
  pack(message: XpcDictionary): Uint8Array<ArrayBuffer> {
    return this.#packer.pack(message);
  }

  /** The counters of this process. */
  stats(): NativeStats {
    const raw = new BigUint64Array(STATS_COUNT);
    this.symbols.slb_stats(new Uint8Array(raw.buffer), STATS_COUNT);
    const n = (index: number): number => Number(raw[index] ?? 0n);
    return {
      live: n(0),
      by_kind: Object.fromEntries(
        KINDS.map((kind, index) => [kind, n(index + 1)]),
      ) as Record<NativeKind, number>,
      events_waiting: n(10),
      data_bytes_sent: n(11),
      messages_sent: n(12),
      messages_received: n(13),
      surfaces_mapped: n(14),
      socket_bytes_sent: n(15),
      spill_bytes_sent: n(16),
      descriptors_sent: n(17),
      xpc_objects: n(18),
      xpc_connections: n(19),
    };
  }

  // ---- who hears what ----

  /** From now on `sink` hears the events of `handle`, and the process stays alive for it. */
  listen(handle: AnyHandle, sink: EventSink): void {
    this.#sinks.set(handle, sink);
    this.#bell.ref();
  }

  /** Ends what {@link listen} began; later events are dropped with what they carry. */
  unlisten(handle: AnyHandle): void {
    this.#sinks.delete(handle);
    if (this.#sinks.size === 0) this.#bell.unref();
  }

  /** A fresh request id whose reply goes to `sink`. */
  expectReply(sink: ReplySink): number {
    const id = this.#nextRequest;
    this.#nextRequest = id === 0xffff_ffff ? 1 : id + 1;
    this.#requests.set(id, sink);
    return id;
  }

  /** Nobody waits for this reply any more: a late one is dropped with what it carries. */
  forgetReply(id: number): void {
    this.#requests.delete(id);
  }

  #endAllRequests(): void {
    const waiting = [...this.#requests.values()];
    this.#requests.clear();
    for (const sink of waiting) sink.ended("invalid");
  }

  // ---- draining ----

  #drain(): void {
    for (let turn = 0; turn < MAX_BUFFERS_PER_TURN; turn++) {
      if (this.#leases === 0) return; // a handler closed us
      const written = this.symbols.slb_queue_drain(
        this.queue,
        this.#buffer,
        this.#buffer.length,
      );
      if (written === 0) return;
      if (written === STATUS.buffer) this.#grow();
      else this.#dispatchAll(this.checked(written));
    }
    setImmediate(() => this.#drain());
  }

  #grow(): void {
    const needed = this.symbols.slb_queue_next_bytes(this.queue);
    this.#buffer = new Uint8Array(Math.min(needed, MAX_RECORD_BYTES));
    this.#view = new DataView(this.#buffer.buffer);
  }

  #dispatchAll(written: number): void {
    for (let at = 0; at < written;) {
      const length = this.#view.getUint32(at, true);
      try {
        this.#dispatch(at, length);
      } catch (error) {
        reportError(error); // a bug in a handler must not cost the events behind it
      }
      at += length;
    }
  }

  #dispatch(at: number, length: number): void {
    const event = this.#view.getUint32(at + 4, true);
    const source = this.#view.getUint32(at + 8, true);
    const subject = this.#view.getUint32(at + 12, true);
    const detail = this.#view.getUint32(at + 16, true);
    const sink = this.#sinks.get(source);
    if (event === EVENT_MESSAGE) {
      const message = this.#message(at, length, subject);
      if (sink) sink.message(message);
      else message[Symbol.dispose]();
    } else if (event === EVENT_REPLY) {
      this.#reply(at, length, subject, detail);
    } else if (event === EVENT_PEER) {
      if (sink) sink.peer(subject as AnyHandle);
      else this.symbols.slb_release(subject);
    } else if (event === EVENT_ERROR) {
      sink?.ended(ENDS[detail] ?? "invalid");
    } else if (event === EVENT_MALFORMED) {
      if (sink) sink.malformed(subject ? subject as ReplyHandle : undefined);
      else if (subject) this.symbols.slb_release(subject);
    }
  }

  #reply(at: number, length: number, id: number, detail: number): void {
    const waiting = this.#requests.get(id);
    this.#requests.delete(id);
    const end = ENDS[detail];
    if (end) {
      waiting?.ended(end);
      return;
    }
    const message = this.#message(at, length, 0);
    if (waiting) waiting.message(message);
    else message[Symbol.dispose]();
  }

  #message(at: number, length: number, reply: number): Message {
    const body = this.#buffer.subarray(at + HEADER_BYTES, at + length);
    return new Message(this, unpack(body), reply as ReplyHandle);
  }
}
