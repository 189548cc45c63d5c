import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { BridgeError } from "../../../../proto/errors.ts";
import {
  PIXEL_FORMATS,
  type PixelFormat,
} from "../../../../proto/schema/surface.ts";
import {
  packedBytes,
  planeSizes,
} from "../../../../proto/schema/surface_layout.ts";
import {
  layoutWith,
  MemorySurface,
  noise,
} from "../../../helpers/memory_surface.ts";

const FORMATS = Object.keys(PIXEL_FORMATS) as PixelFormat[];
const SIZES = [[1, 1], [2, 2], [3, 1], [1, 5], [33, 17], [64, 4]] as const;

function make(
  pixel_format: PixelFormat,
  width: number,
  height: number,
  padding: number,
): MemorySurface {
  return new MemorySurface(
    layoutWith({ width, height, pixel_format }, padding),
  );
}

function assertRefused(act: () => void, message: string): void {
  const error = assertThrows(act, BridgeError, message);
  assertEquals(error.code, "bad_argument");
}

for (const pixel_format of FORMATS) {
  Deno.test(`${pixel_format}: what is copied in comes out, in every size and padding, and leaves the padding alone`, () => {
    for (const [width, height] of SIZES) {
      for (const padding of [0, 1, 13, 64]) {
        const surface = make(pixel_format, width, height, padding);
        const packed = noise(packedBytes(surface));
        surface.copyFrom(packed);
        assertEquals(surface.copyTo(), packed);
        const written = surface.planes.flatMap((_, plane) =>
          [...surface.rows(plane)].map((row) => row.length)
        ).reduce((sum, length) => sum + length, 0);
        assertEquals(written, packed.length);
        for (const [plane] of surface.planes.entries()) {
          for (const row of surface.rows(plane)) row.fill(0xee);
        }
        assert(surface.pixels.every((byte) => byte === 0xee));
      }
    }
  });

  Deno.test(`${pixel_format}: rows and planes are where the layout says`, () => {
    const surface = make(pixel_format, 33, 17, 5);
    let at = 0;
    for (const [i, size] of planeSizes(surface).entries()) {
      const plane = surface.planes[i]!;
      const rows = [...surface.rows(i)];
      assertEquals(rows.length, size.height);
      assertEquals(plane.bytes.byteOffset, at);
      assertEquals(plane.bytes.length, plane.bytes_per_row * plane.height);
      assertEquals([plane.width, plane.height], [size.width, size.height]);
      rows.forEach((row, y) => {
        assertStrictEquals(row.buffer, surface.pixels.buffer);
        assertEquals(row.byteOffset, at + y * plane.bytes_per_row);
        assertEquals(row.length, size.row_bytes);
      });
      at += plane.bytes_per_row * size.height + 5;
    }
  });
}

Deno.test("rows of a plane that does not exist are refused", () => {
  const surface = make("nv12", 4, 4, 0);
  assertRefused(() => surface.rows(2), "nv12 has the planes 0 to 1");
  assertRefused(() => surface.rows(-1), "plane -1");
});

Deno.test("rows with padding of their own are copied by their length", () => {
  const surface = make("rgba8", 3, 2, 7);
  const source = noise(2 * 20);
  surface.copyFrom(source, { bytes_per_row: 20 });
  const expected = [...source.subarray(0, 12), ...source.subarray(20, 32)];
  assertEquals([...surface.copyTo()], expected);
  surface.pixels.fill(0);
  surface.copyFrom(source.subarray(0, 32), { bytes_per_row: 20 }); // without the last padding
  assertEquals([...surface.copyTo()], expected);
});

Deno.test("each plane of a source can have rows of its own length", () => {
  const surface = make("i420", 3, 3, 1);
  const source = noise(3 * 4 + 2 * 3 + 2 * 2);
  surface.copyFrom(source, { bytes_per_row: [4, 3, 2] });
  assertEquals([...surface.copyTo()], [
    ...[0, 4, 8].flatMap((at) => [...source.subarray(at, at + 3)]),
    ...[12, 15].flatMap((at) => [...source.subarray(at, at + 2)]),
    ...source.subarray(18),
  ]);
});

