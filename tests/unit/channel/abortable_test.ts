import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { abortable } from "../../../channel/abortable.ts";
import {
  PortReceiver,
  type ReceivedFrame,
} from "../../../channel/frame_receiver.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { TICKS } from "../../fixtures/tick_port.ts";

const never = new Promise<never>(() => {});

/** A frame. */
function tick(count: bigint): ReceivedFrame<typeof TICKS.schema> {
  return {
    data: new Uint8Array(0),
    schema_name: "tick",
    timestamp_ns: count,
    [Symbol.dispose]: () => {},
  };
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
  const receiver = new PortReceiver("ticks", TICKS, () => {});
  const stop = new AbortController();
  const ended = Array.fromAsync(receiver.frames(stop.signal));
  const other = receiver[Symbol.asyncIterator]().next();
  stop.abort();
  assertEquals(await ended, []);
  assertEquals(await Array.fromAsync(receiver.frames(stop.signal)), []);
  const frame = tick(1n);
  receiver.put(frame, 0);
  assertStrictEquals((await other).value, frame);
});

Deno.test("next() gives what is there, else what comes, one frame to each who waits", async () => {
  const receiver = new PortReceiver("ticks", TICKS, () => {});
  const [first, second, third] = [tick(1n), tick(2n), tick(3n)];
  receiver.put(first, 0);
  assertStrictEquals(await receiver.next(), first);
  const waiting = [receiver.next(), receiver.next()];
  receiver.put(second, 0);
  receiver.put(third, 0);
  assertEquals(
    new Set(await Promise.all(waiting)),
    new Set([second, third]),
  );
});

Deno.test("next() is null when its signal aborts, and what comes then is not lost", async () => {
  const receiver = new PortReceiver("ticks", TICKS, () => {});
  const stop = new AbortController();
  const waiting = receiver.next(stop.signal);
  stop.abort();
  assertEquals(await waiting, null);
  assertEquals(await receiver.next(stop.signal), null);
  const frame = tick(1n);
  receiver.put(frame, 0);
  assertStrictEquals(await receiver.next(), frame);
});

Deno.test("next() is null after a channel was closed in order, and throws why one failed", async () => {
  const closed = new PortReceiver("ticks", TICKS, () => {});
  const waiting = closed.next();
  const frame = tick(1n);
  closed.put(frame, 0);
  closed.end(undefined);
  assertStrictEquals(await waiting, frame);
  assertEquals(await closed.next(), null);
  const failed = new PortReceiver("ticks", TICKS, () => {});
  const hopeless = failed.next();
  failed.end(new BridgeError("channel_lost", "it broke"));
  await assertRejects(() => hopeless, BridgeError, "it broke");
  await assertRejects(() => failed.next(), BridgeError, "it broke");
});
