import { assertEquals } from "@std/assert";
import { Alarm, Deadlines } from "../../../../broker/registry/deadlines.ts";
import { FakeClock } from "../../../helpers/fake_world.ts";
import { Prng } from "../../../helpers/prng.ts";

Deno.test("Deadlines: the earliest is first, through 20,000 random changes", () => {
  const random = new Prng(1);
  const deadlines = new Deadlines();
  const model = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    const id = String(random.below(60));
    if (random.below(3) === 0) {
      deadlines.delete(id);
      model.delete(id);
    } else {
      const at = random.below(1000);
      deadlines.set(id, at);
      model.set(id, at);
    }
    const first = deadlines.first();
    assertEquals(
      first?.at,
      model.size === 0 ? undefined : Math.min(...model.values()),
    );
    if (first !== undefined) assertEquals(model.get(first.id), first.at);
  }
});

Deno.test("Deadlines: drained, each id comes out once, in order", () => {
  const deadlines = new Deadlines();
  const times = [5, 1, 4, 1, 3, 9, 2, 6];
  times.forEach((at, i) => deadlines.set(String(i), at));
  const drained: number[] = [];
  for (let due; (due = deadlines.first());) {
    drained.push(due.at);
    deadlines.delete(due.id);
  }
  assertEquals(drained, times.toSorted());
});

Deno.test("Alarm: rings at the earliest time it was told, with one timer", () => {
  const clock = new FakeClock();
  const start = clock.now();
  const rung: number[] = [];
  const alarm = new Alarm(
    clock.now,
    clock.setTimer,
    () => rung.push(clock.now() - start),
  );
  alarm.set(start + 100);
  alarm.set(start + 50);
  alarm.set(start + 200);
  assertEquals(clock.pending, 1);
  clock.advance(300);
  assertEquals(rung, [50]);
  alarm.set(start + 100); // already past: as soon as possible
  clock.advance(1);
  assertEquals(rung, [50, 301]);
  alarm.set(start + 400);
  alarm.set(undefined);
  assertEquals(clock.pending, 0);
});
