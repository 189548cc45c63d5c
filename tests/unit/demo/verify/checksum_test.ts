import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { checksum } from "../../../../demo/verify/checksum.ts";
import { MediaError } from "../../../../demo/input/media_error.ts";

function picture(bytes_per_row: number): Parameters<typeof checksum>[0] {
  const [width, height] = [5, 4];
  const pixels = new Uint8Array(bytes_per_row * height).fill(bytes_per_row);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < width * 4; i++) {
      pixels[y * bytes_per_row + i] = y * 40 + i;
    }
  }
  return { width, height, bytes_per_row, pixels };
}

Deno.test("the checksum is CRC-32", () => {
  const pixels = new TextEncoder().encode("12345678");
  assertEquals(
    checksum({ width: 2, height: 1, bytes_per_row: 8, pixels }),
    0x9ae0daaf,
  );
});

Deno.test("the stride does not count", () => {
  const tight = checksum(picture(20));
  for (const bytesPerRow of [24, 64]) {
    assertEquals(checksum(picture(bytesPerRow)), tight);
  }
  const longer = { ...picture(20), pixels: new Uint8Array(100).fill(3) };
  longer.pixels.set(picture(20).pixels);
  assertEquals(checksum(longer), tight);
});

Deno.test("every byte counts", () => {
  const whole = checksum(picture(24));
  for (const at of [0, 19, 24, 3 * 24 + 19]) {
    const other = picture(24);
    other.pixels[at]! ^= 1;
    assertNotEquals(checksum(other), whole);
  }
});

Deno.test("bytes that do not hold the picture are refused", () => {
  assertThrows(
    () => checksum({ ...picture(20), height: 5 }),
    MediaError,
    "5x5",
  );
});
