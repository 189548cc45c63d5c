import { assertEquals } from "@std/assert";
import { Pacer, sleep } from "../../../demo/pacer.ts";
import { soon } from "../../helpers/soon.ts";

Deno.test("frames are due at the film's own speed", () => {
  const pacer = new Pacer(25);
  assertEquals([500, 501, 545, 620].map((now) => pacer.wait(now)), [
    0,
    39,
    35,
    0,
  ]);
  // It was due at 660: the next frame makes up for a small delay.
  assertEquals([pacer.wait(665), pacer.wait(670)], [0, 30]);
});

Deno.test("who was late is not hurried", () => {
  const pacer = new Pacer(10);
  assertEquals(pacer.wait(0), 0);
  assertEquals(pacer.wait(5000), 0);
  assertEquals([pacer.wait(5000), pacer.wait(5100)], [100, 100]);
});

Deno.test("a film of stills goes on once a second", () => {
  const pacer = new Pacer(0.01);
  assertEquals([pacer.wait(0), pacer.wait(0)], [0, 1000]);
});

Deno.test("a sleeper is woken", async () => {
  const wake = new AbortController();
  const slept = sleep(1_000_000, wake.signal);
  wake.abort();
  await soon(slept, "its waking");
  await soon(sleep(1_000_000, wake.signal), "the end of no sleep");
});
