import { assertEquals } from "@std/assert";
import { Rates } from "../../../cli/rates.ts";
import type { ConnectionInfo } from "../../../proto/broker_gen.ts";

function totals(id: string, frames: number): ConnectionInfo {
  return {
    connection_id: id,
    frames_transferred: frames,
    bytes_transferred: 100 * frames,
  } as ConnectionInfo;
}

function framesOf(
  rates: Rates,
  now: number,
  ...connections: ConnectionInfo[]
): (number | undefined)[] {
  const current = rates.update(connections, now);
  return connections.map((c) => current.get(c.connection_id)?.frames);
}

Deno.test("rates: what came in between, a second; nothing at the first look", () => {
  const rates = new Rates();
  assertEquals(framesOf(rates, 0, totals("a", 1000)), [0]);
  assertEquals(framesOf(rates, 2000, totals("a", 1120)), [60]);
  assertEquals(
    rates.update([totals("a", 1120)], 4000).get("a"),
    { frames: 30, bytes: 3000 },
  );
});

Deno.test("rates: a window of five seconds, and at least two looks", () => {
  const rates = new Rates();
  for (let second = 0; second <= 5; second++) {
    framesOf(rates, second * 1000, totals("a", second * 60));
  }
  assertEquals(framesOf(rates, 10_000, totals("a", 300)), [0]);
  assertEquals(framesOf(rates, 70_000, totals("a", 900)), [10]);
  assertEquals(framesOf(rates, 70_000, totals("a", 900)), [0]);
});

Deno.test("rates: totals that went back begin anew, and who is gone is forgotten", () => {
  const rates = new Rates();
  framesOf(rates, 0, totals("a", 1000), totals("b", 0));
  assertEquals(framesOf(rates, 1000, totals("a", 10), totals("b", 5)), [0, 5]);
  assertEquals(framesOf(rates, 2000, totals("a", 20)), [10]);
  assertEquals(framesOf(rates, 3000, totals("a", 30), totals("b", 500)), [
    10,
    0,
  ]);
});
