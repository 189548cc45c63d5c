/**
 * Buffers: numeric arrays in shared memory.
 *
 * @module
 */

import { Capability } from "../proto/wire/xpc_value.ts";
import type { ShmemHandle } from "./handle.ts";
import type { Native } from "./native.ts";
import { Mapping, releaseMapped, type SharedMemory } from "./shared_memory.ts";

/**
 * A region of shared memory, mapped from the start. It holds a lease of
 * `native`, so that the queue does not close while it may be looked at.
 */
export class NativeBuffer implements SharedMemory {
  /** The size in bytes: whole pages. */
  readonly bytes: number;
  readonly #native: Native;
  readonly #handle: ShmemHandle;
  readonly #mapping: Mapping;
  #disposed = false;

  /**
   * Takes over a handle and maps the memory. If that fails, releases the handle
   * and throws: `native_failure` if addresses run out, `bad_argument` if it is
   * over 1 GiB.
   */
  constructor(native: Native, handle: ShmemHandle) {
    this.#native = native;
    this.#handle = handle;
    const address = native.symbols.slb_shmem_map(handle);
    if (address === null) {
      const error = native.failure();
      native.symbols.slb_release(handle);
      throw error;
    }
    this.bytes = Number(native.symbols.slb_shmem_bytes(handle));
    this.#mapping = new Mapping(native.views, address, this.bytes);
    native.lease();
  }

  /**
   * Makes a zeroed region of at least `bytes` bytes. Throws `native_failure` if
   * memory, addresses or descriptors run out; `bad_argument` if `bytes` is over
   * 1 GiB.
   */
  static create(native: Native, bytes: number): NativeBuffer {
    return new NativeBuffer(
      native,
      native.created(
        native.symbols.slb_shmem_create(native.queue, BigInt(bytes)),
      ),
    );
  }

  open(): ArrayBuffer {
    return this.#mapping.open();
  }

  close(view: ArrayBuffer): void {
    this.#mapping.close(view);
  }

  get givenAway(): boolean {
    return this.#mapping.givenAway;
  }

  borrow(): Capability {
    return new Capability("shmem", this.#handle);
  }

  lock(_readOnly: boolean): void {} // shared memory is coherent

  unlock(_readOnly: boolean): void {}

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    releaseMapped(this.#native, this.#handle, this.#mapping);
  }
}
