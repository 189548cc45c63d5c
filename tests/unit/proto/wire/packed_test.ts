import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../../../proto/errors.ts";
import { Packer, unpack } from "../../../../proto/wire/packed.ts";
import {
  Capability,
  double,
  int64,
  isDictionary,
  uint64,
  type XpcDictionary,
  type XpcValue,
} from "../../../../proto/wire/xpc_value.ts";

function roundTrip(message: XpcDictionary): XpcDictionary {
  return unpack(new Packer().pack(message)).message;
}

/** Converts to plain objects with prototypes, for comparison. */
function plain(value: XpcValue | undefined): unknown {
  if (isDictionary(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, plain(item)]),
    );
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

Deno.test("every type comes back as it went, nested and at its limits", () => {
  const message: XpcDictionary = {
    nothing: null,
    yes: true,
    no: false,
    low: int64(-(2n ** 63n)),
    high: uint64(2n ** 64n - 1n),
    real: double(-0.1),
    text: "Grüße, 世界 🎞",
    "\ufeffmarked": "\ufeff is no mark of order here",
    empty: "",
    bytes: Uint8Array.of(0, 255, 3),
    list: [null, true, [int64(1)], { deep: "x" }],
    endpoint: new Capability("endpoint", 4_294_967_295),
    surface: new Capability("surface", 7),
    shmem: new Capability("shmem", 8),
    fd: new Capability("fd", 9),
  };
  assertEquals(plain(roundTrip(message)), plain(message));
});

Deno.test("the packed form is the one that packed.h describes", () => {
  const packed = new Packer().pack({ a: uint64(258), b: [true] });
  assertEquals(
    [...packed],
    [
      ...[8, 2, 0, 0, 0], // dictionary of 2
      ...[1, 0, 97, 3, 2, 1, 0, 0, 0, 0, 0, 0], // "a", uint64
      ...[1, 0, 98, 7, 1, 0, 0, 0, 1, 1], // "b", array of 1, bool
    ],
  );
});

Deno.test("undefined values are left out", () => {
  assertEquals(plain(roundTrip({ a: undefined, b: "x" })), { b: "x" });
});

Deno.test("capabilities are listed from whatever depth", () => {
  const { capabilities } = unpack(
    new Packer().pack({
      a: new Capability("fd", 1),
      b: [{ c: new Capability("surface", 2) }],
    }),
  );
  assertEquals(capabilities.map((c) => [c.kind, c.handle]), [
    ["fd", 1],
    ["surface", 2],
  ]);
});

Deno.test("a message larger than the buffer grows it, and the next is right again", () => {
  const packer = new Packer();
  const big = { data: new Uint8Array(300_000).fill(5), text: "ü".repeat(9999) };
  assertEquals(plain(unpack(packer.pack(big)).message), big);
  assertEquals(plain(unpack(packer.pack({ a: "b" })).message), { a: "b" });
});

Deno.test("a peer's keys cannot reach a prototype", () => {
  const message = roundTrip({ ["__proto__"]: "x", constructor: "y" });
  assertEquals(Object.getPrototypeOf(message), null);
  assertEquals(message["__proto__"], "x");
  assertEquals(roundTrip({})["toString"], undefined);
});

Deno.test("what XPC cannot carry is refused by name", () => {
  const refused = (value: unknown): BridgeError =>
    assertThrows(
      () => new Packer().pack({ field: value as XpcValue }),
      BridgeError,
    );
  assertEquals(refused(5).code, "bad_argument");
  assert(refused(5).message.includes("'field'"));
  assert(refused(() => {}).message.includes("function"));
  assert(refused("a\0b").message.includes("NUL"));
  assertThrows(() => int64(2n ** 63n), RangeError);
  assertThrows(() => uint64(-1), RangeError);
});
