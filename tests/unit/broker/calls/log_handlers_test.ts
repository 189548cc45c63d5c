import { assert, assertEquals, assertThrows } from "@std/assert";
import type {
  Caller,
  StreamHandler,
} from "../../../../broker/calls/call_types.ts";
import { createQuotas } from "../../../../broker/registry/quotas.ts";
import { Log } from "../../../../broker/log/log.ts";
import {
  logAnswers,
  logHandlers,
} from "../../../../broker/calls/log_handlers.ts";
import { RequestFields } from "../../../../broker/calls/fields.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import {
  LogRing,
  type LogRingLimits,
} from "../../../../broker/log/log_ring.ts";
import type {
  LogRecord,
  ReadLogsResponse,
  TailLogsResponse,
} from "../../../../proto/broker_gen.ts";
import { MAX_LOG_BATCH } from "../../../../proto/limits.ts";
import { grpc, refuses } from "../../../helpers/fake_broker.ts";
import { FakeClock, settle } from "../../../helpers/fake_world.ts";

/** A log with a ring, and the handler of `TailLogs`. */
class Logged {
  readonly clock = new FakeClock();
  readonly ring: LogRing;
  readonly log: Log;
  readonly tail: StreamHandler<TailLogsResponse>;

  constructor(
    limits: Partial<LogRingLimits> = {},
    tails = createQuotas().tails,
  ) {
    this.ring = new LogRing(limits);
    this.log = new Log("a", {
      sink: () => {},
      now: this.clock.now,
      level: "debug",
    }, this.ring);
    this.tail = logHandlers(this.ring, tails).TailLogs;
  }

  /** The messages of the records that a request finds. */
  async messages(request: object): Promise<string[]> {
    const answers = await Array.fromAsync(this.tail(grpc(), request));
    return messages(answers.flatMap(({ records }) => records));
  }
}

function messages(records: readonly LogRecord[]): string[] {
  return records.map(({ message }) => message);
}

/** A caller whose call can be cancelled. */
function leaving(): { caller: Caller; leave: () => void } {
  const controller = new AbortController();
  return {
    caller: { carrier: "grpc", signal: controller.signal },
    leave: () => controller.abort(),
  };
}

Deno.test("TailLogs: every term of the filter must match", async () => {
  const logged = new Logged();
  const { log } = logged;
  log.debug("1", { connection_id: "c", runtime_id: "r" });
  log.warn("2", { connection_id: "c" });
  log.error("3", { runtime_id: "r" });
  log.component("b").info("4", { connection_id: "d", runtime_id: "r" });
  const found = async (filter: string): Promise<string> =>
    (await logged.messages({ filter })).join(" ");
  assertEquals(await found(""), "1 2 3 4");
  assertEquals(await found("level=debug"), "1 2 3 4");
  assertEquals(await found("level=info"), "2 3 4");
  assertEquals(await found("level=error"), "3");
  assertEquals(await found("component=b"), "4");
  assertEquals(await found("connection_id=c"), "1 2");
  assertEquals(await found("runtime_id=r"), "1 3 4");
  assertEquals(await found("  runtime_id=r \t level=warn "), "3");
  assertEquals(await found("component=a component=b"), "");
});

Deno.test("TailLogs: since leaves out what is older", async () => {
  const logged = new Logged();
  logged.log.info("old");
  logged.clock.advance(1000);
  logged.log.info("new");
  const since = new Date(logged.clock.now()).toISOString();
  assertEquals(await logged.messages({ since }), ["new"]);
  assertEquals(await logged.messages({ since: "1970-01-01t00:00:00+01:00" }), [
    "old",
    "new",
  ]);
});

Deno.test("TailLogs: what is no filter and no time is refused by name", async () => {
  const logged = new Logged();
  for (
    const filter of ["x", "level", "level=", "=x", "level=loud", "pid=7", "a=b"]
  ) {
    await refuses(() => logged.messages({ filter }), "bad_argument", "filter");
  }
  for (
    const since of ["x", "2026", "yesterday", "2026-13-01T00:00:00Z", "0 UTC"]
  ) {
    await refuses(() => logged.messages({ since }), "bad_argument", "since");
  }
  await refuses(() => logged.messages({ follow: 1 }), "bad_argument", "follow");
});

Deno.test("TailLogs: many records come in batches", async () => {
  const logged = new Logged();
  for (let i = 0; i <= MAX_LOG_BATCH; i++) logged.log.info(`${i}`);
  const answers = await Array.fromAsync(logged.tail(grpc(), {}));
  assertEquals(answers.map(({ records }) => records.length), [
    MAX_LOG_BATCH,
    1,
  ]);
});

Deno.test("TailLogs: follow goes on with what comes, until the caller goes", async () => {
  const logged = new Logged();
  const { caller, leave } = leaving();
  const seen: string[] = [];
  logged.log.info("before");
  const reading = (async () => {
    const request = { follow: true, filter: "level=info" };
    for await (const { records } of logged.tail(caller, request)) {
      seen.push(...messages(records));
    }
  })();
  await settle();
  assertEquals(seen, ["before"]);
  logged.log.info("1");
  logged.log.debug("no");
  await settle();
  logged.log.info("2");
  await settle();
  assertEquals(seen, ["before", "1", "2"]);
  leave();
  await reading;
  logged.log.info("after");
  assertEquals(seen, ["before", "1", "2"]);
});

