/**
 * Makes the clip that the demo shows by default:
 * `deno run --allow-write=demo/clip tools/clip/make_clip.ts`.
 *
 * @module
 */

import { brotliCompressSync, constants } from "node:zlib";
import {
  formatY4mHeader,
  planeLayout,
  Y4M_FRAME_LINE,
} from "../../demo/input/y4m.ts";
import type { Canvas } from "./canvas.ts";
import { drawScene, FRAME_RATE, FRAMES, HEIGHT, WIDTH } from "./scene.ts";

/** Renders the whole clip, piece by piece, as an uncompressed Y4M file. */
export function* renderClip(): Generator<Uint8Array, void, void> {
  const text = new TextEncoder();
  const layout = planeLayout(WIDTH, HEIGHT, "420");
  yield text.encode(formatY4mHeader(layout, FRAME_RATE));
  for (let index = 0; index < FRAMES; index++) {
    yield text.encode(Y4M_FRAME_LINE);
    yield toYuv420(drawScene(index));
  }
}

/** Converts a picture of even width and height to YUV 4:2:0, with the integer formulas of BT.601 for the video range. */
export function toYuv420(canvas: Canvas): Uint8Array {
  const { width, height, rgba } = canvas;
  const half = width / 2;
  const cb = width * height;
  const cr = cb + half * height / 2;
  const frame = new Uint8Array(cb + half * height);
  for (let i = 0; i < cb; i++) {
    const [r, g, b] = [rgba[i * 4]!, rgba[i * 4 + 1]!, rgba[i * 4 + 2]!];
    frame[i] = (66 * r + 129 * g + 25 * b + 128 >> 8) + 16;
  }
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      // The sum of four pixels has two more bits.
      const at = (y * width + x) * 4;
      const sum = (c: number): number =>
        rgba[at + c]! + rgba[at + c + 4]! + rgba[at + c + width * 4]! +
        rgba[at + c + width * 4 + 4]!;
      const [r, g, b] = [sum(0), sum(1), sum(2)];
      const c = y / 2 * half + x / 2;
      frame[cb + c] = (-38 * r - 74 * g + 112 * b + 512 >> 10) + 128;
      frame[cr + c] = (112 * r - 94 * g - 18 * b + 512 >> 10) + 128;
    }
  }
  return frame;
}

if (import.meta.main) {
  const video = new Uint8Array(
    await new Response(ReadableStream.from(renderClip())).arrayBuffer(),
  );
  // Brotli's window contains the frame before, most of which is repeated. That
  // of gzip does not, and its file would be five times as large.
  const file = brotliCompressSync(video, {
    params: {
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_QUALITY]: 9,
      [constants.BROTLI_PARAM_SIZE_HINT]: video.length,
    },
  });
  await Deno.writeTextFile(
    new URL("../../demo/clip/clip.json", import.meta.url),
    `${JSON.stringify(file.toBase64())}\n`,
  );
}
