import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { MediaError } from "../../../../demo/input/media_error.ts";
import {
  checkPicture,
  PixelWords,
  rgbWord,
} from "../../../../demo/filter/pixel_words.ts";

Deno.test("a word is red, green, blue, alpha in memory", () => {
  const bytes = new Uint8Array(8);
  new PixelWords().of(bytes)[1] = rgbWord(1, 2, 3);
  assertEquals([...bytes], [0, 0, 0, 0, 1, 2, 3, 255]);
});

Deno.test("an array's words are made once, and are its own bytes only", () => {
  const words = new PixelWords();
  const buffer = new ArrayBuffer(32);
  const bytes = new Uint8Array(buffer, 8, 14);
  assertStrictEquals(words.of(bytes), words.of(bytes));
  assertEquals(words.of(bytes).byteOffset, 8);
  assertEquals(words.of(bytes).length, 3);
});

Deno.test("words that lie across pixels are refused", () => {
  const bytes = new Uint8Array(new ArrayBuffer(9), 1);
  assertThrows(() => new PixelWords().of(bytes), MediaError, "byte 1");
});

Deno.test("a picture needs no bytes after its last row", () => {
  checkPicture("picture", new Uint8Array(16 + 8), 16, 2, 2);
  assertThrows(
    () => checkPicture("picture", new Uint8Array(16 + 7), 16, 2, 2),
    MediaError,
    "24 bytes",
  );
});
