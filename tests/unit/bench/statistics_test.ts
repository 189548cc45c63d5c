import { assertEquals } from "@std/assert";
import { median, quantile } from "../../bench/harness/statistics.ts";

Deno.test("a quantile is one of the values, whatever their order", () => {
  const values = Array.from({ length: 101 }, (_, i) => 100 - i);
  assertEquals(quantile(values, 0), 0);
  assertEquals(quantile(values, 0.5), 50);
  assertEquals(quantile(values, 0.99), 99);
  assertEquals(quantile(values, 1), 100);
  assertEquals(values[0], 100);
  assertEquals(quantile([], 0.5), NaN);
});

Deno.test("the median of an even number of values is the mean of the two in the middle", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([10, 1, 2, 3]), 2.5);
  assertEquals(median([]), NaN);
});
