import { assertEquals } from "@std/assert";
import { Recent } from "../../../demo/recent.ts";

Deno.test("only the newest are kept, in their order", () => {
  const recent = new Recent(3);
  assertEquals([...recent.values], []);
  for (let value = 1; value <= 100; value++) {
    recent.add(value);
    const kept = [value - 2, value - 1, value].filter((one) => one > 0);
    assertEquals([...recent.values], kept);
  }
  assertEquals([...recent.newest(2)], [99, 100]);
  assertEquals([...recent.newest(9)], [98, 99, 100]);
});

Deno.test("a rate is of the newest, and falls when no more come", () => {
  const times = new Recent(11);
  assertEquals(times.perSecond(0), 0);
  for (let ms = 0; ms <= 2000; ms += 40) times.add(ms);
  assertEquals(times.perSecond(2000), 25);
  assertEquals(times.perSecond(2600), 10);
});
