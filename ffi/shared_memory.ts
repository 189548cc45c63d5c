/**
 * Memory that is sent to another process as a capability: surfaces and buffers,
 * and the view that JavaScript has of its mapping.
 *
 * @module
 */

import type { Capability } from "../proto/wire/xpc_value.ts";
import type { ShmemHandle, SurfaceHandle } from "./handle.ts";
import type { Native } from "./native.ts";

/**
 * Shared memory, made by this process or another. Disposing it detaches all
 * views of it: a view that is still used has length 0 and reads nothing.
 *
 * A view whose `ArrayBuffer` was transferred (`postMessage` and
 * `structuredClone` with a transfer list, a read into it by a stream) cannot be
 * detached: somebody else owns it. Such memory is "given away". It stays mapped
 * until the process ends, and must not be used for another frame.
 */
export interface SharedMemory extends Disposable {
  /** Whether a view of it was transferred. It never becomes false again. */
  readonly givenAway: boolean;
  /** Returns the capability, to be put into a message. It stays owned here. */
  borrow(): Capability;
  /** Begins CPU access. {@link unlock} with the same argument ends it. Does nothing once disposed. */
  lock(readOnly: boolean): void;
  /** Ends CPU access. Does nothing once disposed. */
  unlock(readOnly: boolean): void;
}

/** The `ArrayBuffer` over one mapping. After a transfer there is a new one, over the same memory. */
export class MappedView {
  readonly #address: Deno.PointerObject;
  readonly #bytes: number;
  #buffer: ArrayBuffer;
  #givenAway = false;

  /**
   * @param address the start of the mapping
   * @param bytes the bytes that JavaScript may see
   */
  constructor(address: Deno.PointerObject, bytes: number) {
    this.#address = address;
    this.#bytes = bytes;
    this.#buffer = this.#newBuffer();
  }

  #newBuffer(): ArrayBuffer {
    return Deno.UnsafePointerView.getArrayBuffer(
      this.#address,
      this.#bytes,
    ) as ArrayBuffer;
  }

  /** Whether one of its buffers was transferred. */
  get givenAway(): boolean {
    return this.#givenAway ||= this.#buffer.detached;
  }

  /** The buffer, which is not detached. */
  get buffer(): ArrayBuffer {
    if (!this.#buffer.detached) return this.#buffer;
    this.#givenAway = true;
    return this.#buffer = this.#newBuffer();
  }

  /** Detaches the buffer, unless it was transferred. */
  detach(): void {
    if (!this.#buffer.detached) this.#buffer.transfer(0);
  }
}

/**
 * Ends the use of shared memory: detaches its view and releases its handle, which
 * unmaps it, unless it was given away. Then returns the lease of `native`.
 */
export function releaseMapped(
  native: Native,
  handle: SurfaceHandle | ShmemHandle,
  view: MappedView | undefined,
): void {
  if (view?.givenAway) native.symbols.slb_mapping_keep(handle);
  view?.detach();
  native.symbols.slb_release(handle);
  native[Symbol.dispose]();
}
