/**
 * What every surface can do with its pixels, wherever its memory is.
 *
 * @module
 */

import { CUSTOM_INSPECT } from "../custom_inspect.ts";
import { BridgeError } from "../errors.ts";
import type {
  CopyFromOptions,
  NativeSurfaceHandle,
  PixelFormat,
  Plane,
  Surface,
} from "./surface.ts";
import {
  packedBytes,
  type PlaneSize,
  planeSizes,
  type SurfaceLayout,
} from "./surface_layout.ts";

/** Counts the bytes of pixels that surfaces have copied. Handed to each surface by whoever reports the number. */
export interface CopyCounter {
  /** The bytes copied so far. */
  bytes: number;
}

/** A surface over a layout and memory, which a subclass provides. */
export abstract class SurfaceView implements Surface {
  readonly #copies: CopyCounter | undefined;

  /** @param copies gets the bytes that this surface copies */
  constructor(copies?: CopyCounter) {
    this.#copies = copies;
  }

  /** Where the planes are in `pixels`. Does not map the memory. */
  abstract get layout(): SurfaceLayout;

  abstract get pixels(): Uint8Array<ArrayBuffer>;

  get handle(): NativeSurfaceHandle | undefined {
    return undefined;
  }

  get width(): number {
    return this.layout.width;
  }

  get height(): number {
    return this.layout.height;
  }

  get bytes_per_row(): number {
    return this.layout.bytes_per_row;
  }

  get pixel_format(): PixelFormat {
    return this.layout.pixel_format;
  }

  get planes(): readonly Plane[] {
    const { pixels } = this;
    return this.layout.planes.map(
      ({ offset, width, height, bytes_per_row }) => ({
        width,
        height,
        bytes_per_row,
        bytes: pixels.subarray(offset, offset + bytes_per_row * height),
      }),
    );
  }

  rows(plane = 0): Iterable<Uint8Array<ArrayBuffer>> {
    const size = planeSizes(this.layout)[plane];
    if (size) return this.#rows(plane, size);
    throw new BridgeError(
      "bad_argument",
      `Cannot read the rows of plane ${plane}: a surface of ` +
        `${this.pixel_format} has the planes 0 to ${
          this.layout.planes.length - 1
        }`,
    );
  }

  copyFrom(
    source: ArrayBufferView | ArrayBuffer,
    options: CopyFromOptions = {},
  ): void {
    const bytes = this.#bytesOf(source);
    const { bytes_per_row } = options;
    if (bytes_per_row === undefined) {
      this.#checkLength(bytes.length, packedBytes(this.layout), 0);
      this.writePacked(0, bytes);
    } else {
      this.#fillRows(bytes, bytes_per_row);
    }
  }

  copyTo(into?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const length = packedBytes(this.layout);
    if (into && into.length < length) {
      throw new BridgeError(
        "bad_argument",
        `Cannot copy ${this.#words()}: it needs ${length} bytes, and the ` +
          `given memory has ${into.length}`,
      );
    }
    const packed = into ? into.subarray(0, length) : new Uint8Array(length);
    let at = 0;
    for (const [i, size] of planeSizes(this.layout).entries()) {
      for (const row of this.#rows(i, size)) {
        packed.set(row, at);
        at += row.length;
      }
    }
    this.#countCopied(length);
    return packed;
  }

  toImageData(): ImageData {
    const { width, height, pixel_format } = this;
    if (pixel_format !== "rgba8" && pixel_format !== "bgra8") {
      throw new BridgeError(
        "bad_argument",
        `Cannot make ImageData of ${this.#words()}: only rgba8 and bgra8 ` +
          `can; convert the pixels with rows() or copyTo()`,
      );
    }
    const isPacked = this.bytes_per_row === 4 * width;
    const bytes = isPacked && pixel_format === "rgba8"
      ? this.pixels.subarray(0, 4 * width * height)
      : this.copyTo();
    if (pixel_format === "bgra8") swapRedAndBlue(bytes);
    const data = new Uint8ClampedArray(
      bytes.buffer,
      bytes.byteOffset,
      bytes.length,
    );
    return new ImageData(data, width, height);
  }

