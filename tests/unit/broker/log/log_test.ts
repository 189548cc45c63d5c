import { assert, assertEquals } from "@std/assert";
import { Log } from "../../../../broker/log/log.ts";
import type { LogFields } from "../../../../broker/log/log_record.ts";
import { Prng } from "../../../helpers/prng.ts";

/** The line that one record becomes. */
function line(message: string, fields?: LogFields): string {
  const lines: string[] = [];
  const log = new Log("test", {
    sink: (line) => void lines.push(line),
    now: () => 0,
  });
  log.warn(message, fields);
  assertEquals(lines.length, 1);
  return lines[0]!;
}

Deno.test("Log: one JSON line, fixed fields first, RFC 3339 time", () => {
  assertEquals(
    line("hello", {
      pid: 7,
      connection_id: "c",
      big: 2n ** 60n,
      no: undefined,
    }),
    '{"time":"1970-01-01T00:00:00.000Z","level":"warn","component":"test",' +
      '"connection_id":"c","message":"hello","pid":7,"big":"1152921504606846976"}\n',
  );
});

Deno.test("Log: levels below the least are left out, components share the rest", () => {
  const lines: string[] = [];
  const log = new Log("a", {
    sink: (line) => void lines.push(line),
    now: () => 0,
    level: "warn",
  }).component("b");
  log.debug("1");
  log.info("2");
  log.warn("3");
  log.error("4");
  assertEquals(
    lines.map((line) => JSON.parse(line)).map((r) =>
      `${r.component} ${r.level} ${r.message}`
    ),
    ["b warn 3", "b error 4"],
  );
});

Deno.test("Log: tokens are never written", () => {
  const written = line("m", {
    token: "sesame",
    host_token: "sesame",
    CLIENT_TOKEN: "sesame",
    tokens: 2,
  });
  assert(!written.includes("sesame"));
  assertEquals(JSON.parse(written).token, "[redacted]");
  assertEquals(JSON.parse(written).tokens, 2);
});

Deno.test("Log: a field cannot pass for a fixed one", () => {
  const record = JSON.parse(
    line("real", { message: "fake", level: "error", time: "now", toString: 1 }),
  );
  assertEquals(record.message, "real");
  assertEquals(record.level, "warn");
  assertEquals(record.time, "1970-01-01T00:00:00.000Z");
  assertEquals(record.toString, 1);
});

Deno.test("Log: long values, long keys and many fields are cut", () => {
  const record = JSON.parse(line("m".repeat(5000), { ["k".repeat(5000)]: 1 }));
  assertEquals(record.message, "m".repeat(1024) + "… (3976 more)");
  assertEquals(Object.keys(record)[4]!.length < 1100, true);
  const many = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [`f${i}`, i]),
  );
  assert(Object.keys(JSON.parse(line("m", many))).length <= 32);
});

Deno.test("Log: nothing that a terminal acts on passes, through every field", () => {
  const random = new Prng(3);
  const nasty = [
    "\r\n",
    "\x1b[2J",
    "\x07",
    "\x7f",
    "\x9b31m",
    "\u2028",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\ud800",
    '"',
    "\\",
    "ok",
  ];
  const text = (): string =>
    Array.from({ length: random.below(6) }, () => random.pick(nasty)).join("");
  for (let i = 0; i < 2000; i++) {
    const [message, key, value] = [text(), text(), text()];
    const written = line(message, { connection_id: text(), [key]: value });
    const body = written.slice(0, -1);
    // deno-lint-ignore no-control-regex -- they must not be there
    assert(!/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]/.test(body));
    assert(written.endsWith("\n") && body.isWellFormed());
    assertEquals(JSON.parse(body).message, message);
  }
});

Deno.test("Log: a sink that fails fails nobody; what was lost is counted", () => {
  let full = true;
  const lines: string[] = [];
  const log = new Log("test", {
    sink(line): void {
      if (full) throw new Error("No space left on device");
      lines.push(line);
    },
    now: () => 0,
  });
  log.info("1");
  log.info("2");
  full = false;
  log.info("3");
  log.info("4");
  assertEquals(
    lines.map((line) => JSON.parse(line).lost_before),
    [2, undefined],
  );
});
