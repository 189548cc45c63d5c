/**
 * The C shim of a simulated process: the functions of
 * `c/include/streamlib_bridge.h`, in TypeScript. What the handshake does not
 * need (shared memory, descriptors, surfaces) is missing.
 */

import { MAPPED_VIEWS } from "../../../ffi/memory_views.ts";
import type { Shim } from "../../../ffi/shim.ts";
import { END_REASON, STATUS } from "../../../ffi/status.ts";
import type { Symbols } from "../../../ffi/symbols.ts";
import { SimConnection, type Target } from "./connection.ts";
import type { Handles } from "./handles.ts";
import { SimListener } from "./listener.ts";
import { unwrap, wrap } from "./parcel.ts";
import type {
  Delivered,
  Party,
  PartyProcess,
  PartyWorld,
  ReplyTo,
} from "./party.ts";
import type { Timeline } from "./timeline.ts";

const HEADER_BYTES = 24;
const EVENT = { message: 1, reply: 2, peer: 3, error: 4 } as const;
/** All simulated processes belong to one user. */
const UID = 1000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Reply {
  readonly by: SimConnection;
  readonly to: ReplyTo;
}

/** An event that its process has not drained yet. */
export interface Queued {
  readonly source: Party;
  readonly event: Delivered;
}

/** The part of a process that its shim uses. */
export interface ShimProcess extends PartyProcess {
  readonly world: PartyWorld & { readonly timeline: Timeline };
  readonly handles: Handles;
  readonly parties: Set<Party>;
  queue: Queued[];
  ring: () => void;
  isClosed: boolean;
  drop(party: Party): void;
  adopt(peer: Party): number;
}

/** The shim of `process`, for one `Native`. */
export function simulatedShim(process: ShimProcess): Shim {
  return {
    symbols: symbols(new Functions(process)),
    views: MAPPED_VIEWS, // of memory, which is not simulated
    clock: process.world.timeline.clock(process),
    bell: (_, ring) => {
      process.ring = () => ring(1);
      return { ref: () => {}, unref: () => {}, [Symbol.dispose]: () => {} };
    },
    started: () => {},
    [Symbol.dispose]: () => {
      process.isClosed = true;
    },
  };
}

/** Returns the functions by name. A function that is not simulated throws. */
function symbols(functions: Functions): Symbols {
  return new Proxy(functions, {
    get(target, name: string) {
      const one = (target as unknown as Record<string, unknown>)[name];
      if (typeof one === "function") return one.bind(target);
      throw new Error(`not simulated: ${name}`);
    },
  }) as unknown as Symbols;
}

class Functions {
  readonly #process: ShimProcess;

  constructor(process: ShimProcess) {
    this.#process = process;
  }

