import { RgbaPictures } from "../../demo/filter/rgba_pictures.ts";
import type { FrameSource } from "../../demo/input/source.ts";
import { layoutWith, MemorySurface } from "./memory_surface.ts";

/** Memory for the frames of a source, with so many bytes of padding in each row. */
export function pictureOf(source: FrameSource, padding = 0): MemorySurface {
  return new MemorySurface(layoutWith(source, padding));
}

/** A copy of a picture of the source as RGBA, without padding. */
export function rgbaOf(
  source: FrameSource,
  picture: MemorySurface,
): Uint8Array {
  const { width, height, bytes_per_row, pixels } = new RgbaPictures().of(
    picture,
    source.color,
  );
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    const start = y * bytes_per_row;
    rgba.set(pixels.subarray(start, start + width * 4), y * width * 4);
  }
  return rgba;
}
