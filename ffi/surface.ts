/**
 * Surfaces as native objects, made here or received. Each is mapped once.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import {
  PIXEL_FORMATS,
  type PixelFormat,
  type Surface,
} from "../proto/schema/surface.ts";
import { Capability } from "../proto/wire/xpc_value.ts";
import type { SurfaceHandle } from "./handle.ts";
import type { Native } from "./native.ts";
import type { SharedMemory } from "./shared_memory.ts";

const FORMATS: ReadonlyMap<number, PixelFormat> = new Map(
  Object.entries(PIXEL_FORMATS).map(([name, { four_cc }]) => [
    four_cc,
    name as PixelFormat,
  ]),
);

/**
 * A surface, made by this process or another. It is mapped when `pixels` is
 * first read. Disposing it detaches `pixels`: a view that is still used has
 * length 0 and reads nothing.
 */
export class NativeSurface implements Surface, SharedMemory {
  readonly width: number;
  readonly height: number;
  readonly bytes_per_row: number;
  readonly pixel_format: PixelFormat;
  /** The size of its memory in bytes: whole pages. */
  readonly bytes: number;
  /** Identifies the memory. The same in every process that maps it. */
  readonly memory_id: bigint;
  readonly #native: Native;
  readonly #handle: SurfaceHandle;
  #pixels: Uint8Array<ArrayBuffer> | undefined;
  #disposed = false;

  /** Takes over a handle. If the pixel format is unknown, releases it and throws `malformed_message`. */
  constructor(native: Native, handle: SurfaceHandle) {
    this.#native = native;
    this.#handle = handle;
    const values = new Uint32Array(8);
    native.checked(
      native.symbols.slb_surface_layout(
        handle,
        new Uint8Array(values.buffer),
      ),
    );
    const [
      width = 0,
      height = 0,
      row = 0,
      code = 0,
      low = 0,
      high = 0,
      idLow = 0,
      idHigh = 0,
    ] = values;
    const format = FORMATS.get(code);
    if (
      format === undefined ||
      row < width * PIXEL_FORMATS[format].bytes_per_pixel
    ) {
      native.symbols.slb_release(handle);
      throw new BridgeError(
        "malformed_message",
        `Cannot use a surface of ${width} x ${height}, ${row} bytes a row, ` +
          `pixel format 0x${code.toString(16)}`,
      );
    }
    this.width = width;
    this.height = height;
    this.bytes_per_row = row;
    this.pixel_format = format;
    this.bytes = low + high * 2 ** 32;
    this.memory_id = BigInt(idLow) | BigInt(idHigh) << 32n;
  }

  /** Makes a zeroed surface. Throws `native_failure` if memory or descriptors run out, or if a side is 0 or over 32,768 pixels. */
  static create(
    native: Native,
    width: number,
    height: number,
    format: PixelFormat,
  ): NativeSurface {
    return new NativeSurface(
      native,
      native.created(
        native.symbols.slb_surface_create(
          native.queue,
          width,
          height,
          PIXEL_FORMATS[format].bytes_per_pixel,
          PIXEL_FORMATS[format].four_cc,
        ),
      ),
    );
  }

  borrow(): Capability {
    return new Capability("surface", this.#handle);
  }

  /** The pixels, without a copy. Mapped when first read. Throws `closed` once disposed. */
  get pixels(): Uint8Array<ArrayBuffer> {
    if (this.#pixels) return this.#pixels;
    if (this.#disposed) {
      throw new BridgeError(
        "closed",
        "Cannot read pixels: the surface was released",
      );
    }
    const address = this.#native.symbols.slb_surface_map(this.#handle);
    if (address === null) {
      throw new BridgeError("native_failure", this.#native.lastError());
    }
    const memory = Deno.UnsafePointerView.getArrayBuffer(
      address,
      this.bytes_per_row * this.height,
    );
    this.#pixels = new Uint8Array(memory as ArrayBuffer);
    return this.#pixels;
  }

  lock(readOnly: boolean): void {
    if (this.#disposed) return;
    this.#native.checked(
      this.#native.symbols.slb_surface_lock(this.#handle, readOnly ? 1 : 0),
    );
  }

  unlock(readOnly: boolean): void {
    if (this.#disposed) return; // the access ended when the channel did
    this.#native.checked(
      this.#native.symbols.slb_surface_unlock(this.#handle, readOnly ? 1 : 0),
    );
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#pixels?.buffer.transfer(0);
    this.#pixels = undefined;
    this.#native.symbols.slb_release(this.#handle);
  }
}