Deno.test("TailLogs: without follow what comes while it is read is left out", async () => {
  const logged = new Logged();
  logged.log.info("1");
  const reading = logged.tail(grpc(), {})[Symbol.asyncIterator]();
  await reading.next();
  logged.log.info("2");
  assertEquals((await reading.next()).done, true);
});

Deno.test("TailLogs: a slow reader loses the oldest, and gets their number", async () => {
  const logged = new Logged({ records: 3 });
  const { caller, leave } = leaving();
  logged.log.info("0");
  const reading = logged.tail(caller, { follow: true })[Symbol.asyncIterator]();
  await reading.next();
  for (let i = 1; i <= 10; i++) logged.log.info(`${i}`);
  const { value } = await reading.next();
  assertEquals(messages(value!.records), ["8", "9", "10"]);
  assertEquals(value!.lost, 7);
  leave();
  assertEquals((await reading.next()).done, true);
});

Deno.test("TailLogs: a stream has a length, and its last response says from when to go on", async () => {
  const logged = new Logged();
  const { caller } = leaving();
  let carried = 0;
  let last: TailLogsResponse | undefined;
  let answers = 0;
  for (let i = 0; i < MAX_LOG_BATCH; i++) logged.log.info("x".repeat(1024));
  for await (const response of logged.tail(caller, { follow: true })) {
    assert(++answers < 1000, "the stream goes on and on");
    assertEquals(last?.resume_since ?? "", "");
    carried += JSON.stringify(response.records).length;
    last = response;
    for (let i = 0; i < MAX_LOG_BATCH; i++) logged.log.info("x".repeat(1024));
  }
  assertEquals(last!.resume_since, last!.records.at(-1)!.time);
  assertEquals(Math.round(carried / 1024 / 1024), 4);
});

Deno.test("TailLogs: there are only so many tails at a time", async () => {
  const logged = new Logged({}, createQuotas({ tails: 1 }).tails);
  const { caller, leave } = leaving();
  const following = Array.fromAsync(logged.tail(caller, { follow: true }));
  await settle();
  await refuses(
    () => logged.messages({}),
    "not_permitted",
    "have 1 of 1 tails",
  );
  leave();
  await following;
  assertEquals(await logged.messages({}), []);
});

/** The answers of `ReadLogs` to a caller who asks until there is no more. */
function readAll(
  ring: LogRing,
  request: { readonly filter?: string; readonly next?: number },
): ReadLogsResponse[] {
  const { ReadLogs } = logAnswers(ring);
  const answers: ReadLogsResponse[] = [];
  let { next = 0 } = request;
  do {
    const fields = new RequestFields("ReadLogs", { ...request, next });
    answers.push(ReadLogs(grpc(), fields));
    next = answers.at(-1)!.next;
  } while (answers.at(-1)!.more);
  return answers;
}

Deno.test("ReadLogs: call after call brings every record once", () => {
  const { log, ring } = new Logged();
  assertEquals(readAll(ring, {}), [
    { records: [], lost: 0, next: 1, more: false },
  ]);
  const all = Array.from({ length: 2 * MAX_LOG_BATCH + 1 }, (_, at) => `${at}`);
  for (const words of all) log.info(words);
  const answers = readAll(ring, {});
  assertEquals(answers.map(({ records }) => records.length), [
    MAX_LOG_BATCH,
    MAX_LOG_BATCH,
    1,
  ]);
  assertEquals(messages(answers.flatMap(({ records }) => records)), all);
  const { next } = answers.at(-1)!;
  assertEquals(readAll(ring, { next }), [
    { records: [], lost: 0, next, more: false },
  ]);
  log.info("later");
  const [later] = readAll(ring, { next });
  assertEquals([messages(later!.records), later!.lost], [["later"], 0]);
});

Deno.test("ReadLogs: records that are not kept any more are counted; who begins has lost none", () => {
  const { log, ring } = new Logged({ records: 3 });
  log.info("a");
  const [{ next } = { next: 0 }] = readAll(ring, {});
  for (const words of ["b", "c", "d", "e", "f"]) log.info(words);
  const [late] = readAll(ring, { next });
  assertEquals([late!.lost, messages(late!.records)], [2, ["d", "e", "f"]]);
  const [fresh] = readAll(ring, {});
  assertEquals([fresh!.lost, messages(fresh!.records)], [0, ["d", "e", "f"]]);
  // A number that this broker has not reached is another one's.
  const [other] = readAll(ring, { next: 100 });
  assertEquals([other!.lost, messages(other!.records)], [0, ["d", "e", "f"]]);
});

Deno.test("ReadLogs: an answer is bounded in length, and has one record at least", () => {
  const { log, ring } = new Logged();
  const long = { value: "x".repeat(1000) };
  const fields = Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => [`f${at}`, long.value]),
  );
  for (let at = 0; at < 8; at++) log.info(`${at}`, fields);
  const counts = readAll(ring, {}).map(({ records }) => records.length);
  assertEquals(counts.reduce((sum, count) => sum + count), 8);
  assert(Math.max(...counts) < 8 && Math.min(...counts) > 0, `${counts}`);
});

Deno.test("ReadLogs: the filter of TailLogs, and its refusals", () => {
  const { log, ring } = new Logged();
  log.info("a");
  log.warn("b");
  const [answer] = readAll(ring, { filter: "level=warn" });
  assertEquals([messages(answer!.records), answer!.next], [["b"], 3]);
  for (const request of [{ filter: "x" }, { next: -1 }, { next: 1.5 }]) {
    assertThrows(() => readAll(ring, request), BridgeError, "Cannot ReadLogs");
  }
});