  /** Writes a part of the packed pixels, from their byte `at` on. It must not go beyond them. */
  writePacked(at: number, part: Uint8Array): void {
    const { layout, pixels } = this;
    this.#countCopied(part.length);
    let start = 0; // of the plane, in the packed pixels
    for (const [i, { height, row_bytes }] of planeSizes(layout).entries()) {
      const { offset, bytes_per_row } = layout.planes[i]!;
      const end = start + height * row_bytes;
      while (at < end && part.length > 0) {
        const y = Math.floor((at - start) / row_bytes);
        const x = (at - start) % row_bytes;
        const room = bytes_per_row === row_bytes ? end - at : row_bytes - x;
        const count = Math.min(room, part.length);
        pixels.set(part.subarray(0, count), offset + y * bytes_per_row + x);
        part = part.subarray(count);
        at += count;
      }
      start = end;
    }
  }

  /** Shows its size and format, and none of its pixels: also after the end of a lease. */
  [CUSTOM_INSPECT](): string {
    return `Surface { ${this.width} x ${this.height} ${this.pixel_format} }`;
  }

  #countCopied(bytes: number): void {
    if (this.#copies) this.#copies.bytes += bytes;
  }

  *#rows(
    plane: number,
    { height, row_bytes }: PlaneSize,
  ): Generator<Uint8Array<ArrayBuffer>> {
    const { offset, bytes_per_row } = this.layout.planes[plane]!;
    for (let y = 0; y < height; y++) {
      const start = offset + y * bytes_per_row;
      // Asked for each row: between two of them the lease may have ended.
      yield this.pixels.subarray(start, start + row_bytes);
    }
  }

  /** Fills the surface from rows with padding. */
  #fillRows(source: Uint8Array, lengths: number | readonly number[]): void {
    const sizes = planeSizes(this.layout);
    const strides = typeof lengths === "number" ? [lengths] : lengths;
    const fits = strides.length === sizes.length &&
      sizes.every(({ row_bytes }, i) =>
        Number.isSafeInteger(strides[i]) && strides[i]! >= row_bytes
      );
    if (!fits) {
      const least = sizes.map(({ row_bytes }) => row_bytes).join(", ");
      throw new BridgeError(
        "bad_argument",
        `Cannot copy into ${this.#words()}: bytes_per_row is ` +
          `[${strides.join(", ")}], and its planes need at least [${least}]`,
      );
    }
    const length = sizes.reduce(
      (sum, { height }, i) => sum + height * strides[i]!,
      0,
    );
    const last = sizes.length - 1;
    this.#checkLength(
      source.length,
      length,
      strides[last]! - sizes[last]!.row_bytes,
    );
    let at = 0;
    for (const [i, size] of sizes.entries()) {
      for (const row of this.#rows(i, size)) {
        row.set(source.subarray(at, at + row.length));
        at += strides[i]!;
      }
    }
    this.#countCopied(packedBytes(this.layout));
  }

  #bytesOf(source: ArrayBufferView | ArrayBuffer): Uint8Array {
    const buffer = ArrayBuffer.isView(source) ? source.buffer : source;
    if (buffer instanceof ArrayBuffer && buffer.detached) {
      throw new BridgeError(
        "bad_argument",
        `Cannot copy into ${this.#words()}: the memory of the source was ` +
          `transferred to another owner`,
      );
    }
    return ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source);
  }

  /** @param spare the bytes at the end that may be missing */
  #checkLength(found: number, expected: number, spare: number): void {
    if (found === expected || found === expected - spare) return;
    throw new BridgeError(
      "bad_argument",
      `Cannot copy ${found} bytes into ${this.#words()}: ` +
        `${expected} bytes are needed. If the rows of the source are ` +
        `padded, set bytes_per_row`,
    );
  }

  #words(): string {
    return `a surface of ${this.width} x ${this.height} ${this.pixel_format}`;
  }
}

function swapRedAndBlue(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i += 4) {
    const blue = bytes[i]!;
    bytes[i] = bytes[i + 2]!;
    bytes[i + 2] = blue;
  }
}
