import { assertEquals } from "@std/assert";
import {
  formatLatency,
  formatMegabytes,
  formatRate,
} from "../../../../cli/text/amounts.ts";

Deno.test("amounts: a latency in the unit that fits", () => {
  const table: [us: number, text: string][] = [
    [0, "-"],
    [0.5, "0.5µs"],
    [9.94, "9.9µs"],
    [9.96, "10µs"],
    [850, "850µs"],
    [999.6, "1.0ms"],
    [2300, "2.3ms"],
    [45_678, "46ms"],
    [999_600, "1.0s"],
    [12_340_000, "12.3s"],
  ];
  for (const [us, text] of table) assertEquals(formatLatency(us), text);
});

Deno.test("amounts: megabytes are of a million bytes, rates have one decimal", () => {
  assertEquals(formatMegabytes(1_250_000), "1.3");
  assertEquals(formatMegabytes(0), "0.0");
  assertEquals(formatRate(59.94), "59.9");
});
