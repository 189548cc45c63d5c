import { assertEquals } from "@std/assert";
import { plainText, quoted } from "../../../../demo/input/quoted.ts";

Deno.test("foreign text is escaped and cut", () => {
  assertEquals(
    quoted('a "b"\x1b[31m\x9b\r'),
    '"a \\"b\\"\\u001b[31m\\u009b\\r"',
  );
  assertEquals(quoted("abcdef", 3), '"abc…"');
  assertEquals(quoted("x".repeat(500)).length, 203);
  assertEquals(plainText("a\nb\x7f"), "a\\u000ab\\u007f");
  assertEquals(plainText("abcdef", 3), "abc…");
});
