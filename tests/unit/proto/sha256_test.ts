import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { sha256 } from "../../../proto/sha256.ts";

// Examples of FIPS 180-4.
Deno.test("sha256: the standard's examples", () => {
  assertEquals(
    sha256("abc"),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  assertEquals(
    sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

Deno.test("sha256: as node:crypto, for every length around the ends of blocks", () => {
  for (let bytes = 0; bytes <= 200; bytes++) {
    const text = "é".repeat(bytes / 2) + "~".repeat(bytes % 2);
    assertEquals(sha256(text), createHash("sha256").update(text).digest("hex"));
  }
  const long = "\u{1f600}\u0000\ud800x".repeat(5_000);
  assertEquals(sha256(long), createHash("sha256").update(long).digest("hex"));
});
