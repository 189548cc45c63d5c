/**
 * Memory that is sent to another process as a capability: surfaces and buffers,
 * and the view that JavaScript has of its mapping.
 *
 * @module
 */

import type { Capability } from "../proto/wire/xpc_value.ts";
import type { LaneHandle, ShmemHandle, SurfaceHandle } from "./handle.ts";
import type { MemoryViews } from "./memory_views.ts";
import type { Native } from "./native.ts";

/**
 * Shared memory, made by this process or another.
 *
 * Each frame that shows the memory has a view of its own: {@link open} makes it,
 * {@link close} detaches it, so that a view that is kept longer has length 0 and
 * reads nothing. A view whose `ArrayBuffer` was transferred (`postMessage` and
 * `structuredClone` with a transfer list, a read into it by a stream) cannot be
 * detached: somebody else owns it. Such memory is "given away". It stays mapped
 * until the process ends, and must not be used for another frame.
 */
export interface SharedMemory extends Disposable {
  /** Whether a view of it was transferred. It never becomes false again. */
  readonly givenAway: boolean;
  /** Returns the capability, to be put into a message. It stays owned here. */
  borrow(): Capability;
  /** Returns a new view. Throws `closed` once disposed, `native_failure` if it is not mapped and addresses run out. */
  open(): ArrayBuffer;
  /** Detaches a view of {@link open}. If it was transferred, the memory is given away. */
  close(view: ArrayBuffer): void;
  /** Begins CPU access. {@link unlock} with the same argument ends it. Does nothing once disposed. */
  lock(readOnly: boolean): void;
  /** Ends CPU access. Does nothing once disposed. */
  unlock(readOnly: boolean): void;
}

/** One mapping, and the views that JavaScript has of it. */
export class Mapping {
  /** Whether a view of it was transferred. */
  givenAway = false;
  readonly #views: MemoryViews;
  readonly #address: Deno.PointerObject;
  readonly #bytes: number;

  /**
   * @param views makes its views
   * @param address the start of the mapping
   * @param bytes the bytes that JavaScript may see
   */
  constructor(views: MemoryViews, address: Deno.PointerObject, bytes: number) {
    this.#views = views;
    this.#address = address;
    this.#bytes = bytes;
  }

  /** Returns a new view of the whole mapping. */
  open(): ArrayBuffer {
    return this.#views.open(this.#address, this.#bytes);
  }

  /** Detaches a view, unless it was transferred: then the memory is given away. */
  close(view: ArrayBuffer): void {
    if (view.detached) this.givenAway = true;
    else this.#views.close(this.#address, view);
  }
}

/**
 * Ends the use of shared memory: releases its handle, which unmaps it unless it
 * was given away. Then returns the lease of `native`. All views are closed before.
 */
export function releaseMapped(
  native: Native,
  handle: SurfaceHandle | ShmemHandle | LaneHandle,
  mapping: Mapping | undefined,
): void {
  if (mapping?.givenAway) native.symbols.slb_mapping_keep(handle);
  native.symbols.slb_release(handle);
  native[Symbol.dispose]();
}
