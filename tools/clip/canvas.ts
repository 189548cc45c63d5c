/**
 * A picture to draw on, with anti-aliased edges.
 *
 * @module
 */

import { clamp } from "./geometry.ts";

/** Red, green and blue, each 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** The mixture of `a` and `b`, with `part` of `b`, 0 to 1. */
export function mix(a: Colour, b: Colour, part: number): Colour {
  return [
    a[0] + (b[0] - a[0]) * part,
    a[1] + (b[1] - a[1]) * part,
    a[2] + (b[2] - a[2]) * part,
  ];
}

/** The part of a pixel that a shape covers, 0 to 1. `distance` is the distance from the pixel's centre to the outline in pixels, negative inside. */
export function coverage(distance: number): number {
  return clamp(0.5 - distance, 0, 1);
}

/** A box in pixels. It may extend beyond the canvas. */
interface Box {
  /** Its first column. */
  readonly left: number;
  /** Its first row. */
  readonly top: number;
  /** The column after its last. */
  readonly right: number;
  /** The row after its last. */
  readonly bottom: number;
}

/** The box that holds a circle. */
export function boxAround(x: number, y: number, radius: number): Box {
  return {
    left: x - radius,
    top: y - radius,
    right: x + radius,
    bottom: y + radius,
  };
}

/** An opaque RGBA picture, black at first. */
export class Canvas {
  /** The pixels, rows of `width * 4` bytes. */
  readonly rgba: Uint8Array;

  /** Makes a black picture. */
  constructor(
    /** Columns. */
    readonly width: number,
    /** Rows. */
    readonly height: number,
  ) {
    this.rgba = new Uint8Array(width * height * 4);
    for (let i = 3; i < this.rgba.length; i += 4) this.rgba[i] = 255;
  }

  /** Blends `colour` over the pixel at (x, y) with `opacity`, 0 to 1. */
  blend(x: number, y: number, colour: Colour, opacity: number): void {
    const at = (y * this.width + x) * 4;
    for (let channel = 0; channel < 3; channel++) {
      const old = this.rgba[at + channel]!;
      this.rgba[at + channel] = Math.floor(
        old + (colour[channel]! - old) * opacity + 0.5,
      );
    }
  }

  /** Blends a shape over the pixels of `box`. `opacity` and `colour` are called with the centre of each pixel. */
  fill(
    box: Box,
    opacity: (x: number, y: number) => number,
    colour: Colour | ((x: number, y: number) => Colour),
  ): void {
    const left = Math.max(0, Math.floor(box.left - 1));
    const right = Math.min(this.width, Math.ceil(box.right + 1));
    const bottom = Math.min(this.height, Math.ceil(box.bottom + 1));
    for (
      let y = Math.max(0, Math.floor(box.top - 1));
      y < bottom;
      y++
    ) {
      for (let x = left; x < right; x++) {
        const part = opacity(x + 0.5, y + 0.5);
        if (part <= 0) continue;
        const shade = typeof colour === "function"
          ? colour(x + 0.5, y + 0.5)
          : colour;
        this.blend(x, y, shade, part);
      }
    }
  }

  /** Fills a box of whole pixels. */
  rectangle(
    left: number,
    top: number,
    width: number,
    height: number,
    colour: Colour,
  ): void {
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) this.blend(x, y, colour, 1);
    }
  }
}
