import { assert, assertEquals, assertThrows } from "@std/assert";
import { checksum } from "../../../../demo/verify/checksum.ts";
import { drawScene } from "../../../../tools/clip/scene.ts";
import { EdgeDetector } from "../../../../demo/filter/edge_detector.ts";
import { MediaError } from "../../../../demo/input/media_error.ts";

const WIDTH = 64;
const HEIGHT = 48;

/** A grey picture. */
function greys(grey: (x: number, y: number) => number): Uint8Array {
  const rgba = new Uint8Array(WIDTH * HEIGHT * 4);
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const value = grey(i % WIDTH, Math.floor(i / WIDTH));
    rgba.set([value, value, value, 255], i * 4);
  }
  return rgba;
}

function detect(source: Uint8Array): (x: number, y: number) => number[] {
  const target = new Uint8Array(source.length);
  new EdgeDetector(WIDTH, HEIGHT).detect(source, WIDTH * 4, target, WIDTH * 4);
  return (x, y) => [
    ...target.subarray((y * WIDTH + x) * 4, (y * WIDTH + x) * 4 + 4),
  ];
}

// The histogram covers the lower left corner, so the test reads the pixels right of it.

Deno.test("an even picture is only darkened, to its very rim", () => {
  const pixel = detect(greys(() => 200));
  for (
    const [x, y] of [[0, 0], [63, 0], [63, 47], [40, 20], [63, 20], [
      30,
      0,
    ]] as const
  ) {
    assertEquals(pixel(x, y), [50, 50, 50, 255]);
  }
});

Deno.test("a step to the right shines red on both of its sides, and nowhere else", () => {
  const pixel = detect(greys((x) => x < 40 ? 0 : 255));
  for (let y = 0; y < HEIGHT; y++) {
    assertEquals(pixel(38, y), [0, 0, 0, 255]);
    assertEquals(pixel(39, y), [192, 48, 48, 255]);
    assertEquals(pixel(40, y), [255, 111, 111, 255]);
    assertEquals(pixel(41, y), [63, 63, 63, 255]);
  }
});

Deno.test("beyond the rim, the picture goes on as it is there", () => {
  const below = detect(greys((_, y) => y < 46 ? 0 : 255));
  assert(below(40, 46)[1]! > 63);
  assertEquals(below(40, 47), [63, 63, 63, 255]);
  const above = detect(greys((_, y) => y < 2 ? 255 : 0));
  assertEquals(above(40, 0), [63, 63, 63, 255]);
  const right = detect(greys((x) => x < 62 ? 0 : 255));
  assertEquals(right(63, 20), [63, 63, 63, 255]);
});

Deno.test("each direction has a colour of its own", () => {
  const at = (grey: (x: number, y: number) => number): string =>
    detect(greys(grey))(40, 20).join();
  const steps = new Set([
    at((x) => x < 40 ? 0 : 255),
    at((x) => x < 40 ? 255 : 0),
    at((_, y) => y < 20 ? 0 : 255),
    at((_, y) => y < 20 ? 255 : 0),
    at((x, y) => x + y < 60 ? 0 : 255),
    at((x, y) => x - y < 20 ? 0 : 255),
  ]);
  assertEquals(steps.size, 6);
});

Deno.test("a small step shines less, and noise not at all", () => {
  const red = (height: number): number =>
    detect(greys((x) => x < 40 ? 0 : height))(39, 20)[0]!;
  assertEquals(red(4), 0);
  assert(red(20) > 0);
  assert(red(40) > red(20));
  assertEquals(red(90), 192);
});

Deno.test("no channel overflows, whatever the picture", () => {
  // Random white and black pixels produce every possible gradient.
  let state = 1;
  const source = greys(() => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state > 1073741824 ? 255 : 0;
  });
  const pixel = detect(source);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 30; x < WIDTH; x++) {
      const dark = source[(y * WIDTH + x) * 4]! >> 2;
      const found = pixel(x, y);
      assertEquals(found[3], 255);
      for (const channel of found.slice(0, 3)) {
        assert(
          channel >= dark && channel <= dark + 192,
          `${found} at ${x},${y}`,
        );
      }
    }
  }
});

Deno.test("strides may differ, and what lies between rows is neither read nor written", () => {
  const source = greys((x, y) => (x * x + y * 3) % 256);
  const tight = new Uint8Array(source.length);
  const detector = new EdgeDetector(WIDTH, HEIGHT);
  detector.detect(source, WIDTH * 4, tight, WIDTH * 4);

  const [from, to] = [WIDTH * 4 + 4, WIDTH * 4 + 64];
  const wide = new Uint8Array(from * HEIGHT).fill(123);
  for (let y = 0; y < HEIGHT; y++) {
    wide.set(source.subarray(y * WIDTH * 4, (y + 1) * WIDTH * 4), y * from);
  }
  const before = wide.slice();
  const target = new Uint8Array(to * HEIGHT).fill(45);
  detector.detect(wide, from, target, to);
  assertEquals(wide, before);
  for (let y = 0; y < HEIGHT; y++) {
    const row = target.subarray(y * to, (y + 1) * to);
    assertEquals(
      row.slice(0, WIDTH * 4),
      tight.slice(y * WIDTH * 4, (y + 1) * WIDTH * 4),
    );
    assert(row.subarray(WIDTH * 4).every((byte) => byte === 45));
  }
});

Deno.test("a frame of the clip gives the same result on every machine, whatever came before", () => {
  const { width, height, rgba } = drawScene(12);
  const pixels = new Uint8Array(rgba.length);
  const detector = new EdgeDetector(width, height);
  for (const before of [greysOf(rgba, 0), greysOf(rgba, 255)]) {
    detector.detect(before, width * 4, pixels, width * 4);
    detector.detect(rgba, width * 4, pixels, width * 4);
    assertEquals(
      checksum([[pixels]]),
      2538356639,
    );
  }
});

function greysOf(picture: Uint8Array, grey: number): Uint8Array {
  return new Uint8Array(picture.length).fill(grey);
}

Deno.test("pictures of any size are done", () => {
  for (
    const [width, height] of [[1, 1], [2, 1], [1, 5], [3, 3], [17, 2]] as const
  ) {
    const source = new Uint8Array(width * height * 4).fill(255);
    const target = new Uint8Array(width * height * 4);
    new EdgeDetector(width, height).detect(
      source,
      width * 4,
      target,
      width * 4,
    );
    for (let i = 3; i < target.length; i += 4) assertEquals(target[i], 255);
  }
});

Deno.test("bytes that do not hold the picture are refused", () => {
  const detector = new EdgeDetector(4, 4);
  const whole = new Uint8Array(64);
  const part = new Uint8Array(63);
  assertThrows(
    () => detector.detect(part, 16, whole, 16),
    MediaError,
    "source",
  );
  assertThrows(
    () => detector.detect(whole, 16, part, 16),
    MediaError,
    "target",
  );
});
