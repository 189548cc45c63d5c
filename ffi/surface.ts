/**
 * Surfaces as native objects, made here or received. Each is mapped once.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import { MAX_MEMORY_BYTES } from "../proto/limits.ts";
import {
  type NativeSurfaceHandle,
  PIXEL_FORMATS,
  type PixelFormat,
} from "../proto/schema/surface.ts";
import {
  planeSizes,
  type SurfaceLayout,
} from "../proto/schema/surface_layout.ts";
import { Capability } from "../proto/wire/xpc_value.ts";
import type { SurfaceHandle } from "./handle.ts";
import type { Native } from "./native.ts";
import { Mapping, releaseMapped, type SharedMemory } from "./shared_memory.ts";

const FORMATS: ReadonlyMap<number, PixelFormat> = new Map(
  Object.entries(PIXEL_FORMATS).map(([name, { four_cc }]) => [
    four_cc,
    name as PixelFormat,
  ]),
);

/** The numbers that slb_surface_layout writes, and those of one plane. */
const [SURFACE_VALUES, FIRST_PLANE, PLANE_VALUES] = [32, 12, 5];

/** The 64-bit number at an index. One over 2^53 is rounded, and is beyond every limit. */
function wide(values: Uint32Array, at: number): number {
  return values[at]! + values[at + 1]! * 2 ** 32;
}

/**
 * Returns where the planes are, counted from the one that is first in memory, or
 * undefined if they are not those of a known format. The shim has checked that
 * they are within the memory.
 */
function readLayout(values: Uint32Array): SurfaceLayout | undefined {
  const [width = 0, height = 0, bytes_per_row = 0, code = 0] = values;
  const pixel_format = FORMATS.get(code);
  const isInRows = wide(values, 8) === 0;
  if (pixel_format === undefined || !isInRows) return undefined;
  const sizes = planeSizes({ width, height, pixel_format });
  const planes = sizes.map((_, i) => {
    const at = FIRST_PLANE + i * PLANE_VALUES;
    const [width = 0, height = 0, bytes_per_row = 0] = values.subarray(at + 2);
    return { offset: wide(values, at), width, height, bytes_per_row };
  });
  const fits = values[10] === sizes.length &&
    sizes.every(({ width, height, row_bytes }, i) =>
      planes[i]!.width === width && planes[i]!.height === height &&
      planes[i]!.bytes_per_row >= row_bytes
    );
  if (!fits) return undefined;
  const start = Math.min(...planes.map(({ offset }) => offset));
  const end = Math.max(
    ...planes.map(({ offset, height, bytes_per_row }) =>
      offset + height * bytes_per_row
    ),
  );
  return {
    width,
    height,
    pixel_format,
    bytes_per_row,
    planes: planes.map((plane) => ({ ...plane, offset: plane.offset - start })),
    bytes: end - start,
  };
}

function describeSurface(values: Uint32Array): string {
  const [width = 0, height = 0, row = 0, code = 0] = values;
  const planes = values[10] === 1 ? "" : `, ${values[10]} planes`;
  const modifier = wide(values, 8);
  return `a surface of ${width} x ${height}, ${row} bytes a row, ` +
    `pixel format 0x${code.toString(16)}, ${wide(values, 4)} bytes${planes}` +
    (modifier === 0 ? "" : `, format modifier 0x${modifier.toString(16)}`);
}

/**
 * The memory of a surface, made by this process or another. It is mapped by
 * {@link map}, or for the first view. It holds a lease of `native`, so that the
 * queue does not close while the pixels may be looked at.
 */
export class NativeSurface implements SharedMemory {
  /** Where its pixels are in a view of it. */
  readonly layout: SurfaceLayout;
  /** The size of its memory in bytes: whole pages. */
  readonly bytes: number;
  /** Identifies the memory. The same in every process that maps it. */
  readonly memory_id: bigint;
  readonly #native: Native;
  readonly #handle: SurfaceHandle;
  #mapping: Mapping | undefined;
  #disposed = false;

  /** Takes over a handle. If it is not a picture of a known format in rows of pixels, or is too large, releases it and throws `malformed_message`. */
  constructor(native: Native, handle: SurfaceHandle) {
    this.#native = native;
    this.#handle = handle;
    const values = new Uint32Array(SURFACE_VALUES);
    native.checked(
      native.symbols.slb_surface_layout(
        handle,
        new Uint8Array(values.buffer),
      ),
    );
    const bytes = wide(values, 4);
    const layout = bytes <= MAX_MEMORY_BYTES ? readLayout(values) : undefined;
    if (!layout) {
      native.symbols.slb_release(handle);
      throw new BridgeError(
        "malformed_message",
        `Cannot use ${describeSurface(values)}: at most ${MAX_MEMORY_BYTES} ` +
          `bytes are allowed, the format must be known, its planes must be ` +
          `there, and a row must hold its pixels`,
      );
    }
    this.layout = layout;
    this.bytes = bytes;
    this.memory_id = BigInt(values[6]!) | BigInt(values[7]!) << 32n;
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
    pixel_format: PixelFormat,
  ): NativeSurface {
    const { four_cc, planes } = PIXEL_FORMATS[pixel_format];
    const sizes = planeSizes({ width, height, pixel_format }).flatMap(
      (plane, i) => [plane.width, plane.height, planes[i]!.sample_bytes],
    );
    const surface = new NativeSurface(
      native,
      native.created(
        native.symbols.slb_surface_create(
          native.queue,
          width,
          height,
          four_cc,
          new Uint8Array(new Uint32Array(sizes).buffer),
          planes.length,
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
    if (this.#mapping) return;
    this.#checkOpen("read pixels");
    const address = this.#native.symbols.slb_surface_map(this.#handle);
    if (address === null) throw this.#native.failure();
    this.#mapping = new Mapping(
      this.#native.views,
      address,
      this.layout.bytes,
    );
  }

  get givenAway(): boolean {
    return this.#mapping?.givenAway ?? false;
  }

  /** Throws `closed` once disposed, `native_failure` if descriptors run out. */
  get handle(): NativeSurfaceHandle {
    this.#checkOpen("use the handle of a surface");
    const handle = this.#native.symbols.slb_surface_native(this.#handle);
    if (handle < 0n) throw this.#native.failure();
    return Deno.build.os === "darwin"
      ? Deno.UnsafePointer.create(handle)!
      : Number(handle);
  }

  borrow(): Capability {
    return new Capability("surface", this.#handle);
  }

  open(): ArrayBuffer {
    this.map();
    return this.#mapping!.open();
  }

  close(view: ArrayBuffer): void {
    this.#mapping!.close(view);
  }

  #checkOpen(what: string): void {
    if (!this.#disposed) return;
    throw new BridgeError(
      "closed",
      `Cannot ${what}: the surface was released`,
    );
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
    releaseMapped(this.#native, this.#handle, this.#mapping);
    this.#mapping = undefined;
  }
}
