import { assertEquals } from "@std/assert";
import { formatAge, parseAge } from "../../../../cli/text/ages.ts";

Deno.test("ages: the two largest units", () => {
  const table: [seconds: number, text: string][] = [
    [-3, "0s"],
    [0, "0s"],
    [5.9, "5s"],
    [59, "59s"],
    [60, "1m0s"],
    [150, "2m30s"],
    [3599, "59m59s"],
    [3600, "1h0m"],
    [3900, "1h5m"],
    [86_399, "23h59m"],
    [86_400, "1d0h"],
    [183_600, "2d3h"],
    [100 * 86_400, "100d0h"],
  ];
  for (const [seconds, text] of table) assertEquals(formatAge(seconds), text);
});

Deno.test("ages: what is written is read again, in whole units and in order", () => {
  const table: [text: string, seconds: number | undefined][] = [
    ["5m", 300],
    ["30s", 30],
    ["1h30m", 5400],
    ["2d3h", 183_600],
    ["1d1h1m1s", 90_061],
    ["0s", 0],
    ["", undefined],
    ["5", undefined],
    ["m", undefined],
    ["5M", undefined],
    ["5m1h", undefined],
    ["1.5h", undefined],
    ["-5m", undefined],
    [" 5m", undefined],
    ["99999999999999999d", undefined],
  ];
  for (const [text, seconds] of table) {
    assertEquals(parseAge(text), seconds, text);
  }
});
