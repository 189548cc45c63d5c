import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { abortable } from "../../../ffi/channel/abortable.ts";
import { PortReceiver } from "../../../ffi/channel/frame_receiver.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { TICKS } from "../../fixtures/tick_port.ts";

const never = new Promise<never>(() => {});

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
  const frame = {
    data: new Uint8Array(0),
    schema_name: "tick",
    timestamp_ns: 1n,
    [Symbol.dispose]: () => {},
  };
  receiver.put(frame);
  assertStrictEquals((await other).value, frame);
});
