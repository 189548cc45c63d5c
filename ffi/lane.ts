/**
 * Lanes: shared memory with a ring of slots for each direction, through which
 * frames travel without a message. `c/include/streamlib_lane.h` describes the
 * memory, and the lanes of `streamlib_bridge.h` how to show records and to wait.
 *
 * @module
 */

import { Capability } from "../proto/wire/xpc_value.ts";
import { OwnedCapability } from "./capability.ts";
import type { AnyHandle, LaneHandle } from "./handle.ts";
import type { Native } from "./native.ts";
import { Mapping, releaseMapped } from "./shared_memory.ts";
import type { Bell } from "./bell.ts";

/**
 * Why {@link NativeLane.wait} has returned: the other side has written slots,
 * events wait on the queue, the time has passed, or the other side has misused
 * the bell: it was shut down, or rung again and again for nothing.
 */
export type LaneWait = "moved" | "events" | "timeout" | "shut" | "flood";

const WAITS: readonly LaneWait[] = [
  "timeout",
  "moved",
  "events",
  "shut",
  "flood",
];

/**
 * One side's half of a lane: its memory, which the caller reads and writes, its
 * bell, and the other side's. Direction 0 is written by the side that has made
 * the lane, direction 1 by the one that opened it. It holds a lease of `native`.
 *
 * All methods throw `native_failure` once it is disposed, except {@link spin},
 * which returns at once.
 */
export class NativeLane implements Disposable {
  /** The slots of each direction. */
  readonly slots: number;
  /** The lane's memory. It is detached, so of length 0, once the lane is disposed. Never transfer it. */
  readonly buffer: ArrayBuffer;
  readonly #native: Native;
  readonly #handle: LaneHandle;
  readonly #mapping: Mapping;
  #bell: Bell | undefined;
  #announcements = 1; // a lane starts as announced
  #disposed = false;

  /** Takes over the handle. */
  private constructor(native: Native, handle: LaneHandle) {
    const { symbols } = native;
    this.#native = native;
    this.#handle = handle;
    this.slots = symbols.slb_lane_slots(handle);
    this.#mapping = new Mapping(
      native.views,
      symbols.slb_lane_map(handle)!,
      Number(symbols.slb_lane_bytes(handle)),
    );
    this.buffer = this.#mapping.open();
    native.lease();
  }

  /**
   * Makes a lane of `slots` slots in each direction, a power of two from 16 to
   * 4096. Throws `bad_argument` for another number, `native_failure` if memory or
   * descriptors run out.
   */
  static create(native: Native, slots: number): NativeLane {
    const { symbols, queue } = native;
    return new NativeLane(
      native,
      native.created(symbols.slb_lane_create(queue, slots)),
    );
  }

  /**
   * Opens the other half of a lane whose memory was received; the capability
   * stays the caller's. Throws `bad_argument` if the memory is not a lane of this version.
   */
  static open(native: Native, memory: Capability): NativeLane {
    const { symbols, queue } = native;
    return new NativeLane(
      native,
      native.created(symbols.slb_lane_open(queue, memory.handle)),
    );
  }

  /** Takes the lane's memory out, once, to be sent to the other side. The caller disposes it. */
  memory(): OwnedCapability {
    return this.#owned(
      "shmem",
      this.#native.symbols.slb_lane_take_memory(this.#handle),
    );
  }

  /** Returns the end of this side's bell that rings it, to be sent to the other side. The caller disposes it. */
  bell(): OwnedCapability {
    return this.#owned("fd", this.#native.symbols.slb_lane_bell(this.#handle));
  }

  /**
   * From now on {@link publish} rings the bell that was received from the other
   * side; the capability stays the caller's. Throws `bad_argument` if the descriptor
   * is not a bell.
   */
  connect(bell: Capability): void {
    const { symbols } = this.#native;
    this.#native.checked(
      symbols.slb_lane_connect(this.#handle, bell.handle),
    );
  }

  /**
   * Listens to this side's bell, once. `ring` is called with the number of rings
   * that were read at once, `shut` when the other side has shut the bell down,
   * which it never needs to. The bell does not keep the process alive. It ends
   * with the lane.
   */
  listen(ring: (count: number) => void, shut: () => void): Bell {
    const { symbols } = this.#native;
    const descriptor = this.#native.checked(
      symbols.slb_lane_take_bell(this.#handle),
    );
    return this.#bell = this.#native.bell(descriptor, ring, shut);
  }

  /**
   * How often the other side was asked to ring: by {@link sleep}, by
   * {@link wait}, and once at the start. It never has a reason to ring more often.
   */
  get announcements(): number {
    return this.#announcements;
  }

  /**
   * Shows the other side everything before slot `head` of the direction that this
   * side writes, and rings its bell if it sleeps. Returns whether it has rung.
   * Throws `bad_argument` if that is more than {@link slots} further than before.
   */
  publish(head: number): boolean {
    const rung = this.#native.symbols.slb_lane_publish(this.#handle, head);
    return this.#native.checked(rung) === 1;
  }

  /**
   * Waits awake, which means that it looks at the memory again and again, until the
   * other side's head is not `seen`: for at most `maxNs` nanoseconds, and only while
   * a record is likely to come. Returns the head.
   */
  spin(seen: number, maxNs: number): number {
    return this.#native.symbols.slb_lane_spin(this.#handle, seen, maxNs);
  }

  /**
   * Announces sleep. Returns whether the other side's head is still `seen`. Then this
   * side is asleep, and the other side's next publish rings. Otherwise it is awake.
   */
  sleep(seen: number): boolean {
    this.#announcements++;
    const asleep = this.#native.symbols.slb_lane_sleep(this.#handle, seen);
    return this.#native.checked(asleep) === 1;
  }

  /** Ends the announced sleep. */
  wake(): void {
    this.#native.checked(this.#native.symbols.slb_lane_wake(this.#handle));
  }

  /**
   * Blocks this thread, until the other side's head is not `seen`, events wait on
   * the queue of this isolate, or `timeoutMs` milliseconds have passed. Events may
   * be left to the event loop. This side is awake afterwards; call {@link sleep}
   * before the event loop goes on.
   */
  wait(seen: number, timeoutMs: number): LaneWait {
    this.#announcements++;
    const { symbols } = this.#native;
    const why = this.#native.checked(
      symbols.slb_lane_wait(this.#handle, seen, timeoutMs),
    );
    return WAITS[why]!;
  }

  /** Ends the lane for this side: detaches {@link buffer}, unmaps the memory, closes the bells. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#bell?.[Symbol.dispose]();
    this.#mapping.close(this.buffer);
    releaseMapped(this.#native, this.#handle, this.#mapping);
  }

  #owned(kind: "shmem" | "fd", handle: number): OwnedCapability {
    return new OwnedCapability(
      this.#native,
      new Capability(kind, this.#native.created<AnyHandle>(handle)),
    );
  }
}
