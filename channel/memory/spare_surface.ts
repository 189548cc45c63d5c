/**
 * Pixels of this process alone, for a frame that will be dropped.
 *
 * @module
 */

import { PIXEL_FORMATS, type Surface } from "../../proto/schema/surface.ts";
import type { SurfaceSpec } from "./frame_template.ts";

/** Rows begin at multiples of this, as those of real surfaces may: whoever computes the row's length finds out here too. */
const ROW_ALIGNMENT = 64;

/** A surface that crosses nowhere. Its pixels are there from the first look at them on. */
export function spareSurface(
  { width, height, pixel_format }: SurfaceSpec,
): Surface {
  const { bytes_per_pixel } = PIXEL_FORMATS[pixel_format];
  const bytes_per_row = ROW_ALIGNMENT *
    Math.ceil(width * bytes_per_pixel / ROW_ALIGNMENT);
  let pixels: Uint8Array | undefined;
  return {
    width,
    height,
    bytes_per_row,
    pixel_format,
    get pixels(): Uint8Array {
      return pixels ??= new Uint8Array(bytes_per_row * height);
    },
  };
}
