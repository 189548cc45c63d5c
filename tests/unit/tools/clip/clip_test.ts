import { assert, assertEquals } from "@std/assert";
import { Canvas } from "../../../../tools/clip/canvas.ts";
import {
  cosine,
  polygonDistance,
  sine,
} from "../../../../tools/clip/geometry.ts";
import { renderClip, toYuv420 } from "../../../../tools/clip/make_clip.ts";
import { drawScene, FRAMES } from "../../../../tools/clip/scene.ts";
import { readClip } from "../../../../demo/clip/shipped.ts";
import { planeLayout } from "../../../../demo/input/y4m.ts";
import { packedPlanes, YuvToRgba } from "../../../../demo/input/yuv_to_rgba.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

permittedTest(
  "the generator makes the shipped clip, byte for byte, and it is small",
  { read: true },
  async () => {
    const shipped = await readClip();
    let at = 0;
    for (const piece of renderClip()) {
      const there = shipped.subarray(at, at + piece.length);
      // Buffers are compared natively; comparing twenty million numbers would take a minute.
      assertEquals(
        indexOfDifference(piece, there),
        -1,
        `pieces differ from byte ${at} on`,
      );
      at += piece.length;
    }
    assertEquals(at, shipped.length);
    const file = new URL(
      "../../../../demo/clip/clip.json",
      import.meta.url,
    );
    assert((await Deno.stat(file)).size < 1_500_000);
  },
);

function indexOfDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  return a.findIndex((byte, i) => byte !== b[i]);
}

Deno.test("the scene moves, and begins again after its last frame", () => {
  const [first, second, last, next] = [0, 1, FRAMES - 1, FRAMES].map((index) =>
    drawScene(index).rgba
  );
  // The part without the frame number, which is at the lower right.
  const body = 640 * 320 * 4;
  const changed = (a: Uint8Array, b: Uint8Array): number =>
    a.subarray(0, body).reduce((n, byte, i) => n + (byte !== b[i] ? 1 : 0), 0);
  assert(changed(first!, second!) > 10_000);
  assert(changed(last!, first!) > 10_000);
  // All rotations are full turns, except for the last bits of the angles.
  assert(changed(first!, next!) < 100);
});

Deno.test("planes hold the colours that were drawn", () => {
  const canvas = new Canvas(4, 4);
  canvas.rectangle(0, 0, 2, 4, [191, 0, 191]);
  canvas.rectangle(2, 0, 2, 4, [255, 255, 255]);
  const pixels = new Uint8Array(64);
  const layout = planeLayout(4, 4, "420");
  new YuvToRgba(layout).convert(
    packedPlanes(toYuv420(canvas), layout),
    pixels,
    16,
  );
  canvas.rgba.forEach((byte, i) =>
    assert(Math.abs(byte - pixels[i]!) <= 3, `${pixels}`)
  );
});

Deno.test("sine and cosine are those of a circle", () => {
  for (let turns = -2; turns <= 2; turns += 1 / 64) {
    const angle = 2 * Math.PI * turns;
    assert(Math.abs(sine(turns) - Math.sin(angle)) < 1e-7);
    assert(Math.abs(cosine(turns) - Math.cos(angle)) < 1e-7);
  }
});

Deno.test("distances to a polygon are negative inside", () => {
  const square = [
    { x: 0, y: 0 },
    { x: 4, y: 0 },
    { x: 4, y: 4 },
    { x: 0, y: 4 },
  ];
  assertEquals(polygonDistance(square, 2, 1), -1);
  assertEquals(polygonDistance(square, 4, 2), 0);
  assertEquals(polygonDistance(square, 7, 8), 5);
});
