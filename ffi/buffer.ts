/**
 * Buffers: numbers in shared memory.
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
  /** How many bytes there are: whole pages. */
  readonly bytes: number;
  readonly #native: Native;
  readonly #handle: ShmemHandle;
  readonly #memory: ArrayBuffer;
  #disposed = false;

  /** Takes a handle over, and maps it. Throws `native_failure` where that cannot be; the handle is released then. */
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

  /** A new region of at least so many bytes, zeroed. Throws `native_failure` where memory or descriptors ran out. */
  static create(native: Native, bytes: number): NativeBuffer {
    return new NativeBuffer(
      native,
      native.created(
        native.symbols.slb_shmem_create(native.queue, BigInt(bytes)),
      ),
    );
  }

  /** The first `length` numbers, in place. The caller has checked that there are so many. */
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
