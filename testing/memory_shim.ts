/**
 * The functions of the shim that a channel calls, in memory of this process:
 * an event queue, connections, surfaces and buffers. So the ports, the
 * wire format and the leases of a test are those of a host and its client.
 *
 * @module
 */

import { systemClock } from "../ffi/clock.ts";
import type { ConnectionHandle } from "../ffi/handle.ts";
import type { Shim } from "../ffi/shim.ts";
import { STATUS } from "../ffi/status.ts";
import type { Symbols } from "../ffi/symbols.ts";
import { inLaterTurn } from "../ffi/turns.ts";
import { PIXEL_FORMATS, type PixelFormat } from "../proto/schema/surface.ts";
import { paddedLayout } from "../proto/schema/surface_layout.ts";
import { capabilitiesIn } from "../proto/wire/packed.ts";
import { BLOCK_VIEWS, MemoryBlock } from "./memory_block.ts";

/** The header of an event, and the kind of a message: see the C header. */
const HEADER_BYTES = 24;
const EVENT_MESSAGE = 1;
/** The sizes of shared memory are multiples of this many bytes. */
const PAGE_BYTES = 4096;
const QUEUE = 1;

const encoder = new TextEncoder();

/** What a handle names. */
interface Named {
  /** Messages name memory by the handle of its sender, and each holds it. */
  holders: number;
  readonly block: MemoryBlock | undefined;
}

/** A message that its receiver has not drained. */
interface Waiting {
  readonly to: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A shim in memory, for one `Native`. */
export class MemoryShim implements Shim {
  readonly symbols: Symbols;
  readonly views = BLOCK_VIEWS;
  readonly clock = systemClock;
  readonly #functions = new Functions(() => this.#ring(1));
  readonly #closed: () => void;
  #ring: (count: number) => void = () => {};

  /** @param closed called when its `Native` has closed it */
  constructor(closed: () => void) {
    this.#closed = closed;
    this.symbols = bySymbol(this.#functions);
  }

  /** Makes two connected ends. */
  connect(): readonly [ConnectionHandle, ConnectionHandle] {
    return this.#functions.connect();
  }

  /** There is no descriptor: a message rings it. */
  bell(_descriptor: number, ring: (count: number) => void): Disposable & {
    ref(): void;
    unref(): void;
  } {
    this.#ring = ring;
    return { ref: () => {}, unref: () => {}, [Symbol.dispose]: () => {} };
  }

  started(): void {}

  [Symbol.dispose](): void {
    this.#ring = () => {};
    this.#closed();
  }
}

/** The functions by their names. One that no channel calls throws. */
function bySymbol(functions: Functions): Symbols {
  return new Proxy(functions, {
    get(target, name) {
      const one: unknown = Reflect.get(target, name);
      if (typeof one === "function") return one.bind(target);
      throw new Error(`A processor's test has no function ${String(name)}`);
    },
  }) as unknown as Symbols;
}

type Implemented = Pick<
  Symbols,
  | "slb_error_copy"
  | "slb_error_code"
  | "slb_now_ns"
  | "slb_release"
  | "slb_queue_create"
  | "slb_queue_take_bell"
  | "slb_queue_drain"
  | "slb_queue_next_bytes"
  | "slb_queue_wait"
  | "slb_connection_activate"
  | "slb_connection_send"
  | "slb_mapping_keep"
  | "slb_shmem_create"
  | "slb_shmem_map"
  | "slb_shmem_bytes"
  | "slb_surface_create"
  | "slb_surface_layout"
  | "slb_surface_map"
  | "slb_surface_native"
  | "slb_surface_lock"
  | "slb_surface_unlock"
>;

class Functions implements Implemented {
  readonly #ring: () => void;
  readonly #named = new Map<number, Named>();
  readonly #peers = new Map<number, number>();
  #waiting: Waiting[] = [];
  #rings = false;
  #lastHandle = QUEUE;
  #error = "";

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  connect(): [ConnectionHandle, ConnectionHandle] {
    const [one, other] = [this.#add(), this.#add()];
    this.#peers.set(one, other).set(other, one);
    return [one as ConnectionHandle, other as ConnectionHandle];
  }

  #add(block?: MemoryBlock): number {
    this.#named.set(++this.#lastHandle, { holders: 1, block });
    return this.#lastHandle;
  }

  #block(handle: number): MemoryBlock {
    const block = this.#named.get(handle)?.block;
    if (block) return block;
    throw new Error(`Handle ${handle} names no memory`);
  }

  // ---- library ----

