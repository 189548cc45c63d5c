import { assertEquals } from "@std/assert";
import { recordReader } from "../../../../cli/logs/record_reader.ts";
import { Presence } from "../../../../cli/presence.ts";
import type { Session } from "../../../../cli/session.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import type {
  LogRecord,
  ReadLogsResponse,
} from "../../../../proto/broker_gen.ts";

function record(message: string): LogRecord {
  return {
    time: "2026-01-02T03:04:05.000Z",
    level: "info",
    component: "broker",
    connection_id: "",
    message,
    fields_json: "",
  };
}

/** A session over XPC: each call gets the next of `answers`, or its error. */
function sessionOf(
  answers: (Partial<ReadLogsResponse> | BridgeError)[],
  end: () => void = () => {},
): { session: Session; requests: unknown[] } {
  const requests: unknown[] = [];
  const client = {
    call: (_: string, request: unknown) => {
      requests.push(request);
      const answer = answers.shift() ?? {};
      if (answers.length === 0) end();
      return answer instanceof BridgeError
        ? Promise.reject(answer)
        : Promise.resolve({
          records: [],
          lost: 0,
          next: 1,
          more: false,
          ...answer,
        });
    },
  };
  const session = {
    client,
    address: "xpc:x",
    streams: undefined,
    checkLoss: () => {},
  } as unknown as Session;
  return { session, requests };
}

Deno.test("records over XPC: the kept ones, in as many calls as it takes", async () => {
  const { session, requests } = sessionOf([
    { records: [record("a")], next: 2, more: true },
    { records: [record("b")], next: 3, lost: 4 },
  ]);
  const reader = recordReader(session, { filter: "f", since: 0 });
  assertEquals(await reader.kept(), [
    { record: record("a") },
    { lost: 4 },
    { record: record("b") },
  ]);
  const since = "1970-01-01T00:00:00.000Z";
  assertEquals(requests, [
    { filter: "f", since, next: 0 },
    { filter: "f", since, next: 2 },
  ]);
});

Deno.test("records over XPC: new ones, with a pause unless there are more, and after a failure", async () => {
  const ended = new AbortController();
  const { session, requests } = sessionOf([
    { records: [record("a")], next: 7, more: true },
    { records: [record("a")], next: 8 }, // the same words are another record
    new BridgeError("broker_unreachable", "gone"),
    { records: [record("c")], next: 9 },
  ], () => ended.abort());
  const said: string[] = [];
  let pauses = 0;
  const reader = recordReader(session, { filter: "", since: undefined });
  const events = await Array.fromAsync(reader.coming(
    { pause: () => Promise.resolve(void pauses++) },
    new Presence(session, (words) => said.push(words)),
    ended.signal,
  ));
  assertEquals(
    events.map((event) => "record" in event && event.record.message),
    ["a", "a", "c"],
  );
  assertEquals([said.length, pauses], [2, 3]);
  assertEquals(
    requests.map((request) => (request as { next: number }).next),
    [0, 7, 8, 8],
  );
});
