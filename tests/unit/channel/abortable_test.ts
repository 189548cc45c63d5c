import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { abortable } from "../../../channel/abortable.ts";
import {
  type ArrivalSource,
  PortReceiver,
} from "../../../channel/ports/port_receiver.ts";
import { Lease } from "../../../channel/memory/lease.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { TICKS } from "../../fixtures/tick_port.ts";

const NO_EVENTS = { arrived: () => {}, portEnded: () => {} };
/** Frames are put into the receiver by the test. */
const NO_SOURCE: ArrivalSource = {
  poll: () => {},
  spin: () => false,
  turn: () => undefined,
  block: () => {},
  now: () => 0,
};
const never = new Promise<never>(() => {});

function made(): PortReceiver<typeof TICKS.schema> {
  return new PortReceiver("ticks", TICKS, NO_SOURCE, NO_EVENTS, () => {});
}

const LENDER = {
  name: "ticks",
  copies: { bytes: 0 },
  leaseCount: 0,
  leaseEnded: () => {},
};

/** Puts a frame into the queue. */
function put(
  receiver: PortReceiver<typeof TICKS.schema>,
  timestamp_ns: bigint,
): void {
  const data = new Uint8Array(0);
  const values = { data, schema_name: "tick", timestamp_ns };
  receiver.put(receiver.frame(new Lease(LENDER), values), 0);
}

Deno.test("what is done before the signal is as it was", async () => {
  const { signal } = new AbortController();
  assertEquals(await abortable(Promise.resolve(7), signal), 7);
  await assertRejects(
    () => abortable(Promise.reject(new RangeError("so")), signal),
    RangeError,
    "so",
  );
});

Deno.test("a signal calls the wait off, also one that has aborted before", async () => {
  const reason = new Error("enough");
  const later = new AbortController();
  const waiting = abortable(never, later.signal);
  later.abort(reason);
  for (const wait of [waiting, abortable(never, AbortSignal.abort(reason))]) {
    const error = await assertRejects(() => wait, BridgeError);
    assertEquals(error.code, "aborted");
    assertStrictEquals(error.cause, reason);
  }
});

Deno.test("reading frames ends with the signal; another reader goes on", async () => {
  const receiver = made();
  const stop = new AbortController();
  const ended = Array.fromAsync(receiver.frames(stop.signal));
  const other = receiver[Symbol.asyncIterator]().next();
  stop.abort();
  assertEquals(await ended, []);
  assertEquals(await Array.fromAsync(receiver.frames(stop.signal)), []);
  put(receiver, 1n);
  assertEquals((await other).value?.timestamp_ns, 1n);
});

Deno.test("next() gives what is there, else what comes, one frame to each who waits", async () => {
  const receiver = made();
  put(receiver, 1n);
  assertEquals((await receiver.next())?.timestamp_ns, 1n);
  const waiting = [receiver.next(), receiver.next()];
  put(receiver, 2n);
  put(receiver, 3n);
  const frames = await Promise.all(waiting);
  assertEquals(
    new Set(frames.map((frame) => frame?.timestamp_ns)),
    new Set([2n, 3n]),
  );
});

Deno.test("next() is undefined when its signal aborts, and what comes then is not lost", async () => {
  const receiver = made();
  const stop = new AbortController();
  const waiting = receiver.next(stop.signal);
  stop.abort();
  assertEquals(await waiting, undefined);
  assertEquals(await receiver.next(stop.signal), undefined);
  put(receiver, 1n);
  assertEquals((await receiver.next())?.timestamp_ns, 1n);
});

Deno.test("next() is undefined after a channel was closed in order, and throws why one failed", async () => {
  const closed = made();
  const waiting = closed.next();
  put(closed, 1n);
  closed.finish(undefined);
  assertEquals((await waiting)?.timestamp_ns, 1n);
  assertEquals(await closed.next(), undefined);
  const failed = made();
  const hopeless = failed.next();
  failed.finish(new BridgeError("channel_lost", "it broke"));
  await assertRejects(() => hopeless, BridgeError, "it broke");
  await assertRejects(() => failed.next(), BridgeError, "it broke");
});
