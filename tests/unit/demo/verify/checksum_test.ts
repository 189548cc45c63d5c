import { assertEquals, assertNotEquals } from "@std/assert";
import { checksum, planesOf } from "../../../../demo/verify/checksum.ts";
import {
  layoutWith,
  MemorySurface,
  noise,
} from "../../../helpers/memory_surface.ts";
import { packedBytes } from "../../../../proto/schema/surface_layout.ts";

const SIZE = { width: 5, height: 3, pixel_format: "i420" } as const;

function picture(padding: number): MemorySurface {
  const surface = new MemorySurface(layoutWith(SIZE, padding));
  surface.copyFrom(noise(packedBytes(SIZE)));
  return surface;
}

Deno.test("the checksum is CRC-32", () => {
  const bytes = new TextEncoder().encode("12345678");
  assertEquals(checksum([[bytes]]), 0x9ae0daaf);
  assertEquals(
    checksum([[bytes.subarray(0, 3)], [bytes.subarray(3)]]),
    0x9ae0daaf,
  );
  assertEquals(checksum([]), 0);
});

Deno.test("the padding of rows does not count", () => {
  const tight = checksum([[noise(packedBytes(SIZE))]]);
  for (const padding of [0, 1, 44]) {
    assertEquals(checksum(planesOf(picture(padding))), tight);
  }
});

Deno.test("every byte of every plane counts", () => {
  const whole = checksum(planesOf(picture(3)));
  for (const plane of [0, 1, 2]) {
    const other = picture(3);
    const rows = [...other.rows(plane)];
    rows.at(-1)![rows[0]!.length - 1]! ^= 1;
    assertNotEquals(checksum(planesOf(other)), whole);
  }
});
