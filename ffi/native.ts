/**
 * The shim, opened for this isolate: its event queue, the bell, and the delivery
 * of events to their sinks.
 *
 * There is one queue for each isolate. {@link Native.open} returns a lease of it;
 * it is closed when the last lease is disposed.
 *
 * @module
 */

import { inLaterTurn } from "./turns.ts";
import { BridgeError, type ErrorCode } from "../proto/errors.ts";
import { exhaustionAdvice } from "../proto/exhaustion.ts";
import { capabilitiesIn, Packer, unpack } from "../proto/wire/packed.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";
import type { TimerClock } from "./clock.ts";
import type { AnyHandle, QueueHandle, ReplyHandle } from "./handle.ts";
import type { MemoryViews } from "./memory_views.ts";
import { Message } from "./message.ts";
import { type NativeStats, readStats } from "./native_stats.ts";
import type { Bell } from "./bell.ts";
import { localShim, type Shim } from "./shim.ts";
import { endCodeOf, errorCodeOf, isTold, STATUS } from "./status.ts";
import type { Symbols } from "./symbols.ts";
import { reportUncaught } from "./uncaught.ts";

/** How a connection ended. `interrupted`: its service has ended; the next message connects again. */
export type ConnectionEnd = "invalid" | "interrupted" | "termination";

/** Receives the events of one connection or listener. */
export interface EventSink {
  /** A message has arrived; the sink owns it. */
  message(message: Message): void;
  /** A listener has a new, inactive peer; the sink owns the handle. */
  peer(handle: AnyHandle): void;
  /**
   * The connection or listener ended. `code` is `name_in_use` if another process
   * serves the listener's name, `outbox_full` if the peer does not read,
   * `malformed_message` if it sent what this process refuses, `native_failure` if
   * the system refuses something to this process, else `channel_lost`. `told`: the
   * other side has ended it, and the code is what that side says of this one.
   */
  ended(end: ConnectionEnd, code: ErrorCode, told: boolean): void;
  /** A message was dropped, because it exceeds the limit that `problem` names. If its sender waits for a reply, `reply` is its handle, which the sink owns. */
  malformed(reply: ReplyHandle | undefined, problem: string): void;
}

/** Receives the result of one request: exactly one of its methods is called, once. */
export interface ReplySink {
  /** The reply has arrived; the sink owns it. */
  message(message: Message): void;
  /** The connection has ended without a reply. */
  ended(end: ConnectionEnd): void;
  /** A reply has arrived and was dropped, because it exceeds the limit that `problem` names. */
  malformed(problem: string): void;
}

/** XPC connections to this process that have not sent a message yet; see `slb_silent` in the header. */
export interface SilentConnections {
  /** How many there are now. */
  readonly count: number;
  /** How many were dropped since the start, because there was no room for them. */
  readonly dropped: number;
  /** The process whose connection was dropped last; 0 if none was. */
  readonly pid: number;
}

const HEADER_BYTES = 24;
const MAX_RECORD_BYTES = HEADER_BYTES + (1 << 20);
const MAX_TEXT_BYTES = 512;
/** The most buffers that are drained in one turn of the event loop, so that timers and others get their turn. */
const MAX_BUFFERS_PER_TURN = 16;
/** The same in bytes, as the messages take when they are decoded. One message is always decoded. */
const MAX_COST_PER_TURN = 1 << 20;
/** The most milliseconds of a turn. It is checked after each buffer. A peer's messages may take long to handle, and other connections must not wait for all of them. */
const MAX_MS_PER_TURN = 5;

const EVENT_MESSAGE = 1;
const EVENT_REPLY = 2;
const EVENT_PEER = 3;
const EVENT_ERROR = 4;
const EVENT_MALFORMED = 5;
/** `SLB_ERROR_MALFORMED`: the detail of a reply that exceeds a limit. */
const REPLY_MALFORMED = 4;

const ENDS: Readonly<Record<number, ConnectionEnd>> = {
  1: "invalid",
  2: "interrupted",
  3: "termination",
};

const decoder = new TextDecoder();

/** The open {@link Native} of this isolate. A queue belongs to one thread, as this module does. */
let current: Native | undefined;
/** Whose clock is read while there is no {@link current}. */
let standIn: Native | undefined;

/** The shim as one isolate uses it. */
export class Native implements Disposable {
  /** The C functions. */
  readonly symbols: Symbols;
  /** The queue that owns all native objects of this isolate. */
  readonly queue: QueueHandle;
  /** The clock of all time limits. */
  readonly clock: TimerClock;
  readonly #shim: Shim;
  readonly #bell: Bell;
  readonly #sinks = new Map<number, EventSink>();
  readonly #requests = new Map<number, ReplySink>();
  readonly #packer = new Packer();
  #buffer = new Uint8Array(64 << 10);
  #view = new DataView(this.#buffer.buffer);
  #nextRequest = 1;
  #leases = 1;
  #isDraining = false;
  /** Whether a later turn handles the events that were too many for one turn. */
  #goesOn = false;

