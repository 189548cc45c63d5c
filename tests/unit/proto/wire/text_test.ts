import { assert, assertEquals } from "@std/assert";
import {
  TextReader,
  utf8Length,
  writeText,
} from "../../../../proto/wire/text.ts";
import { HostileBytes } from "../../../helpers/hostile_bytes.ts";
import { Prng } from "../../../helpers/prng.ts";

/** The engine's own encoder and decoder are the judges. */
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const SEED = 20_261_201;
/** Units of one, two and three bytes, halves of pairs, a byte order mark. */
const UNITS = [
  "a",
  "Z",
  "_",
  "\x7f",
  "\x80",
  "é",
  "ÿ",
  "Ā",
  "€",
  "\ufeff",
  "\ud83d",
  "\ude00",
];

/** Random text, mostly short, of ASCII or of any units. */
function randomText(random: Prng): string {
  const units = random.below(2) ? UNITS.slice(0, 4) : UNITS;
  const length = random.below(60);
  return Array.from({ length }, () => random.pick(units)).join("");
}

function written(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(3 + 3 * text.length);
  const length = writeText(text, bytes, 3);
  return length === undefined ? undefined : bytes.subarray(3, 3 + length);
}

Deno.test("text is written as the engine's encoder writes it, whatever its length", () => {
  const random = new Prng(SEED);
  for (let n = 0; n < 2_000; n++) {
    const text = randomText(random);
    assertEquals(written(text), encoder.encode(text));
  }
});

Deno.test("text with a NUL is not written, wherever it is", () => {
  for (const text of ["\0", "a\0", "é\0", `${"a".repeat(100)}\0`]) {
    assertEquals(written(text), undefined);
  }
});

Deno.test("bytes are read as the engine's decoder reads them, however often and whatever else was read", () => {
  const random = new Prng(SEED);
  const reader = new TextReader();
  const seen: Uint8Array[] = [];
  for (let n = 0; n < 20_000; n++) {
    const bytes = seen.length > 0 && random.below(2)
      ? random.pick(seen)
      : Uint8Array.from(
        { length: random.below(60) },
        () => random.below(3) ? 97 + random.below(26) : random.below(256),
      );
    if (seen.length < 800) seen.push(bytes);
    const framed = Uint8Array.of(1, 2, ...bytes, 3);
    assertEquals(reader.read(framed, 2, bytes.length), decoder.decode(bytes));
  }
});

Deno.test("a short text that is repeated is the same string, and others do not make it another", () => {
  const reader = new TextReader();
  const read = (text: string): string => {
    const bytes = encoder.encode(text);
    return reader.read(bytes, 0, bytes.length);
  };
  for (let n = 0; n < 5_000; n++) {
    const text = `key_${n % 700}`;
    assertEquals(read(text), text);
  }
  assert(read("é") === "é" && read("\u00c3\u00a9") === "\u00c3\u00a9");
});

Deno.test("text is written only where it is complete before the end, and nothing behind that", () => {
  const random = new Prng(SEED);
  for (let n = 0; n < 2_000; n++) {
    const text = randomText(random).toWellFormed();
    const { length } = encoder.encode(text);
    assertEquals(utf8Length(text), length);
    const end = random.below(length + 3);
    const bytes = new Uint8Array(length + 8).fill(0xee);
    const written = writeText(text, bytes, 0, end);
    assertEquals(written, length <= end ? length : undefined, text);
    assert(bytes.subarray(end).every((byte) => byte === 0xee));
  }
});

Deno.test("text in shared memory is read as it was at one moment, each byte once", () => {
  const random = new Prng(SEED);
  const reader = new TextReader();
  for (let n = 0; n < 2_000; n++) {
    const bytes = encoder.encode(randomText(random).toWellFormed());
    const memory = new Uint8Array(4 + bytes.length + 4);
    memory.set(bytes, 4);
    const still = reader.readShared(memory, 4, bytes.length);
    assertEquals(still, decoder.decode(bytes));
    const end = 4 + bytes.length;
    const hostile = new HostileBytes(memory, 4, end, random);
    const text = reader.readShared(hostile.bytes, 4, bytes.length);
    hostile.check();
    assert(text === undefined || encoder.encode(text).length === bytes.length);
    assert(text === undefined || !text.includes("\0"));
  }
});

Deno.test("a text with a NUL is not remembered either", () => {
  const reader = new TextReader();
  for (let n = 0; n < 3; n++) {
    assertEquals(reader.readShared(Uint8Array.of(97, 0), 0, 2), undefined);
  }
});
