import { assertEquals } from "@std/assert";
import { SeenRecords } from "../../../../cli/logs/log_records.ts";
import {
  fileLine,
  recordLine,
  recordRow,
} from "../../../../cli/text/log_text.ts";
import type { LogRecord } from "../../../../proto/broker_gen.ts";

function record(second: number, message: string): LogRecord {
  return {
    time: `2026-01-02T03:04:0${second}.000Z`,
    level: "info",
    component: "broker",
    connection_id: "",
    message,
    fields_json: "",
  };
}

/** The messages of the records of one stream that were not seen before. */
function news(seen: SeenRecords, ...stream: LogRecord[]): string[] {
  seen.beginStream();
  return stream.filter((each) => seen.isNew(each)).map((r) => r.message);
}

Deno.test("seen records: a stream that begins at the last time brings only what is new", () => {
  const seen = new SeenRecords();
  const [a, b, c] = [record(1, "a"), record(2, "b"), record(2, "c")];
  assertEquals(news(seen, a, b), ["a", "b"]);
  assertEquals(seen.last, b.time);
  assertEquals(news(seen, b, c), ["c"]);
  assertEquals(news(seen, b, c), []);
  assertEquals(news(seen, b, c, record(3, "d")), ["d"]);
  assertEquals(news(seen, record(2, "late")), []);
});

Deno.test("seen records: records that say the same at one time are counted", () => {
  const seen = new SeenRecords();
  const [a, b] = [record(1, "same"), record(1, "same")];
  assertEquals(news(seen, a, b), ["same", "same"]);
  assertEquals(news(seen, a, b), []);
  assertEquals(news(seen, a, b, record(1, "same")), ["same"]);
  assertEquals(news(seen, a, record(1, "other"), b), ["other"]);
});

Deno.test("log text: a record in one line, pairs that can be told apart, nothing that acts on a terminal", () => {
  const full: LogRecord = {
    ...record(1, "evil\x1b[2J"),
    level: "warn",
    connection_id: "c1",
    fields_json: '{"pid":42,"reason":"two words","name":"a\\u009bb"}',
  };
  const line = recordLine(full, false);
  assertEquals(
    line,
    '2026-01-02T03:04:01.000Z warn  broker: evil\\u001b[2J connection_id=c1 pid=42 reason="two words" name=a\\u009bb',
  );
  assertEquals(
    recordLine(full, true).includes("\x1b[33mwarn \x1b[0m"),
    true,
  );
  assertEquals(recordRow(full).fields, {
    pid: 42,
    reason: "two words",
    name: "a\u009bb",
  });
  assertEquals(recordRow(record(1, "a")).fields, {});
});

Deno.test("log text: of a file's line only the tabs stay", () => {
  assertEquals(fileLine("a\tb\x1b[31m\u202e"), "a\tb\\u001b[31m\\u202e");
});
