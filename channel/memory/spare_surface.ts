/**
 * A surface in private memory of this process, for a frame that will be
 * dropped.
 *
 * @module
 */

import { PIXEL_FORMATS, type Surface } from "../../proto/schema/surface.ts";
import type { SurfaceSpec } from "./frame_template.ts";

/** Rows are padded to multiples of this many bytes, as in real surfaces, so that code with a wrong row length fails here too. */
const ROW_ALIGNMENT = 64;

/** Makes a surface that is never sent. Its pixels are allocated when they are first read. */
export function spareSurface(
  { width, height, pixel_format }: SurfaceSpec,
): Surface {
  const { bytes_per_pixel } = PIXEL_FORMATS[pixel_format];
  const bytes_per_row = ROW_ALIGNMENT *
    Math.ceil(width * bytes_per_pixel / ROW_ALIGNMENT);
  let pixels: Uint8Array<ArrayBuffer> | undefined;
  return {
    width,
    height,
    bytes_per_row,
    pixel_format,
    get pixels(): Uint8Array {
      if (!pixels || pixels.buffer.detached) {
        pixels = new Uint8Array(bytes_per_row * height);
      }
      return pixels;
    },
  };
}
