/**
 * One side's half of a lane as a test plays it: it may write anything into the
 * memory at any time, and rings the other side's bell as often as it likes.
 */

import { Socket } from "node:net";
import { OwnedCapability } from "../../../ffi/capability.ts";
import { NativeLane } from "../../../ffi/lane.ts";
import type { Native } from "../../../ffi/native.ts";
import {
  counterAt,
  type Direction,
  laneViews,
} from "../../../channel/lane/rings.ts";
import { LANE_ASLEEP, LANE_MIN_SLOTS } from "../../../proto/lane/layout.ts";
import type { Capability } from "../../../proto/wire/xpc_value.ts";
import { PlayedRing } from "./played_ring.ts";

/** Rings a bell: a lane of its own, which nobody reads, is connected to it. */
class Ringer implements Disposable {
  readonly #lane: NativeLane;
  readonly #counters: Int32Array<ArrayBuffer>;
  #head = 0;

  constructor(native: Native, bell: Capability) {
    this.#lane = NativeLane.create(native, LANE_MIN_SLOTS);
    this.#lane.connect(bell);
    this.#counters = new Int32Array(this.#lane.buffer);
  }

  ring(): void {
    this.#counters[counterAt(0, LANE_ASLEEP)] = 1;
    this.#lane.publish(this.#head = (this.#head + 1) >>> 0);
  }

  [Symbol.dispose](): void {
    this.#lane[Symbol.dispose]();
  }
}

/** A played half of a lane. */
export class PlayedLane extends PlayedRing implements Disposable {
  readonly #native: Native;
  readonly #stack = new DisposableStack();
  readonly #lane: NativeLane;
  #bell: OwnedCapability | undefined;
  #ringer: Ringer | undefined;

  private constructor(native: Native, lane: NativeLane, out: Direction) {
    super(laneViews(lane.buffer), lane.slots, out);
    this.#native = native;
    this.#lane = this.#stack.use(lane);
  }

  /** Makes a lane, as a host does. */
  static create(native: Native, slots: number): PlayedLane {
    return new PlayedLane(native, NativeLane.create(native, slots), 0);
  }

  /** Opens the lane whose memory was received, as a client does. */
  static open(native: Native, memory: Capability): PlayedLane {
    return new PlayedLane(native, NativeLane.open(native, memory), 1);
  }

  /** From now on it rings this bell, which it takes over. */
  connect(bell: Capability): void {
    this.#bell = this.#stack.use(new OwnedCapability(this.#native, bell));
    this.#ringer = this.#stack.use(new Ringer(this.#native, bell));
  }

  /** The memory, to be sent; once. */
  memory(): OwnedCapability {
    return this.#stack.use(this.#lane.memory());
  }

  /** Its own bell, to be sent. */
  bell(): OwnedCapability {
    return this.#stack.use(this.#lane.bell());
  }

  override ring(): void {
    this.#ringer!.ring();
  }

  /** Shuts the other side's bell down. */
  shut(): void {
    const { symbols } = this.#native;
    const { handle } = this.#bell!.borrow();
    const descriptor = this.#native.checked(symbols.slb_fd_dup(handle));
    new Socket({ fd: descriptor, writable: true }).destroySoon();
  }

  [Symbol.dispose](): void {
    this.#stack[Symbol.dispose]();
  }
}
