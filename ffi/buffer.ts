/**
 * Buffers: numeric arrays in shared memory.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import type { NumericArrays, NumericKind } from "../proto/schema/field_type.ts";
import { NUMERIC_ARRAYS } from "../proto/schema/numeric_array.ts";
import { Capability } from "../proto/wire/xpc_value.ts";
import type { ShmemHandle } from "./handle.ts";
import type { Native } from "./native.ts";
import type { SharedMemory } from "./shared_memory.ts";

/** A region of shared memory, mapped from the start. */
export class NativeBuffer implements SharedMemory {
  /** The size in bytes: whole pages. */
  readonly bytes: number;
  readonly #native: Native;
  readonly #handle: ShmemHandle;
  readonly #memory: ArrayBuffer;
  #disposed = false;

  /** Takes over a handle and maps the memory. If that fails, releases the handle and throws `native_failure`. */
  constructor(native: Native, handle: ShmemHandle) {
    this.#native = native;
    this.#handle = handle;
    const address = native.symbols.slb_shmem_map(handle);
    if (address === null) {
      const error = new BridgeError("native_failure", native.lastError());
      native.symbols.slb_release(handle);
      throw error;
    }
    this.bytes = Number(native.symbols.slb_shmem_bytes(handle));
    this.#memory = Deno.UnsafePointerView.getArrayBuffer(
      address,
      this.bytes,
    ) as ArrayBuffer;
  }

  /** Makes a zeroed region of at least `bytes` bytes. Throws `native_failure` if memory or descriptors run out. */
  static create(native: Native, bytes: number): NativeBuffer {
    return new NativeBuffer(
      native,
      native.created(
        native.symbols.slb_shmem_create(native.queue, BigInt(bytes)),
      ),
    );
  }

  /** Returns a view of the first `length` elements. The caller has checked that the region is large enough. */
  view<K extends NumericKind>(kind: K, length: number): NumericArrays[K] {
    return new NUMERIC_ARRAYS[kind](
      this.#memory,
      0,
      length,
    ) as NumericArrays[K];
  }

  borrow(): Capability {
    return new Capability("shmem", this.#handle);
  }

  lock(_readOnly: boolean): void {} // shared memory is coherent

  unlock(_readOnly: boolean): void {}

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#memory.transfer(0);
    this.#native.symbols.slb_release(this.#handle);
  }
}
