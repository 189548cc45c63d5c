import { assert, assertEquals } from "@std/assert";
import { fitLine, fitText } from "../../../proto/escape.ts";

Deno.test("a text that is fit stays as it is", () => {
  for (const text of ["", "plain", "two\n\tlines", "😀 é"]) {
    assertEquals(fitText(text, 100), text);
  }
});

Deno.test("colours and other sequences go, other controls and lone surrogates are escaped", () => {
  const cases: [string, string][] = [
    ["\x1b[0m\x1b[1m\x1b[31merror\x1b[0m: no", "error: no"],
    ["\x9b31mred", "red"],
    ["\x1b]0;title\x07after", "after"],
    ["\x1b]8;;http://x\x1b\\link", "link"],
    ["a\0b\x07\x1b", "a\\u0000b\\u0007\\u001b"],
    ["a\ud800b", "a\\ud800b"],
    ["left\u202eright", "left\\u202eright"],
    ["one\r\ntwo\r", "one\ntwo\\u000d"],
  ];
  for (const [text, fit] of cases) assertEquals(fitText(text, 100), fit);
});

Deno.test("a long text is cut to its limit, never inside a character or an escape, and says what is missing", () => {
  assertEquals(
    fitText("y".repeat(1000), 40),
    "yyyyyyyyyyyyyyyy… (984 characters more)",
  );
  for (const part of ["y", "😀", "\0", "\x1b[31mred\0", "\ud800a"]) {
    for (let limit = 30; limit < 90; limit++) {
      const fit = fitText(part.repeat(100), limit);
      assert(fit.length <= limit && fit.isWellFormed(), fit);
      assert(!/\\u?[0-9a-f]{0,3}…/.test(fit), fit);
    }
  }
});

Deno.test("a text that was cut, and is cut again, still says how much is missing in all", () => {
  const once = fitText("y".repeat(3_000_000), 1000);
  const twice = fitText(`the client failed: ${once}`, 1000);
  const count = (text: string): number =>
    Number(/\((\d+) characters more\)$/.exec(text)![1]);
  assertEquals(count(twice) + twice.lastIndexOf("…"), 3_000_000 + 19);
});

Deno.test("a line has no line feeds, and no indentation of the lines that it had", () => {
  assertEquals(
    fitLine("Error: x\n    at a\n\n    at b\n", 100),
    "Error: x | at a | at b",
  );
  const long = fitLine("a\n".repeat(5000), 200);
  assert(long.length <= 200 && !long.includes("\n"), long);
});