Deno.test("a source of another length, or with rows that are too short, is refused and nothing is written", () => {
  const surface = make("rgba8", 3, 2, 4);
  const nv12 = make("nv12", 4, 4, 0);
  const refuse = (act: () => void, message: string) => {
    assertRefused(act, message);
    assert(surface.pixels.every((byte) => byte === 0xee));
    assert(nv12.pixels.every((byte) => byte === 0xee));
  };
  refuse(
    () => surface.copyFrom(noise(23)),
    "23 bytes into a surface of 3 x 2 rgba8: 24 bytes are needed",
  );
  refuse(() => surface.copyFrom(noise(32)), "set bytes_per_row");
  refuse(
    () => surface.copyFrom(noise(39), { bytes_per_row: 20 }),
    "40 bytes are needed",
  );
  refuse(
    () => surface.copyFrom(noise(22), { bytes_per_row: 11 }),
    "at least [12]",
  );
  refuse(() => surface.copyFrom(noise(25), { bytes_per_row: 12.5 }), "[12.5]");
  refuse(
    () => surface.copyFrom(noise(24), { bytes_per_row: [12, 12] }),
    "[12, 12]",
  );
  refuse(
    () => nv12.copyFrom(noise(24), { bytes_per_row: 4 }),
    "at least [4, 4]",
  );
  refuse(() => nv12.copyFrom(noise(24), { bytes_per_row: [4, 3] }), "[4, 3]");
});

Deno.test("a source can be any view, and its own offset counts", () => {
  const surface = make("gray16", 2, 1, 0);
  surface.copyFrom(new Uint16Array([0, 0x0201, 0x0403, 0]).subarray(1, 3));
  assertEquals([...surface.copyTo()], [1, 2, 3, 4]);
  surface.copyFrom(new Uint8Array([9, 8, 7, 6]).buffer);
  assertEquals([...surface.copyTo()], [9, 8, 7, 6]);
});

Deno.test("a source that was transferred is refused by name", () => {
  const surface = make("gray8", 2, 1, 0);
  const gone = noise(2);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  assertRefused(() => surface.copyFrom(gone), "was transferred");
  assertRefused(() => surface.copyFrom(gone.buffer), "was transferred");
});

Deno.test("pixels are copied into memory that is given, if it is large enough", () => {
  const surface = make("nv12", 2, 2, 3);
  surface.copyFrom(noise(6));
  const memory = new Uint8Array(8).fill(0x55);
  const packed = surface.copyTo(memory.subarray(1));
  assertEquals([...packed], [...noise(6)]);
  assertEquals([...memory], [0x55, ...noise(6), 0x55]);
  assertRefused(
    () => surface.copyTo(new Uint8Array(5)),
    "needs 6 bytes, and the given memory has 5",
  );
});

Deno.test("ImageData of rgba8 without padding is the surface's own memory", () => {
  const surface = make("rgba8", 2, 3, 0);
  const image = surface.toImageData();
  assertEquals([image.width, image.height, image.data.length], [2, 3, 24]);
  surface.pixels[5] = 77;
  assertEquals(image.data[5], 77);
});

Deno.test("ImageData of padded rgba8, and of bgra8, is a copy in the order of red, green, blue, alpha", () => {
  for (const padding of [0, 3]) {
    const surface = make("bgra8", 2, 1, padding);
    surface.copyFrom(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]));
    assertEquals([...surface.toImageData().data], [3, 2, 1, 4, 7, 6, 5, 8]);
    assertEquals([...surface.copyTo()], [1, 2, 3, 4, 5, 6, 7, 8]);
  }
  const padded = make("rgba8", 1, 2, 3);
  padded.copyFrom(noise(8));
  const image = padded.toImageData();
  assertEquals([...image.data], [...noise(8)]);
  padded.pixels.fill(0);
  assertEquals([...image.data], [...noise(8)]);
});

Deno.test("ImageData of any other format is refused by name", () => {
  for (const pixel_format of FORMATS) {
    if (pixel_format === "rgba8" || pixel_format === "bgra8") continue;
    const surface = make(pixel_format, 2, 2, 0);
    assertRefused(() => surface.toImageData(), `2 x 2 ${pixel_format}`);
  }
});

Deno.test("the bytes of pixels that are copied are counted, and no others", () => {
  const copies = { bytes: 0 };
  const surface = new MemorySurface(
    layoutWith({ width: 2, height: 2, pixel_format: "rgba8" }, 4),
    copies,
  );
  for (const row of surface.rows()) row.fill(1);
  assertEquals(copies.bytes, 0);
  surface.copyFrom(noise(16));
  assertEquals(copies.bytes, 16);
  surface.copyFrom(noise(24), { bytes_per_row: 12 });
  assertEquals(copies.bytes, 32);
  surface.copyTo();
  surface.toImageData();
  assertEquals(copies.bytes, 64);
});
