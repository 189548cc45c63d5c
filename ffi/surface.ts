/**
 * Surfaces as native objects, made here or received. Each is mapped once.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import { MAX_MEMORY_BYTES } from "../proto/limits.ts";
import {
  PIXEL_FORMATS,
  type PixelFormat,
  type Surface,
} from "../proto/schema/surface.ts";
import { Capability } from "../proto/wire/xpc_value.ts";
import type { SurfaceHandle } from "./handle.ts";
import type { Native } from "./native.ts";
import {
  MappedView,
  releaseMapped,
  type SharedMemory,
} from "./shared_memory.ts";

const FORMATS: ReadonlyMap<number, PixelFormat> = new Map(
  Object.entries(PIXEL_FORMATS).map(([name, { four_cc }]) => [
    four_cc,
    name as PixelFormat,
  ]),
);

/**
 * A surface, made by this process or another. It is mapped by {@link map}, or
 * when `pixels` is first read. Disposing it detaches `pixels`: a view that is
 * still used has length 0 and reads nothing. It holds a lease of `native`, so
 * that the queue does not close while the pixels may be looked at.
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
  #view: MappedView | undefined;
  #pixels: Uint8Array<ArrayBuffer> | undefined;
  #disposed = false;

  /** Takes over a handle. If the pixel format is unknown, or the surface too large, releases it and throws `malformed_message`. */
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
    const bytes = low + high * 2 ** 32;
    if (
      format === undefined || bytes > MAX_MEMORY_BYTES ||
      row < width * PIXEL_FORMATS[format].bytes_per_pixel
    ) {
      native.symbols.slb_release(handle);
      throw new BridgeError(
        "malformed_message",
        `Cannot use a surface of ${width} x ${height}, ${row} bytes a row, ` +
          `pixel format 0x${code.toString(16)}, ${bytes} bytes: ` +
          `at most ${MAX_MEMORY_BYTES} bytes are allowed, ` +
          `the format must be known, and a row must hold its pixels`,
      );
    }
    this.width = width;
    this.height = height;
    this.bytes_per_row = row;
    this.pixel_format = format;
    this.bytes = bytes;
    this.memory_id = BigInt(idLow) | BigInt(idHigh) << 32n;
    native.lease();
  }

  /**
   * Makes a zeroed surface, mapped. Throws `native_failure` if memory, addresses
   * or descriptors run out; `bad_argument` if a side is 0 or over 32,768 pixels,
   * or all pixels together over 1 GiB.
   */
  static create(
    native: Native,
    width: number,
    height: number,
    format: PixelFormat,
  ): NativeSurface {
    const surface = new NativeSurface(
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
    try {
      surface.map();
    } catch (error) {
      surface[Symbol.dispose]();
      throw error;
    }
    return surface;
  }

  /** Maps the memory, unless it is mapped. Throws `closed` once disposed, `native_failure` if addresses run out. */
  map(): void {
    if (this.#view) return;
    if (this.#disposed) {
      throw new BridgeError(
        "closed",
        "Cannot read pixels: the surface was released",
      );
    }
    const address = this.#native.symbols.slb_surface_map(this.#handle);
    if (address === null) throw this.#native.failure();
    this.#view = new MappedView(address, this.bytes_per_row * this.height);
  }

  get givenAway(): boolean {
    return this.#view?.givenAway ?? false;
  }

  borrow(): Capability {
    return new Capability("surface", this.#handle);
  }

  /**
   * The pixels, without a copy. After their `ArrayBuffer` was transferred, a new
   * view of the same memory. Throws what {@link map} throws.
   */
  get pixels(): Uint8Array<ArrayBuffer> {
    this.map();
    const { buffer } = this.#view!;
    if (this.#pixels?.buffer !== buffer) this.#pixels = new Uint8Array(buffer);
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
    releaseMapped(this.#native, this.#handle, this.#view);
    this.#view = this.#pixels = undefined;
  }
}
