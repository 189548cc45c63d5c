import { assertEquals } from "@std/assert";
import {
  comingRecords,
  keptRecords,
  type LogEvent,
  SeenRecords,
} from "../../../../cli/logs/log_records.ts";
import { Presence } from "../../../../cli/presence.ts";
import type { GrpcClient } from "../../../../broker/grpc/grpc_client.ts";
import {
  fileLine,
  lostLine,
  recordLine,
  recordRow,
} from "../../../../cli/text/log_text.ts";
import type {
  LogRecord,
  TailLogsResponse,
} from "../../../../proto/broker_gen.ts";

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

/** A broker that answers each `TailLogs` with the next of `streams`, and then `end`s. */
function sessionOf(
  streams: Partial<TailLogsResponse>[][],
  end: () => void = () => {},
): { client: Pick<GrpcClient, "stream">; requests: object[] } {
  const requests: object[] = [];
  const client = {
    async *stream(_call: string, request: object) {
      requests.push(request);
      for (const response of streams.shift() ?? []) {
        yield { records: [], lost: 0, resume_since: "", ...response };
      }
      if (streams.length === 0) end();
    },
  };
  return {
    client: client as unknown as Pick<GrpcClient, "stream">,
    requests,
  };
}

const ALL = { filter: "", since: undefined };

/** Two streams: the first is cut after "b", with the time of "b". */
function cutStreams(): Partial<TailLogsResponse>[][] {
  const [a, b, c] = [record(1, "a"), record(2, "b"), record(3, "c")];
  return [
    [{ records: [a] }, { records: [b], lost: 2, resume_since: b.time }],
    [{ records: [b, c] }],
  ];
}

const WHOLE: LogEvent[] = [
  { record: record(1, "a") },
  { lost: 2 },
  { record: record(2, "b") },
  { record: record(3, "c") },
];

Deno.test("kept records: a stream that was cut goes on, and lost records are counted", async () => {
  const { client, requests } = sessionOf(cutStreams());
  const events = await keptRecords(client, ALL, new SeenRecords());
  assertEquals(events, WHOLE);
  assertEquals(requests, [
    { filter: "", since: "" },
    { filter: "", since: record(2, "b").time },
  ]);
});

Deno.test("coming records: a stream that was cut goes on at once, and the broker is not lost", async () => {
  const ended = new AbortController();
  const { client } = sessionOf(cutStreams(), () => ended.abort());
  const said: string[] = [];
  const pauses: number[] = [];
  const events = await Array.fromAsync(comingRecords(
    client,
    ALL,
    new SeenRecords(),
    { pause: (ms) => Promise.resolve(void pauses.push(ms)) },
    new Presence(
      { address: "unix:/x", checkLoss: () => {} },
      (words) => said.push(words),
    ),
    ended.signal,
  ));
  assertEquals(events, WHOLE);
  // Only the second stream ended without resume_since.
  assertEquals([said.length, pauses.length], [1, 1]);
});

Deno.test("log text: lost records have a line of their own", () => {
  assertEquals(
    lostLine(1),
    "1 record is missing here: the broker logged faster than this command read.",
  );
  assertEquals(lostLine(7).startsWith("7 records are missing"), true);
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
