import { assertEquals, assertStrictEquals } from "@std/assert";
import { RgbaPictures } from "../../../../demo/filter/rgba_pictures.ts";
import { layoutWith, MemorySurface } from "../../../helpers/memory_surface.ts";

const BT709 = {
  primaries: null,
  transfer: null,
  matrix: "bt709",
  full_range: false,
} as const;

/** A picture of one colour, with padding. */
function plain(
  pixel_format: "i420" | "gray8",
  planes: number[],
): MemorySurface {
  const size = { width: 3, height: 3, pixel_format };
  const surface = new MemorySurface(layoutWith(size, 5));
  planes.forEach((value, plane) => {
    for (const row of surface.rows(plane)) row.fill(value);
  });
  return surface;
}

Deno.test("a picture of rgba8 is used as it is", () => {
  const size = { width: 2, height: 1, pixel_format: "rgba8" } as const;
  const surface = new MemorySurface(layoutWith(size, 8));
  assertStrictEquals(new RgbaPictures().of(surface).pixels, surface.pixels);
});

Deno.test("luma alone is grey, and its range is that of the colour", () => {
  const pictures = new RgbaPictures();
  const grey = (value: number, full_range: boolean | null) => {
    const { pixels, bytes_per_row } = pictures.of(plain("gray8", [value]), {
      ...BT709,
      full_range,
    });
    assertEquals([pixels.length, bytes_per_row], [36, 12]);
    return [...pixels.subarray(32)];
  };
  assertEquals(grey(235, false), [255, 255, 255, 255]);
  assertEquals(grey(235, null), [255, 255, 255, 255]);
  assertEquals(grey(235, true), [235, 235, 235, 255]);
});

Deno.test("ten bits are shown by their highest eight", () => {
  const pictures = new RgbaPictures();
  const size = { width: 3, height: 3 };
  const eight = new MemorySurface(
    layoutWith({ ...size, pixel_format: "i420" }, 1),
  );
  const ten = new MemorySurface(
    layoutWith({ ...size, pixel_format: "p010" }, 2),
  );
  const luma = Array.from({ length: 9 }, (_, i) => 20 + 22 * i);
  const [cb, cr] = [[40, 90, 140, 190], [200, 150, 100, 50]];
  eight.copyFrom(Uint8Array.from([...luma, ...cb, ...cr]));
  const low = (value: number): number => value << 8 | 0xc0;
  ten.copyFrom(Uint16Array.from([
    ...luma.map(low),
    ...cb.flatMap((value, i) => [low(value), low(cr[i]!)]),
  ]));
  const shown = [...pictures.of(eight).pixels];
  assertEquals([...pictures.of(ten).pixels], shown);
  const grey = new MemorySurface(
    layoutWith({ ...size, pixel_format: "gray16" }, 2),
  );
  grey.copyFrom(Uint16Array.from(luma.map(low)));
  const plainGrey = new MemorySurface(
    layoutWith({ ...size, pixel_format: "gray8" }, 2),
  );
  plainGrey.copyFrom(Uint8Array.from(luma));
  const wanted = [...pictures.of(plainGrey).pixels];
  assertEquals([...pictures.of(grey).pixels], wanted);
});

Deno.test("chroma is converted by the matrix of the colour, or of the height", () => {
  const pictures = new RgbaPictures();
  const red = plain("i420", [81, 90, 240]); // BT.601's
  const first = (color?: Parameters<RgbaPictures["of"]>[1]) => [
    ...pictures.of(red, color).pixels.subarray(0, 4),
  ];
  assertEquals(first({ ...BT709, matrix: "smpte170m" }), [254, 0, 0, 255]);
  assertEquals(first(), [254, 0, 0, 255]);
  assertEquals(first(BT709)[1], 24); // another green
  assertEquals(first({ ...BT709, matrix: null }), [254, 0, 0, 255]);
});
