/**
 * The size of a frame: what a transport without shared memory would copy.
 *
 * @module
 */

import { NativeSurface } from "../ffi/surface.ts";

/**
 * Returns the bytes of a frame's textures, buffers, data and numeric arrays, at
 * any depth. Single values and text are not counted.
 */
export function frameBytes(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  if (value instanceof NativeSurface) {
    return value.bytes_per_row * value.height;
  }
  if (ArrayBuffer.isView(value)) return value.byteLength;
  let bytes = 0;
  if (Array.isArray(value)) {
    for (const element of value) bytes += frameBytes(element);
  } else {
    for (const key in value) {
      bytes += frameBytes((value as { readonly [key: string]: unknown })[key]);
    }
  }
  return bytes;
}