  get #handles(): Handles {
    return this.#process.handles;
  }

  #copy(words: string, text: Uint8Array, capacity: number): number {
    return encoder.encodeInto(words, text.subarray(0, capacity)).written;
  }

  // ---- library ----

  slb_error_copy(text: Uint8Array, capacity: number): number {
    return this.#copy(this.#handles.error.words, text, capacity);
  }

  slb_user_id(): number {
    return 1000;
  }

  slb_now_ns(): bigint {
    return BigInt(Math.round(this.#process.world.timeline.now * 1e6));
  }

  slb_error_code(): number {
    return this.#handles.error.code;
  }

  /** There is no service manager: the test starts the services. */
  slb_service_is_activated(): number {
    return 0;
  }

  slb_release(handle: number): number {
    if (this.#process.isDead) return 0;
    const removed = this.#handles.remove(handle);
    if (!removed) return STATUS.handle;
    const { kind, object } = removed;
    if (kind === "listener" || kind === "connection") {
      this.#process.drop(object as Party);
    } else if (kind === "reply") {
      const { by, to } = object as Reply;
      by.answer(to, undefined);
    } else if (kind === "queue") {
      this.#dropEvents();
      for (const left of this.#handles.all()) this.slb_release(left);
    }
    return 0;
  }

  // ---- event queue ----

  slb_queue_create(): number {
    return this.#handles.add("queue", this);
  }

  slb_queue_take_bell(): number {
    return 0;
  }

  slb_queue_next_bytes(): number {
    const next = this.#first();
    return next ? HEADER_BYTES + bodyOf(next).length : 0;
  }

  slb_queue_drain(
    _queue: number,
    buffer: Uint8Array,
    capacity: number,
  ): number {
    let written = 0;
    for (let next; (next = this.#first());) {
      const bytes = HEADER_BYTES + bodyOf(next).length;
      if (bytes > capacity - written) {
        return written === 0 ? STATUS.buffer : written;
      }
      written += this.#write(next, buffer.subarray(written));
      this.#process.queue.shift();
    }
    return written;
  }

  /** Returns the first event whose party still has a handle; drops those before it. */
  #first(): Queued | undefined {
    const { queue } = this.#process;
    while (queue[0] && queue[0].source.handle === 0) {
      dropEvent(queue.shift()!);
    }
    return queue[0];
  }

  #dropEvents(): void {
    for (const queued of this.#process.queue) dropEvent(queued);
    this.#process.queue = [];
  }

  #write({ source, event }: Queued, out: Uint8Array): number {
    let kind: number = EVENT.error, subject = 0, detail = 0;
    let body = new Uint8Array(0);
    const opened = (parcel: Parameters<typeof unwrap>[0]) =>
      unwrap(parcel, (listener) => this.#handles.add("endpoint", listener));
    if (event.kind === "message") {
      kind = EVENT.message;
      body = opened(event.parcel);
      if (event.replyTo) {
        const by = source as SimConnection;
        subject = this.#handles.add("reply", { by, to: event.replyTo });
      }
    } else if (event.kind === "answer") {
      kind = EVENT.reply;
      subject = event.request;
      detail = event.detail ?? 0;
      if (event.parcel) body = opened(event.parcel);
    } else if (event.kind === "peer") {
      kind = EVENT.peer;
      subject = this.#process.adopt(event.peer);
    } else {
      subject = event.reason ?? END_REASON.unknown;
      detail = event.detail;
    }
    const view = new DataView(out.buffer, out.byteOffset);
    const length = HEADER_BYTES + body.length;
    [length, kind, source.handle, subject, detail, length].forEach((
      value,
      index,
    ) => view.setUint32(4 * index, value, true));
    out.set(body, HEADER_BYTES);
    return length;
  }

  // ---- connections ----

  #party(kind: "listener" | "connection", party: Party): number {
    if (this.#process.isDead) return 1;
    this.#process.parties.add(party);
    return party.handle = this.#handles.add(kind, party);
  }

  slb_listener_create(_queue: number): number {
    return this.#party("listener", new SimListener(this.#process));
  }

  slb_listener_create_service(
    _queue: number,
    name: Uint8Array,
    length: number,
  ): number {
    const service = decoder.decode(name.subarray(0, length));
    return this.#party("listener", new SimListener(this.#process, service));
  }

  slb_endpoint_create(handle: number): number {
    if (this.#process.isDead) return 1;
    const listener = this.#handles.find<SimListener>(handle, "listener");
    if (!listener) return 0;
    if (listener.state !== "invalid") {
      return this.#handles.add("endpoint", listener);
    }
    this.#handles.error = {
      code: STATUS.system,
      words:
        "Cannot make an endpoint: the listener is cancelled, or descriptors ran out",
    };
    return 0;
  }

  #connection(target: Target): number {
    return this.#party("connection", new SimConnection(this.#process, target));
  }

  slb_connection_create_service(
    _queue: number,
    name: Uint8Array,
    length: number,
  ): number {
    return this.#connection({
      service: decoder.decode(name.subarray(0, length)),
    });
  }

  slb_connection_create_endpoint(_queue: number, endpoint: number): number {
    if (this.#process.isDead) return 1;
    const listener = this.#handles.find<SimListener>(endpoint, "endpoint");
    return listener ? this.#connection({ endpoint: listener }) : 0;
  }

  #either(handle: number): Party | undefined {
    return this.#handles.find<Party>(handle, "connection", "listener");
  }

  slb_connection_activate(handle: number): number {
    if (this.#process.isDead) return 0;
    const party = this.#either(handle);
    party?.activate();
    return party ? 0 : STATUS.handle;
  }

  slb_connection_limit(): number {
    return 0;
  }

  slb_connection_cancel(handle: number): number {
    if (this.#process.isDead) return 0;
    const party = this.#either(handle);
    party?.cancel();
    return party ? 0 : STATUS.handle;
  }

  slb_connection_send(
    handle: number,
    bytes: Uint8Array,
    length: number,
  ): number {
    return this.#send(handle, bytes, length);
  }

  slb_connection_request(
    handle: number,
    bytes: Uint8Array,
    length: number,
    request: number,
  ): number {
    return this.#send(handle, bytes, length, request);
  }

  #send(
    handle: number,
    bytes: Uint8Array,
    length: number,
    request?: number,
  ): number {
    if (this.#process.isDead) return 0;
    const connection = this.#handles.find<SimConnection>(handle, "connection");
    if (!connection) return STATUS.handle;
    const parcel = this.#wrap(bytes, length);
    if (!parcel) return STATUS.argument;
    connection.send(parcel, request);
    return 0;
  }

  slb_reply_send(handle: number, bytes: Uint8Array, length: number): number {
    if (this.#process.isDead) return 0;
    const reply = this.#handles.find<Reply>(handle, "reply");
    if (!reply) return STATUS.handle;
    const parcel = this.#wrap(bytes, length);
    if (!parcel) return STATUS.argument;
    this.#handles.remove(handle);
    reply.by.answer(reply.to, parcel);
    return 0;
  }

  #wrap(
    bytes: Uint8Array,
    length: number,
  ): ReturnType<typeof wrap> | undefined {
    let stale = false;
    const parcel = wrap(bytes.subarray(0, length), (handle) => {
      const found = this.#handles.find<SimListener>(handle, "endpoint");
      stale ||= found === undefined;
      return found!;
    });
    return stale ? undefined : parcel;
  }

  slb_connection_peer(handle: number, out: Uint8Array): number {
    if (this.#process.isDead) return 0;
    const connection = this.#handles.find<SimConnection>(handle, "connection");
    if (!connection) return STATUS.handle;
    const known = connection.other !== undefined;
    new Int32Array(out.buffer, out.byteOffset, 4).set(
      known ? [Deno.pid, UID, UID, 0] : [0, -1, -1, 0],
    );
    return 0;
  }

  slb_process_is_stopped(): number {
    return 0;
  }

  /** Memory is not simulated. */
  slb_shmem_create(): number {
    return 0;
  }

  slb_process_started(): bigint {
    return 1n;
  }

  slb_descriptor_limit(): number {
    return 65_536;
  }

  slb_silent(): number {
    return 0;
  }

  slb_connection_reason_copy(
    handle: number,
    text: Uint8Array,
    capacity: number,
  ): number {
    const party = this.#either(handle);
    return party ? this.#copy(party.reason, text, capacity) : 0;
  }
}

/** Returns the bytes of an event. Their length does not change when the receiver's handles are put in. */
function bodyOf({ event }: Queued): Uint8Array {
  if (event.kind !== "message" && event.kind !== "answer") {
    return new Uint8Array(0);
  }
  return event.parcel?.bytes ?? new Uint8Array(0);
}

/** Drops an event whose party is gone, and releases what it carries. */
function dropEvent({ source, event }: Queued): void {
  if (event.kind === "message" && event.replyTo) {
    (source as SimConnection).answer(event.replyTo, undefined);
  } else if (event.kind === "peer") {
    event.peer.cancel();
  }
}
