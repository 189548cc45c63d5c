import { assert, assertEquals } from "@std/assert";
import { Histogram } from "../../../../demo/filter/histogram.ts";

/** Draws over black; returns for each bar column of a 256x144 picture how many opaque pixels are bright. */
function heights(histogram: Histogram): number[] {
  const words = new Int32Array(256 * 144);
  histogram.draw(words, 256);
  return Array.from({ length: 64 }, (_, bar) => {
    let bright = 0;
    // The axis lies below the bars.
    for (let y = 0; y < 138; y++) {
      if ((words[y * 256 + 6 + bar]! & 0xff) >= 60) bright++;
    }
    return bright;
  });
}

Deno.test("a bar grows with the root of how often its lumas occur", () => {
  const histogram = new Histogram(256, 144);
  histogram.count(new Uint8Array(400).fill(0));
  histogram.count(new Uint8Array(50).fill(101));
  histogram.count(new Uint8Array(51).fill(103));
  histogram.count(new Uint8Array([255]));
  const found = heights(histogram);
  // Each bar counts four luma values; the highest bar has a quarter of the 144 rows.
  assertEquals(found[0], 36);
  assertEquals(found[25], 18);
  assertEquals(found[63], 1);
  assertEquals(found.filter((height) => height > 0).length, 3);
});

Deno.test("what was counted can be forgotten", () => {
  const histogram = new Histogram(256, 144);
  histogram.count(new Uint8Array(9).fill(0));
  histogram.clear();
  histogram.count(new Uint8Array(9).fill(255));
  const found = heights(histogram);
  assertEquals([found[0], found[63]], [0, 36]);
});

Deno.test("it stays within pictures of any size", () => {
  for (
    const [width, height] of [[1, 1], [2, 9], [16, 16], [33, 7], [300, 2], [
      1920,
      1080,
    ]] as const
  ) {
    const stride = width + 3;
    const words = new Int32Array(stride * height + 8).fill(77);
    const histogram = new Histogram(width, height);
    histogram.count(Uint8Array.from({ length: 256 }, (_, i) => i));
    histogram.draw(words, stride);
    assertEquals(words.length, stride * height + 8);
    assert(words.subarray(stride * height).every((word) => word === 77));
    for (let y = 0; y < height; y++) {
      const gap = words.subarray(y * stride + width, (y + 1) * stride);
      assert(gap.every((word) => word === 77), `${width}x${height}, row ${y}`);
    }
  }
});
