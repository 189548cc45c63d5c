/**
 * Pictures of the demo's formats as RGBA, for whoever wants colours: the video's
 * planes are kept until then.
 *
 * @module
 */

import type { Plane, Surface, VideoFrame } from "../../host/mod.ts";
import { planeLayout } from "../input/y4m.ts";
import {
  guessMatrix,
  type Matrix,
  type PlaneRows,
  YuvToRgba,
} from "../input/yuv_to_rgba.ts";
import type { Picture } from "./pixel_words.ts";

/** The formats of the demo's pictures: 4:2:0 and luma alone, of 8 and ten bits, and RGBA for everything else. */
export type DemoFormat = "i420" | "gray8" | "p010" | "gray16" | "rgba8";

/** Every `step`th byte of a plane's rows, from the byte `first` on: the high bytes of one component. */
function highBytes(
  { width, height, bytes_per_row, bytes }: Plane,
  first: number,
  step: number,
): PlaneRows {
  const high = new Uint8Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * bytes_per_row + first;
    for (let x = 0; x < width; x++) high[to++] = bytes[row + x * step]!;
  }
  return { bytes: high, bytes_per_row: width };
}

/** The planes Y, Cb and Cr of a picture, with 8 bits a sample. */
function planesOfEightBits(surface: Surface): readonly PlaneRows[] {
  const [luma, chroma] = surface.planes;
  switch (surface.pixel_format) {
    case "gray16":
      return [highBytes(luma!, 1, 2)];
    case "p010":
      return [
        highBytes(luma!, 1, 2),
        highBytes(chroma!, 1, 4),
        highBytes(chroma!, 3, 4),
      ];
    default:
      return surface.planes;
  }
}

/**
 * Converts pictures, one after the other. The screen has 8 bits, so the lowest
 * two of ten are left out.
 *
 * ```ts ignore
 * const pictures = new RgbaPictures();
 * const { pixels, bytes_per_row } = pictures.of(frame.pixel_buffer, frame.color);
 * ```
 */
export class RgbaPictures {
  #key = "";
  #converter: YuvToRgba | undefined;
  #pixels: Uint8Array = new Uint8Array(0);

  /**
   * Returns a picture as opaque RGBA. For `rgba8` it is the surface's own memory;
   * else it is valid until the next call.
   *
   * @param color what the values mean; guessed from the height where it does not say
   */
  of(surface: Surface, color: VideoFrame["color"] = null): Picture {
    const { width, height, pixel_format } = surface;
    if (pixel_format === "rgba8") return surface;
    const matrix: Matrix = color?.matrix == null
      ? guessMatrix(height)
      : color.matrix === "bt709"
      ? "bt709"
      : "bt601";
    const fullRange = color?.full_range ?? false;
    const key = [width, height, pixel_format, matrix, fullRange].join();
    if (this.#key !== key) {
      const isGrey = pixel_format === "gray8" || pixel_format === "gray16";
      const chroma = isGrey ? "mono" : "420";
      this.#converter = new YuvToRgba(planeLayout(width, height, chroma), {
        matrix,
        fullRange,
      });
      this.#pixels = new Uint8Array(width * height * 4);
      this.#key = key;
    }
    const bytes_per_row = width * 4;
    const planes = planesOfEightBits(surface);
    this.#converter!.convert(planes, this.#pixels, bytes_per_row);
    return { width, height, bytes_per_row, pixels: this.#pixels };
  }
}
