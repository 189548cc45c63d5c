import { assert, assertEquals, assertThrows } from "@std/assert";
import { MediaError } from "../../../../demo/input/media_error.ts";
import {
  type Chroma,
  type PlaneLayout,
  planeLayout,
} from "../../../../demo/input/y4m.ts";
import {
  guessMatrix,
  type Matrix,
  packedPlanes,
  YuvToRgba,
} from "../../../../demo/input/yuv_to_rgba.ts";

/** Converts one pixel with the formulas of the standards, in floating point. */
function exactly(
  [y, cb, cr]: [number, number, number],
  matrix: Matrix,
  fullRange: boolean,
): number[] {
  const [kr, kb] = matrix === "bt601" ? [0.299, 0.114] : [0.2126, 0.0722];
  const luma = fullRange ? y / 255 : (y - 16) / 219;
  const range = fullRange ? 255 : 224;
  const red = luma + 2 * (1 - kr) * (cr - 128) / range;
  const blue = luma + 2 * (1 - kb) * (cb - 128) / range;
  const green = (luma - kr * red - kb * blue) / (1 - kr - kb);
  return [red, green, blue].map((v) =>
    Math.max(0, Math.min(255, Math.round(v * 255)))
  );
}

/** Converts a frame without gaps to rows without gaps. */
function convert(
  converter: YuvToRgba,
  layout: PlaneLayout,
  samples: number[],
  into: Uint8Array,
): void {
  const planes = packedPlanes(Uint8Array.from(samples), layout);
  converter.convert(planes, into, layout.width * 4);
}

Deno.test("every channel is within one of the exact value, for both matrices and ranges", () => {
  for (const matrix of ["bt601", "bt709"] as const) {
    for (const fullRange of [false, true]) {
      const converter = new YuvToRgba(planeLayout(1, 1, "444"), {
        matrix,
        fullRange,
      });
      const pixel = new Uint8Array(4);
      for (let y = 0; y < 256; y += 15) {
        for (let cb = 0; cb < 256; cb += 15) {
          for (let cr = 0; cr < 256; cr += 15) {
            convert(converter, planeLayout(1, 1, "444"), [y, cb, cr], pixel);
            const wanted = exactly([y, cb, cr], matrix, fullRange);
            for (let c = 0; c < 3; c++) {
              assert(
                Math.abs(pixel[c]! - wanted[c]!) <= 1,
                `${matrix} ${y},${cb},${cr}: ${pixel} is not ${wanted}`,
              );
            }
            assertEquals(pixel[3], 255);
          }
        }
      }
    }
  }
});

Deno.test("black, white and grey are exact", () => {
  const converter = new YuvToRgba(planeLayout(3, 1, "444"));
  const pixels = new Uint8Array(12);
  convert(
    converter,
    planeLayout(3, 1, "444"),
    [16, 126, 235, 128, 128, 128, 128, 128, 128],
    pixels,
  );
  assertEquals(
    [...pixels],
    [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255],
  );
});

Deno.test("high definition has its own matrix", () => {
  assertEquals(guessMatrix(719), "bt601");
  assertEquals(guessMatrix(720), "bt709");
});

/** Converts each pixel alone, with its chroma sample, by a 4:4:4 converter. */
function slowly(
  frame: Uint8Array,
  w: number,
  h: number,
  chroma: Chroma,
): Uint8Array {
  const { chromaWidth, chromaHeight } = planeLayout(w, h, chroma);
  const one = new YuvToRgba(planeLayout(1, 1, "444"));
  const out = new Uint8Array(w * h * 4);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const cx = chromaWidth < w ? x >> 1 : x;
      const cy = chromaHeight < h ? y >> 1 : y;
      const cb = w * h + cy * chromaWidth + cx;
      const pixel = out.subarray((y * w + x) * 4, (y * w + x) * 4 + 4);
      const sample = chroma === "mono" ? [frame[y * w + x]!, 128, 128] : [
        frame[y * w + x]!,
        frame[cb]!,
        frame[cb + chromaWidth * chromaHeight]!,
      ];
      const aligned = new Uint8Array(4);
      convert(one, planeLayout(1, 1, "444"), sample, aligned);
      pixel.set(aligned);
    }
  }
  return out;
}

Deno.test("each pixel takes the chroma that it shares, at even and odd sizes, in any stride", () => {
  for (const chroma of ["420", "422", "444", "mono"] as const) {
    for (
      const [w, h] of [[4, 4], [5, 3], [1, 1], [2, 1], [1, 4], [7, 2]] as const
    ) {
      const layout = planeLayout(w, h, chroma);
      const frame = Uint8Array.from(
        { length: layout.frameBytes },
        (_, i) => (i * 89 + 40) % 256,
      );
      const wanted = slowly(frame, w, h, chroma);
      for (const bytesPerRow of [w * 4, w * 4 + 12]) {
        const pixels = new Uint8Array(bytesPerRow * h).fill(7);
        new YuvToRgba(layout).convert(
          packedPlanes(frame, layout),
          pixels,
          bytesPerRow,
        );
        for (let y = 0; y < h; y++) {
          const row = pixels.subarray(y * bytesPerRow, (y + 1) * bytesPerRow);
          assertEquals(
            [...row.subarray(0, w * 4)],
            [...wanted.subarray(y * w * 4, (y + 1) * w * 4)],
            `${chroma} ${w}x${h}, row ${y}`,
          );
          assert(row.subarray(w * 4).every((byte) => byte === 7));
        }
      }
    }
  }
});

Deno.test("a target that does not hold the picture is refused", () => {
  const converter = new YuvToRgba(planeLayout(4, 2, "mono"));
  const planes = [{ bytes: new Uint8Array(8), bytes_per_row: 4 }];
  const refused = (target: Uint8Array, bytesPerRow: number): void => {
    const error = assertThrows(
      () => converter.convert(planes, target, bytesPerRow),
      MediaError,
    );
    assertEquals(error.code, "bad_argument");
  };
  refused(new Uint8Array(31), 16);
  refused(new Uint8Array(64), 12);
  refused(new Uint8Array(64), 18);
  refused(new Uint8Array(new ArrayBuffer(40), 2), 16);
  converter.convert(planes, new Uint8Array(16 + 20), 20);
});
