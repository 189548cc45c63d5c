import { assert, assertEquals, assertThrows } from "@std/assert";
import { crc32, inflateSync } from "node:zlib";
import { encodePng } from "../../../../host/crash/png.ts";
import { BridgeError } from "../../../../proto/errors.ts";

interface Decoded {
  width: number;
  height: number;
  rgba: number[];
  filters: Set<number>;
  chunks: string[];
}

/** A strict decoder for the part of PNG that this encoder writes. */
function decodePng(file: Uint8Array): Decoded {
  assertEquals([...file.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
  const view = new DataView(file.buffer);
  const chunks = new Map<string, Uint8Array>();
  let at = 8;
  while (at < file.length) {
    const length = view.getUint32(at);
    const type = new TextDecoder().decode(file.subarray(at + 4, at + 8));
    const end = at + 8 + length;
    assertEquals(view.getUint32(end), crc32(file.subarray(at + 4, end)), type);
    chunks.set(type, file.subarray(at + 8, end));
    at = end + 4;
  }
  const header = chunks.get("IHDR")!;
  assertEquals(header.length, 13);
  assertEquals([...header.subarray(8)], [8, 6, 0, 0, 0]);
  const width = new DataView(header.buffer, header.byteOffset).getUint32(0);
  const height = new DataView(header.buffer, header.byteOffset).getUint32(4);
  const rows = inflateSync(chunks.get("IDAT")!);
  assertEquals(rows.length, (width * 4 + 1) * height);
  const rgba = new Uint8Array(width * height * 4);
  const filters = new Set<number>();
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (width * 4 + 1)]!;
    filters.add(filter);
    for (let i = 0; i < width * 4; i++) {
      const here = y * width * 4 + i;
      const left = i < 4 ? 0 : rgba[here - 4]!;
      const up = y === 0 ? 0 : rgba[here - width * 4]!;
      assert(filter === 1 || filter === 2, `filter ${filter}`);
      rgba[here] = rows[y * (width * 4 + 1) + 1 + i]! +
        (filter === 1 ? left : up);
    }
  }
  const order = [...chunks.keys()];
  return { width, height, rgba: [...rgba], filters, chunks: order };
}

Deno.test("a picture comes back as it was, from any stride", () => {
  const width = 13;
  const height = 9;
  for (const bytesPerRow of [width * 4, width * 4 + 20]) {
    const rgba = new Uint8Array(bytesPerRow * height).fill(99);
    const wanted: number[] = [];
    for (let y = 0; y < height; y++) {
      for (let i = 0; i < width * 4; i++) {
        // In the upper half all rows are equal; in the lower half each byte is one more than the byte before it.
        const value = y < 5 ? (i * i * 7) % 256 : (y * y * 91 + i) % 256;
        rgba[y * bytesPerRow + i] = value;
        wanted.push(value);
      }
    }
    const png = decodePng(encodePng(width, height, rgba, bytesPerRow));
    assertEquals([png.width, png.height], [width, height]);
    assertEquals(png.rgba, wanted);
    assertEquals(png.chunks, ["IHDR", "IDAT", "IEND"]);
    assertEquals(png.filters, new Set([1, 2]));
  }
});

Deno.test("the smallest picture, with its alpha", () => {
  const png = decodePng(encodePng(1, 1, new Uint8Array([9, 8, 7, 6]), 4));
  assertEquals(png.rgba, [9, 8, 7, 6]);
});

Deno.test("bytes that do not hold the picture are refused", () => {
  assertThrows(
    () => encodePng(2, 2, new Uint8Array(15), 8),
    BridgeError,
    "2 x 2",
  );
});
