/**
 * Finds the shared memory that a frame's message names, and leases it. Each
 * name is checked against the memory that the peer has offered.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type {
  NumericArrays,
  NumericKind,
} from "../../proto/schema/field_type.ts";
import { MAX_OFFERED } from "../../proto/limits.ts";
import { CHANNEL_KEY } from "../../proto/wire/keys.ts";
import { NUMERIC_ARRAYS } from "../../proto/schema/numeric_array.ts";
import type { CapabilityReader } from "../../proto/wire/type_codec.ts";
import type { Surface } from "../../proto/schema/surface.ts";
import {
  Capability,
  getNumber,
  isDictionary,
  type XpcDictionary,
  type XpcValue,
} from "../../proto/wire/xpc_value.ts";
import { NativeBuffer } from "../../ffi/buffer.ts";
import type { Message } from "../../ffi/message.ts";
import { NativeSurface } from "../../ffi/surface.ts";
import type { Lease, MemoryTable } from "../memory/memory_table.ts";
import type { PieceName } from "../transport.ts";

function nameOf(value: XpcDictionary): PieceName | undefined {
  const id = getNumber(value, CHANNEL_KEY.surfaceId, "uint64");
  const generation = getNumber(value, CHANNEL_KEY.generation, "uint64");
  return id === undefined || generation === undefined
    ? undefined
    : { id, generation };
}

/** Calls `found` with every name of a piece of memory in a value, at any depth. */
export function findNames(
  value: XpcValue | undefined,
  found: (name: PieceName) => void,
): void {
  if (Array.isArray(value)) {
    for (const element of value) findNames(element, found);
  } else if (isDictionary(value)) {
    const name = nameOf(value);
    if (name) found(name);
    else for (const key in value) findNames(value[key], found);
  }
}

/** Maps the surface, so that reading its pixels cannot fail later. Returns the reason if it cannot be mapped. */
function mapped(surface: NativeSurface): NativeSurface | string {
  try {
    surface.map();
    return surface;
  } catch (error) {
    if (error instanceof BridgeError) return error.message;
    throw error;
  }
}

/** The leases of one frame: taken while it is decoded, released when it is disposed. */
export class FrameLeases implements CapabilityReader {
  readonly #table: MemoryTable;
  readonly #message: Message;
  readonly #leases: Lease[] = [];

  /** @param message the frame's message, which owns the capabilities in it */
  constructor(table: MemoryTable, message: Message) {
    this.#table = table;
    this.#message = message;
  }

  /** The number of leases. */
  get size(): number {
    return this.#leases.length;
  }

  /** Whether a view of the frame's memory was transferred. */
  get givenAway(): boolean {
    return this.#leases.some(({ memory }) => memory.givenAway);
  }

  texture(value: XpcValue): Surface | string {
    const memory = this.#lease(value);
    if (typeof memory === "string") return memory;
    if (!(memory instanceof NativeSurface)) return "a buffer's memory";
    return mapped(memory);
  }

  buffer<K extends NumericKind>(
    value: XpcValue,
    kind: K,
  ): NumericArrays[K] | string {
    const memory = this.#lease(value);
    if (typeof memory === "string") return memory;
    if (!(memory instanceof NativeBuffer)) return "a surface";
    const length = isDictionary(value)
      ? getNumber(value, CHANNEL_KEY.length, "uint64")
      : undefined;
    if (length === undefined) return "a buffer without its length";
    const bytes = length * BigInt(NUMERIC_ARRAYS[kind].BYTES_PER_ELEMENT);
    return bytes > BigInt(memory.bytes)
      ? `${length} numbers in memory of ${memory.bytes} bytes`
      : memory.view(kind, Number(length));
  }

  #lease(value: XpcValue): Lease["memory"] | string {
    if (this.#leases.length >= MAX_OFFERED) {
      return `one more than the ${MAX_OFFERED} pieces that a frame can have`;
    }
    const lease = this.#find(value);
    if (typeof lease === "string") return lease;
    this.#leases.push(lease);
    return lease.memory;
  }

  #find(value: XpcValue): Lease | string {
    if (value instanceof Capability) {
      if (value.kind !== "surface") return `a bare ${value.kind}`;
      this.#message.takeCapability(value);
      return this.#table.leaseOnce(value);
    }
    if (!isDictionary(value)) return "neither a surface nor the name of one";
    const name = nameOf(value);
    if (!name) return "a name without surface_id and generation";
    return this.#table.lease(name.id, name.generation);
  }

  /** Ends all leases. The table is told of each; further calls do nothing. */
  release(): void {
    for (const lease of this.#leases) lease.release();
  }
}
