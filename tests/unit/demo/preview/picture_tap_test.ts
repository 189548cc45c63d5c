import { assert, assertEquals } from "@std/assert";
import {
  type PicturePair,
  PictureTap,
  type TappedFrame,
} from "../../../../demo/preview/picture_tap.ts";

/** A frame whose pixels are all `value`, with a gap after each row. */
function frame(
  number: number,
  value: number,
  width = 2,
  height = 2,
): TappedFrame {
  const bytes_per_row = width * 4 + 8;
  const pixels = new Uint8Array(bytes_per_row * height).fill(0xee);
  for (let y = 0; y < height; y++) {
    pixels.fill(value, y * bytes_per_row, y * bytes_per_row + width * 4);
  }
  return {
    frame_number: BigInt(number),
    pixel_buffer: { width, height, bytes_per_row, pixels },
  };
}

const never = new AbortController().signal;

function pass(tap: PictureTap, number: number): void {
  tap.sending(frame(number, number));
  tap.received(frame(number, number + 100));
}

async function pair(
  next: Promise<PicturePair | undefined | "busy">,
): Promise<PicturePair> {
  const found = await next;
  assert(found !== undefined && found !== "busy", String(found));
  return found;
}

Deno.test("a picture is copied when somebody asked, once for all who did", async () => {
  const tap = new PictureTap();
  for (let number = 0; number < 5; number++) pass(tap, number);
  assertEquals(tap.copies, 0);
  const asked = [tap.next(0, never), tap.next(0, never)];
  for (let number = 5; number < 10; number++) pass(tap, number);
  const [first, second] = [await pair(asked[0]!), await pair(asked[1]!)];
  assert(first === second);
  assertEquals(tap.copies, 2);
  assertEquals([first.frame, first.width, first.height], [5n, 2, 2]);
  assertEquals(
    [...first.bytes],
    [...Array(16).fill(5), ...Array(16).fill(105)],
  );
});

Deno.test("who is behind gets the newest at once, who is not waits", async () => {
  const tap = new PictureTap();
  const asked = tap.next(0, never);
  pass(tap, 1);
  const { sequence } = await pair(asked);
  assertEquals((await pair(tap.next(0, never))).frame, 1n);
  assertEquals(tap.copies, 2);
  const later = tap.next(sequence, never);
  pass(tap, 2);
  const next = await pair(later);
  assertEquals(next.frame, 2n);
  assert(next.sequence > sequence);
});

Deno.test("in and out are of the same frame, with others under way", async () => {
  const tap = new PictureTap();
  tap.sending(frame(1, 1));
  const asked = tap.next(0, never);
  tap.sending(frame(2, 2));
  tap.sending(frame(3, 3));
  tap.received(frame(1, 101));
  tap.received(frame(2, 102));
  tap.received(frame(3, 103));
  const { frame: number, bytes } = await pair(asked);
  assertEquals([number, bytes[0], bytes[16]], [2n, 2, 102]);
});

Deno.test("a frame that is lost on its way keeps nobody waiting", async () => {
  const tap = new PictureTap();
  const asked = tap.next(0, never);
  tap.sending(frame(1, 1));
  pass(tap, 2);
  pass(tap, 3);
  assertEquals((await pair(asked)).frame, 3n);
});

Deno.test("large pictures are thinned out", async () => {
  const tap = new PictureTap();
  const asked = tap.next(0, never);
  const large = frame(1, 0, 2561, 5);
  const { pixels, bytes_per_row } = large.pixel_buffer;
  for (let y = 0; y < 5; y++) {
    for (let x = 0; x < 2561; x++) {
      pixels[y * bytes_per_row + x * 4] = x & 255;
      pixels[y * bytes_per_row + x * 4 + 1] = y;
    }
  }
  tap.sending(large);
  tap.received(large);
  const { width, height, bytes } = await pair(asked);
  assertEquals([width, height], [854, 2]);
  for (const half of [0, width * height * 4]) {
    assertEquals([...bytes.subarray(half + 4, half + 6)], [3, 0]);
    const below = half + width * 4;
    assertEquals([...bytes.subarray(below + 8, below + 10)], [6, 3]);
  }
});

Deno.test("who waits is answered at the end, or when it is called off", async () => {
  const tap = new PictureTap();
  const over = new AbortController();
  const [left, stayed] = [tap.next(0, over.signal), tap.next(0, never)];
  over.abort();
  assertEquals(await left, undefined);
  tap.end();
  assertEquals(await stayed, undefined);
  assertEquals(await tap.next(0, never), undefined);
});

Deno.test("only so many wait at a time", async () => {
  const tap = new PictureTap();
  const asked = Array.from({ length: 20 }, () => tap.next(0, never));
  assertEquals(await asked.at(-1), "busy");
  tap.end();
  const answers = await Promise.all(asked);
  assertEquals(answers.filter((one) => one === "busy").length, 4);
});