  slb_error_copy(text: AllowSharedBufferSource | null): number {
    return encoder.encodeInto(this.#error, text as Uint8Array).written;
  }

  slb_error_code(): number {
    return STATUS.system;
  }

  slb_now_ns(): bigint {
    return BigInt(Math.round(performance.now() * 1e6));
  }

  slb_release(handle: number): number {
    const named = this.#named.get(handle);
    if (named && --named.holders === 0) {
      this.#named.delete(handle);
      this.#peers.delete(handle);
    }
    return 0;
  }

  // ---- the queue ----

  slb_queue_create(): number {
    return QUEUE;
  }

  slb_queue_take_bell(): number {
    return 0;
  }

  slb_queue_next_bytes(): number {
    const [next] = this.#waiting;
    return next ? HEADER_BYTES + next.body.length : 0;
  }

  slb_queue_drain(
    _queue: number,
    buffer: AllowSharedBufferSource | null,
    capacity: number,
  ): number {
    const bytes = buffer as Uint8Array<ArrayBuffer>;
    let written = 0;
    for (let next; (next = this.#waiting[0]);) {
      const length = HEADER_BYTES + next.body.length;
      if (length > capacity - written) {
        return written === 0 ? STATUS.buffer : written;
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset + written);
      [length, EVENT_MESSAGE, next.to, 0, 0, length].forEach((value, index) =>
        view.setUint32(4 * index, value, true)
      );
      bytes.set(next.body, written + HEADER_BYTES);
      written += length;
      this.#waiting.shift();
    }
    return written;
  }

  /** Nothing comes while this thread waits, because the other side is on it too. */
  slb_queue_wait(_queue: number, timeoutMs: number): number {
    if (this.#waiting.length > 0) return 1;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeoutMs);
    return 0;
  }

  // ---- the connection ----

  slb_connection_activate(): number {
    return 0;
  }

  slb_connection_send(
    handle: number,
    packed: AllowSharedBufferSource | null,
    length: number,
  ): number {
    const to = this.#peers.get(handle);
    if (to === undefined) return 0; // as on a connection that has ended
    const body = (packed as Uint8Array<ArrayBuffer>).slice(0, length);
    for (const { handle } of capabilitiesIn(body)) {
      this.#named.get(handle)!.holders++;
    }
    this.#waiting.push({ to, body });
    if (!this.#rings) {
      this.#rings = true;
      inLaterTurn(() => {
        this.#rings = false;
        this.#ring();
      });
    }
    return 0;
  }

  // ---- memory ----

  slb_mapping_keep(): number {
    return 0;
  }

  slb_shmem_create(_queue: number, bytes: bigint): number {
    const pages = Math.max(1, Math.ceil(Number(bytes) / PAGE_BYTES));
    return this.#add(new MemoryBlock(pages * PAGE_BYTES, this.#lastHandle));
  }

  slb_shmem_map(handle: number): Deno.PointerValue {
    return this.#block(handle).address;
  }

  slb_shmem_bytes(handle: number): bigint {
    return BigInt(this.#block(handle).bytes);
  }

  slb_surface_create(
    _queue: number,
    width: number,
    height: number,
    fourCc: number,
  ): number {
    const [pixel_format] = Object.entries(PIXEL_FORMATS)
      .find(([, { four_cc }]) => four_cc === fourCc)!;
    const layout = paddedLayout({
      width,
      height,
      pixel_format: pixel_format as PixelFormat,
    });
    return this.#add(new MemoryBlock(layout.bytes, this.#lastHandle, layout));
  }

  slb_surface_layout(
    handle: number,
    out: AllowSharedBufferSource | null,
  ): number {
    const { bytes, id, layout } = this.#block(handle);
    const { width, height, pixel_format, bytes_per_row, planes } = layout!;
    const { four_cc } = PIXEL_FORMATS[pixel_format];
    new Uint32Array((out as Uint8Array<ArrayBuffer>).buffer).set([
      ...[width, height, bytes_per_row, four_cc, bytes, 0, id, 0, 0, 0],
      ...[planes.length, 0],
      ...planes.flatMap((plane) => [
        ...[plane.offset, 0, plane.width, plane.height, plane.bytes_per_row],
      ]),
    ]);
    return 0;
  }

  slb_surface_map(handle: number): Deno.PointerValue {
    return this.#block(handle).address;
  }

  slb_surface_native(): bigint {
    this.#error =
      "Cannot use the handle of a surface: in a processor's test it is plain memory";
    return BigInt(STATUS.system);
  }

  slb_surface_lock(): number {
    return 0;
  }

  slb_surface_unlock(): number {
    return 0;
  }
}
