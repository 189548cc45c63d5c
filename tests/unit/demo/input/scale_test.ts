import { assert, assertEquals } from "@std/assert";
import { FrameScaler } from "../../../../demo/input/scale.ts";
import { planeLayout } from "../../../../demo/input/y4m.ts";

Deno.test("the same size changes nothing", () => {
  for (const chroma of ["420", "422", "444", "mono"] as const) {
    const layout = planeLayout(5, 4, chroma);
    const frame = Uint8Array.from(
      { length: layout.frameBytes },
      (_, i) => i * 11 % 256,
    );
    assertEquals([...new FrameScaler(layout, 5, 4).scale(frame)], [...frame]);
  }
});

Deno.test("samples of ten bits are scaled with all their bits", () => {
  const layout = planeLayout(2, 1, "mono", 10);
  const scaled = new FrameScaler(layout, 4, 2).scale(
    new Uint16Array([3, 1023]),
  );
  assertEquals([...scaled], [3, 258, 768, 1023, 3, 258, 768, 1023]);
  const same = new FrameScaler(planeLayout(3, 2, "444", 10), 3, 2);
  const frame = Uint16Array.from({ length: 18 }, (_, i) => i * 55);
  assertEquals([...same.scale(frame)], [...frame]);
});

Deno.test("each plane stays its own, in the layout of the new size", () => {
  const from = planeLayout(4, 4, "420");
  const frame = new Uint8Array(from.frameBytes).fill(50, 0, 16).fill(
    100,
    16,
    20,
  )
    .fill(200, 20);
  for (const [width, height] of [[9, 7], [2, 2], [1, 1], [16, 3]] as const) {
    const scaler = new FrameScaler(from, width, height);
    const to = planeLayout(width, height, "420");
    assertEquals(scaler.layout, to);
    const scaled = scaler.scale(frame);
    const luma = width * height;
    const chroma = to.chromaWidth * to.chromaHeight;
    assert(scaled.subarray(0, luma).every((v) => v === 50));
    assert(scaled.subarray(luma, luma + chroma).every((v) => v === 100));
    assert(scaled.subarray(luma + chroma).every((v) => v === 200));
    assertEquals(scaled.length, luma + 2 * chroma);
  }
});

Deno.test("between samples, values lie between them; at the rim, they stay", () => {
  const scaler = new FrameScaler(planeLayout(2, 2, "mono"), 4, 4);
  // Centres of the new pixels are at -0.25, 0.25, 0.75 and 1.25 of the old.
  assertEquals([...scaler.scale(new Uint8Array([0, 100, 0, 100]))], [
    ...[0, 25, 75, 100],
    ...[0, 25, 75, 100],
    ...[0, 25, 75, 100],
    ...[0, 25, 75, 100],
  ]);
  assertEquals([...scaler.scale(new Uint8Array([0, 0, 200, 200]))], [
    ...[0, 0, 0, 0],
    ...[50, 50, 50, 50],
    ...[150, 150, 150, 150],
    ...[200, 200, 200, 200],
  ]);
});

Deno.test("halving takes the mean of four, rounded", () => {
  const scaler = new FrameScaler(planeLayout(4, 2, "mono"), 2, 1);
  assertEquals(
    [...scaler.scale(new Uint8Array([0, 10, 40, 60, 20, 32, 80, 101]))],
    [16, 70],
  );
});
