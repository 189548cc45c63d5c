import { assert, assertEquals } from "@std/assert";
import { Log, type LogOptions } from "../../../../broker/log/log.ts";
import { logMessage } from "../../../../broker/log/log_record.ts";
import { LogRing } from "../../../../broker/log/log_ring.ts";

function logTo(ring: LogRing, options: Partial<LogOptions> = {}): Log {
  return new Log("test", { sink: () => {}, now: () => 1000, ...options }, ring);
}

Deno.test("log ring: a record is kept as it was written", () => {
  const ring = new LogRing();
  logTo(ring).warn("refused", { connection_id: "c", runtime_id: "r", pid: 7 });
  const entry = ring.at(0)!;
  assertEquals(logMessage(entry), {
    time: "1970-01-01T00:00:01.000Z",
    level: "warn",
    component: "test",
    connection_id: "c",
    message: "refused",
    fields_json: '{"runtime_id":"r","pid":7}',
  });
  assertEquals([entry.at, entry.fields["runtime_id"]], [1000, "r"]);
  logTo(ring).info("bare");
  assertEquals(logMessage(ring.at(1)!).connection_id, "");
  assertEquals(logMessage(ring.at(1)!).fields_json, "");
});

Deno.test("log ring: no token is in it, and nothing that a terminal acts on", () => {
  const ring = new LogRing();
  const nasty = "a\x1b[2J\r\n\x9b\u202e\u2028\ud800z";
  logTo(ring).info(nasty, {
    connection_id: nasty,
    [nasty]: nasty,
    host_token: "sesame",
  });
  const text = Object.values(logMessage(ring.at(0)!)).join("|");
  // deno-lint-ignore no-control-regex -- they must not be there
  assert(!/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/.test(text), text);
  assert(text.isWellFormed());
  assert(!text.includes("sesame"));
  assert(
    text.includes("a\\u001b[2J\\u000d\\u000a\\u009b\\u202e\\u2028\\ud800z"),
  );
});

Deno.test("log ring: the oldest records go, and the numbers say how many", () => {
  const ring = new LogRing({ records: 3 });
  for (let i = 0; i < 5; i++) logTo(ring).info(`${i}`);
  assertEquals([ring.first, ring.end], [2, 5]);
  assertEquals(ring.at(1), undefined);
  assertEquals(ring.at(2)?.message, "2");
  assertEquals(ring.at(5), undefined);
});

Deno.test("log ring: its length is bounded too", () => {
  const length = JSON.stringify({
    time: "1970-01-01T00:00:01.000Z",
    level: "info",
    component: "test",
    message: "0",
  }).length + 1;
  const ring = new LogRing({ length: 2 * length });
  for (let i = 0; i < 2; i++) logTo(ring).info(`${i}`);
  assertEquals(ring.first, 0);
  logTo(ring).info("2");
  assertEquals(ring.first, 1);
  logTo(ring).info("long".repeat(100));
  assertEquals([ring.first, ring.end], [4, 4]);
});

Deno.test("log ring: tails are woken until they end", () => {
  const ring = new LogRing();
  let woken = 0;
  const wake = (): void => void woken++;
  const first = ring.subscribe(wake);
  using _second = ring.subscribe(wake);
  logTo(ring).info("1");
  assertEquals(woken, 2);
  first[Symbol.dispose]();
  logTo(ring).info("2");
  assertEquals(woken, 3);
});
