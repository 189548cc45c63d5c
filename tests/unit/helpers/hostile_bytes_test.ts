import { assertEquals, assertThrows } from "@std/assert";
import { HostileBytes } from "../../helpers/hostile_bytes.ts";
import { Prng } from "../../helpers/prng.ts";

const hostile = (): HostileBytes =>
  new HostileBytes(new Uint8Array(16).fill(7), 4, 12, new Prng(1));

Deno.test("hostile bytes are what they were until they are looked at", () => {
  const { view, bytes } = hostile();
  assertEquals(view.getUint32(4, true), 0x07070707);
  assertEquals(hostile().bytes[11], 7);
  assertEquals(bytes.length, 16);
  const changed = hostile();
  for (let n = 0; n < 50; n++) changed.bytes.slice(4, 12);
  assertEquals(changed.bytes.slice(4, 12).every((byte) => byte === 7), false);
});

Deno.test("a look outside, and a second look at a byte, are found", () => {
  const looks: [string, (bytes: HostileBytes) => void][] = [
    [
      "4 bytes at 9 were read, outside 4 to 12",
      ({ view }) => view.getFloat32(9),
    ],
    [
      "8 bytes at 3 were read, outside 4 to 12",
      ({ view }) => view.getBigInt64(3),
    ],
    ["1 bytes at 12 were read, outside 4 to 12", ({ bytes }) => bytes[12]],
    [
      "9 bytes at 4 were read, outside 4 to 12",
      ({ bytes }) => bytes.slice(4, 13),
    ],
    [
      "byte 6 was read twice",
      ({ view, bytes }) => [view.getUint16(5), bytes[6]],
    ],
    [
      "byte 4 was read twice",
      ({ view }) => [view.getUint8(4), view.getUint8(4)],
    ],
  ];
  for (const [found, look] of looks) {
    const bytes = hostile();
    bytes.check();
    look(bytes);
    assertThrows(() => bytes.check(), Error, found);
  }
});

Deno.test("bytes can be looked at in no way that is not counted", () => {
  assertThrows(() => hostile().bytes.subarray(4, 5), Error, "bytes.subarray");
  assertThrows(() => [...hostile().bytes], Error, "bytes.Symbol");
});