  /** Returns a lease of this isolate's queue, which is opened for the first one: see {@link localShim}, which throws too. */
  static open(isStarting = false): Native {
    if (current) return current.lease();
    return current = new Native(localShim(isStarting));
  }

  /** This isolate's queue if there is a lease of it, else one that stands in for it; borrowed. */
  static get opened(): Native | undefined {
    return current ?? standIn;
  }

  /** From now on, this queue stands in for this isolate's, until it is closed: see {@link Native.opened}. */
  standIn(): void {
    standIn = this;
  }

  /** Makes a separate queue with `shim`, which it owns, and its first lease. For tests; others use {@link Native.open}. */
  constructor(shim: Shim) {
    this.#shim = shim;
    this.symbols = shim.symbols;
    this.clock = shim.clock;
    this.queue = this.created(this.symbols.slb_queue_create());
    this.#bell = shim.bell(
      this.checked(this.symbols.slb_queue_take_bell(this.queue)),
      () => this.#rung(),
      undefined,
      this.queue,
    );
  }

  /** Makes the views of mapped memory. */
  get views(): MemoryViews {
    return this.#shim.views;
  }

  /** See {@link Shim.started}. */
  started(): void {
    this.#shim.started();
  }

  /** Adds a lease. */
  lease(): Native {
    this.#leases++;
    return this;
  }

  /** Returns this lease. The last one closes the queue and everything that belongs to it. */
  [Symbol.dispose](): void {
    if (--this.#leases > 0) return;
    if (current === this) current = undefined;
    if (standIn === this) standIn = undefined;
    this.#bell[Symbol.dispose]();
    this.symbols.slb_release(this.queue);
    this.#endAllRequests();
    this.#shim[Symbol.dispose]();
  }

  // ---- results ----

  /** The text of the last failure on this thread. */
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

  /** The effective user id of this process. Needs no permission of its own. */
  get userId(): number {
    return this.symbols.slb_user_id();
  }

  /** Takes over the descriptor of a bell; see {@link Bells.bell}. */
  bell(
    descriptor: number,
    ring: (count: number) => void,
    shut?: () => void,
  ): Bell {
    return this.#shim.bell(descriptor, ring, shut);
  }

  /** The last failure on this thread, as an error to throw. */
  failure(status: number = this.lastErrorCode()): BridgeError {
    const says = this.lastError();
    const lacks = exhaustionAdvice(says);
    return new BridgeError(
      errorCodeOf(status),
      lacks === undefined ? says : `${says}: ${lacks}`,
    );
  }

  /** Returns the result. Throws the shim's error if it is negative: `bad_argument` for a wrong argument, otherwise usually `native_failure`. */
  checked(result: number): number {
    if (result < 0) throw this.failure(result);
    return result;
  }

  /** Returns the handle. Throws the shim's error if it is 0, as {@link checked} does. */
  created<H extends AnyHandle>(handle: number): H {
    if (handle === 0) throw this.failure();
    return handle as H;
  }

  /** The message in packed form, valid until the next call. */
  pack(message: XpcDictionary): Uint8Array<ArrayBuffer> {
    return this.#packer.pack(message);
  }

  /** When a process has started, in a unit of the system's own; 0 if that is not known. With its id it names the process for good. */
  processStarted(pid: number): bigint {
    return BigInt(this.symbols.slb_process_started(pid));
  }

  /** The most descriptors that this process may have open. */
  descriptorLimit(): number {
    return this.symbols.slb_descriptor_limit();
  }

  /** The XPC connections to this process that have not sent a message yet. */
  silent(): SilentConnections {
    const values = new Uint32Array(3);
    this.symbols.slb_silent(new Uint8Array(values.buffer));
    const [count = 0, dropped = 0, pid = 0] = values;
    return { count, dropped, pid };
  }

  /** What the last packed message costs, in bytes; see {@link Packer.cost}. */
  get packedCost(): number {
    return this.#packer.cost;
  }

  /** The counters of this process. */
  stats(): NativeStats {
    return readStats(this.symbols);
  }

  // ---- sinks ----

  /** Delivers the events of `handle` to `sink`. Until {@link unlisten} the process stays alive. */
  listen(handle: AnyHandle, sink: EventSink): void {
    this.#sinks.set(handle, sink);
    this.#bell.ref();
  }

  /** Ends the delivery. Later events are dropped, and their capabilities released. */
  unlisten(handle: AnyHandle): void {
    this.#sinks.delete(handle);
    if (this.#sinks.size === 0) this.#bell.unref();
  }

  /** Returns a new request id, whose reply goes to `sink`. */
  expectReply(sink: ReplySink): number {
    const id = this.#nextRequest;
    this.#nextRequest = id === 0xffff_ffff ? 1 : id + 1;
    this.#requests.set(id, sink);
    return id;
  }

  /** Stops the wait for a reply. A late one is dropped, and its capabilities released. */
  forgetReply(id: number): void {
    this.#requests.delete(id);
  }

  #endAllRequests(): void {
    const waiting = [...this.#requests.values()];
    this.#requests.clear();
    for (const sink of waiting) sink.ended("invalid");
  }

  // ---- draining ----

  /**
   * Blocks this thread until events wait on the queue. Returns false after
   * `timeoutMs` milliseconds. Throws `native_failure` if that is not possible.
   */
  wait(timeoutMs: number): boolean {
    return this.checked(
      this.symbols.slb_queue_wait(this.queue, timeoutMs),
    ) === 1;
  }

  /** Delivers the events that wait, without the event loop. Does nothing while events are delivered. */
  drain(): void {
    if (!this.#isDraining) this.#drain();
  }

  /** The bell has rung. If a later turn was asked for, the events wait for it: a peer that rings all the time must not add turns. */
  #rung(): void {
    if (!this.#goesOn) this.#drain();
  }

  #drain(): void {
    this.#isDraining = true;
    try {
      this.#drainTurn();
    } finally {
      this.#isDraining = false;
    }
  }

  #drainTurn(): void {
    let cost = 0;
    const until = performance.now() + MAX_MS_PER_TURN;
    for (
      let buffers = 0;
      buffers < MAX_BUFFERS_PER_TURN && cost < MAX_COST_PER_TURN &&
      (buffers === 0 || performance.now() < until);
      buffers++
    ) {
      if (this.#leases === 0) return; // a handler has closed the queue
      const written = this.symbols.slb_queue_drain(
        this.queue,
        this.#buffer,
        this.#buffer.length,
      );
      if (written === 0) return;
      if (written === STATUS.buffer) this.#grow();
      else cost += this.#dispatchAll(this.checked(written));
    }
    if (this.#goesOn) return;
    this.#goesOn = true;
    inLaterTurn(() => {
      this.#goesOn = false;
      this.#drain();
    });
  }

  #grow(): void {
    const needed = this.symbols.slb_queue_next_bytes(this.queue);
    if (needed <= this.#buffer.length) return; // other events have become the next
    this.#buffer = new Uint8Array(Math.min(needed, MAX_RECORD_BYTES));
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** Dispatches the events in the buffer. Returns what they cost. */
  #dispatchAll(written: number): number {
    let cost = 0;
    for (let at = 0; at < written;) {
      const length = this.#view.getUint32(at, true);
      cost += this.#view.getUint32(at + 20, true);
      try {
        this.#dispatch(at, length);
      } catch (error) {
        reportUncaught(error); // an error in one handler must not stop the events after it
      }
      at += length;
    }
    return cost;
  }

  #dispatch(at: number, length: number): void {
    const event = this.#view.getUint32(at + 4, true);
    const source = this.#view.getUint32(at + 8, true);
    const subject = this.#view.getUint32(at + 12, true);
    const detail = this.#view.getUint32(at + 16, true);
    const sink = this.#sinks.get(source);
    if (event === EVENT_MESSAGE) {
      if (sink) sink.message(this.#message(at, length, subject));
      else {
        this.#drop(at, length);
        if (subject) this.symbols.slb_release(subject);
      }
    } else if (event === EVENT_REPLY) {
      this.#reply(at, length, subject, detail);
    } else if (event === EVENT_PEER) {
      if (sink) sink.peer(subject as AnyHandle);
      else this.symbols.slb_release(subject);
    } else if (event === EVENT_ERROR) {
      const end = ENDS[detail] ?? "invalid";
      sink?.ended(end, endCodeOf(subject), isTold(subject));
    } else if (event === EVENT_MALFORMED) {
      const reply = subject ? subject as ReplyHandle : undefined;
      if (sink) sink.malformed(reply, this.#text(at, length));
      else if (subject) this.symbols.slb_release(subject);
    }
  }

  #reply(at: number, length: number, id: number, detail: number): void {
    const waiting = this.#requests.get(id);
    this.#requests.delete(id);
    const end = ENDS[detail];
    if (detail === REPLY_MALFORMED) {
      waiting?.malformed(this.#text(at, length));
      return;
    }
    if (end) {
      waiting?.ended(end);
      return;
    }
    if (waiting) waiting.message(this.#message(at, length, 0));
    else this.#drop(at, length);
  }

  /** Releases the capabilities of a message that nobody waits for, without decoding the rest. */
  #drop(at: number, length: number): void {
    for (const { handle } of capabilitiesIn(this.#body(at, length))) {
      this.symbols.slb_release(handle);
    }
  }

  #body(at: number, length: number): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(at + HEADER_BYTES, at + length);
  }

  #text(at: number, length: number): string {
    return decoder.decode(this.#body(at, length));
  }

  #message(at: number, length: number, reply: number): Message {
    const body = unpack(this.#body(at, length));
    return new Message(this, body, reply as ReplyHandle);
  }
}
