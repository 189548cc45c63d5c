import { assertEquals } from "@std/assert";
import { LatencyWindow } from "../../../channel/latency_window.ts";

/** Returns the latency of a window of `size` after these measurements in milliseconds. */
function after(times: readonly number[], size = 1_024): [number, number] {
  const window = new LatencyWindow(size);
  for (const ms of times) window.record(ms);
  const { p50_us, p99_us } = window.latency;
  return [p50_us, p99_us];
}

const upTo = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => i + 1);

Deno.test("nothing measured is 0", () => assertEquals(after([]), [0, 0]));

Deno.test("one measurement is all of them", () => {
  assertEquals(after([0.25]), [250, 250]);
});

Deno.test("nearest rank, in whatever order they came", () => {
  assertEquals(after([3, 1, 2, 4]), [2_000, 4_000]);
  assertEquals(after(upTo(100)), [50_000, 99_000]);
  assertEquals(after(upTo(100).reverse()), [50_000, 99_000]);
  assertEquals(after(upTo(101)), [51_000, 100_000]);
});

Deno.test("the newest are kept, and no more", () => {
  assertEquals(after([...Array(5).fill(900), ...upTo(4)], 4), [2_000, 4_000]);
  assertEquals(after(upTo(6), 4), [4_000, 6_000]); // 3, 4, 5, 6
  assertEquals(after([...Array(2_000).fill(9), ...Array(1_024).fill(1)]), [
    1_000,
    1_000,
  ]);
});

Deno.test("asking changes nothing", () => {
  const window = new LatencyWindow();
  for (const ms of [3, 1, 2]) window.record(ms);
  assertEquals(window.latency, window.latency);
  window.record(7);
  assertEquals(window.latency, { p50_us: 2_000, p99_us: 7_000 });
});
