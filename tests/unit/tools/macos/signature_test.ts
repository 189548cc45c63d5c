import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { signatureProblem } from "../../../../tools/macos/signature.ts";

const PAGE = 4096;
const CODE = 2 * PAGE + 100; // the last page is incomplete
const DIRECTORY = 20, HASHES = 44;

/** Code, followed by an ad-hoc signature. */
function signed(): Uint8Array {
  const bytes = new Uint8Array(CODE + DIRECTORY + HASHES + 3 * 32);
  for (let i = 0; i < CODE; i++) bytes[i] = i * 7;
  const view = new DataView(bytes.buffer, CODE);
  [0xfade0cc0, bytes.length - CODE, 1, 0, DIRECTORY]
    .forEach((word, i) => view.setUint32(i * 4, word));
  view.setUint32(DIRECTORY, 0xfade0c02);
  view.setUint32(DIRECTORY + 12, 0x20002); // ad hoc, by the linker
  view.setUint32(DIRECTORY + 16, HASHES);
  view.setUint32(DIRECTORY + 28, 3);
  view.setUint32(DIRECTORY + 32, CODE);
  [32, 2, 0, 12].forEach((byte, i) => view.setUint8(DIRECTORY + 36 + i, byte));
  for (let page = 0; page < 3; page++) {
    const code = bytes.subarray(page * PAGE, Math.min((page + 1) * PAGE, CODE));
    const hash = createHash("sha256").update(code).digest();
    bytes.set(hash, CODE + DIRECTORY + HASHES + page * 32);
  }
  return bytes;
}

const problem = (bytes: Uint8Array): string | undefined =>
  signatureProblem(bytes, { offset: CODE, bytes: bytes.length - CODE });

Deno.test("a signature of all pages is valid", () => {
  assertEquals(problem(signed()), undefined);
});

Deno.test("a changed byte is found, in the last page too", () => {
  for (const [at, page] of [[0, 0], [PAGE, 1], [CODE - 1, 2]] as const) {
    const bytes = signed();
    bytes[at]! ^= 1;
    assertEquals(problem(bytes), `page ${page} has another hash`);
  }
});

Deno.test("a signature that covers less, or is of another kind, is not valid", () => {
  const cases: [number, number, string][] = [
    [0, 0, "it has no superblob"],
    [12, 2, "it has no code directory"],
    [DIRECTORY, 0, "it has no code directory"],
    [DIRECTORY + 12, 0x10000, "it is not ad hoc"],
    [DIRECTORY + 28, 2, "it does not have a hash for each page"],
    [DIRECTORY + 32, PAGE, "it does not cover the whole file before it"],
    [DIRECTORY + 36, 0x14010000, "its hashes are not SHA-256"],
  ];
  for (const [at, word, expected] of cases) {
    const bytes = signed();
    new DataView(bytes.buffer, CODE).setUint32(at, word);
    assertEquals(problem(bytes), expected);
  }
});
