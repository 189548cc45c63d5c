/** A lane in private memory: both halves in one isolate, and what each has rung. */

import {
  LANE_ASLEEP,
  LANE_HEAD,
  LANE_SLOT_BYTES,
  LANE_SLOTS,
} from "../../../proto/lane/layout.ts";
import type { LaneWait, NativeLane } from "../../../ffi/lane.ts";
import {
  counterAt,
  type Direction,
  type LaneViews,
  laneViews,
} from "../../../channel/lane/rings.ts";

/** One half. It has the methods of {@link NativeLane} that a channel calls. */
export class FakeLane {
  readonly slots: number;
  readonly buffer: ArrayBuffer;
  readonly views: LaneViews;
  announcements = 1;
  isDisposed = false;
  /** How often it was asked to wait awake. */
  spins = 0;
  /** The other half. */
  peer: FakeLane | undefined;
  /** Called once, when this half waits awake or blocks. */
  meanwhile: (() => void) | undefined;
  ring: ((count: number) => void) | undefined;
  shut: (() => void) | undefined;
  readonly #direction: Direction;

  private constructor(
    buffer: ArrayBuffer,
    slots: number,
    direction: Direction,
  ) {
    this.buffer = buffer;
    this.slots = slots;
    this.#direction = direction;
    this.views = laneViews(buffer);
  }

  /** Makes both halves. That of direction 0 is the host's. */
  static pair(slots: number): [host: FakeLane, client: FakeLane] {
    const buffer = new ArrayBuffer(LANE_SLOTS + 2 * LANE_SLOT_BYTES * slots);
    const host = new FakeLane(buffer, slots, 0);
    const client = new FakeLane(buffer, slots, 1);
    host.peer = client;
    client.peer = host;
    for (const direction of [0, 1] as const) {
      host.views.counters[counterAt(direction, LANE_ASLEEP)] = 1;
    }
    return [host, client];
  }

  /** This half, for whoever takes a native one. */
  get native(): NativeLane {
    return this as unknown as NativeLane;
  }

  get #theirs(): Direction {
    return this.#direction === 0 ? 1 : 0;
  }

  publish(head: number): boolean {
    const { counters } = this.views;
    Atomics.store(counters, counterAt(this.#direction, LANE_HEAD), head | 0);
    const asleep = counterAt(this.#direction, LANE_ASLEEP);
    const rings = Atomics.exchange(counters, asleep, 0) === 1;
    if (rings) this.peer?.ring?.(1);
    return rings;
  }

  get #head(): number {
    const at = counterAt(this.#theirs, LANE_HEAD);
    return Atomics.load(this.views.counters, at) >>> 0;
  }

  #wait(): number {
    const { meanwhile } = this;
    this.meanwhile = undefined;
    meanwhile?.();
    return this.#head;
  }

  spin(): number {
    this.spins++;
    return this.#wait();
  }

  sleep(seen: number): boolean {
    this.announcements++;
    const asleep = counterAt(this.#theirs, LANE_ASLEEP);
    Atomics.store(this.views.counters, asleep, 1);
    if (this.#head === seen) return true;
    Atomics.store(this.views.counters, asleep, 0);
    return false;
  }

  /** Never blocks: nobody but {@link meanwhile} could write. What rings a blocked thread never reaches the event loop, so nobody rings. */
  wait(seen: number): LaneWait {
    this.announcements++;
    this.wake();
    return this.#wait() === seen ? "timeout" : "moved";
  }

  wake(): void {
    Atomics.store(this.views.counters, counterAt(this.#theirs, LANE_ASLEEP), 0);
  }

  listen(ring: (count: number) => void, shut: () => void): void {
    this.ring = ring;
    this.shut = shut;
  }

  connect(): void {}

  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}
