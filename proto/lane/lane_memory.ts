/**
 * Bytes that records are in, and the shared memory that their frames name.
 *
 * @module
 */

import type {
  ElementArrays,
  ElementKind,
  NumericArray,
} from "../schema/field_type.ts";
import type { Surface } from "../schema/surface.ts";

/**
 * Bytes that records are in: a lane's memory, or a message. The two views are of
 * the same memory and begin at the same byte. The peer may change a lane's memory
 * at any time: what is read twice may differ.
 */
export interface LaneBytes {
  /** The bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same bytes, for numbers. */
  readonly view: DataView<ArrayBuffer>;
}

/** Returns both views of some bytes. */
export function laneBytes(bytes: Uint8Array<ArrayBuffer>): LaneBytes {
  const { buffer, byteOffset, byteLength } = bytes;
  return { bytes, view: new DataView(buffer, byteOffset, byteLength) };
}

/** The name of a piece of memory in a frame. */
export interface MemoryName {
  /** The id under which it was offered. */
  readonly id: number;
  /** Which use of it. */
  readonly generation: number;
  /** Whether the receiver of the frame has offered it: it gets its own memory back. */
  readonly moved: boolean;
}

/** Names the memory of a frame that is written. */
export interface MemoryNamer {
  /** Returns the name of a texture or buffer. Throws if it cannot be sent. */
  name(value: Surface | NumericArray): MemoryName;
}

/**
 * Finds the memory that a frame names. The finder keeps the leases on what it
 * returns; the caller ends them with the frame, or if the frame turns out not to
 * fit. Of a frame that does not fit, the finder is asked for every name that can
 * still be read.
 */
export interface MemoryFinder {
  /** Returns the surface of a name, or what is wrong with it. The peer is not trusted. */
  texture(name: MemoryName): Surface | string;
  /** Returns `length` elements in the memory of a name, or what is wrong with them. */
  buffer<K extends ElementKind>(
    name: MemoryName,
    element_type: K,
    length: number,
  ): ElementArrays[K] | string;
}
