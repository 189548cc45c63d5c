import { assertEquals } from "@std/assert";
import { FrameBudget } from "../../../../broker/grpc/frame_budget.ts";
import {
  CONTROL_FRAMES_PER_SEC,
  MAX_CONTROL_FRAMES,
} from "../../../../proto/limits.ts";
import { FRAME, frame } from "../../../helpers/http2_peer.ts";

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const PING = frame(FRAME.ping, 0, 0, new Uint8Array(8));

function begun(): FrameBudget {
  const budget = new FrameBudget(0);
  budget.read(PREFACE, 0);
  return budget;
}

/** How many of these frames are within the budget. */
function taken(budget: FrameBudget, bytes: Uint8Array, now = 0): number {
  let count = 0;
  while (count < 100_000 && budget.read(bytes, now)) count++;
  return count;
}

Deno.test("frame budget: so many frames without a call, to the one, and more with time", () => {
  const budget = begun();
  assertEquals(taken(budget, PING), MAX_CONTROL_FRAMES);
  assertEquals(taken(budget, PING, 1000), CONTROL_FRAMES_PER_SEC - 1);
});

Deno.test("frame budget: frames are told apart, however they are cut", () => {
  const call = frame(FRAME.headers, FRAME.endHeaders, 1, new Uint8Array(300));
  const data = frame(FRAME.data, FRAME.endStream, 1, PING);
  const whole = Uint8Array.of(...call, ...data, ...PING);
  for (const size of [1, 2, 7, 100]) {
    const budget = begun();
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < whole.length; at += size) {
        assertEquals(budget.read(whole.subarray(at, at + size), 0), true);
      }
    }
    assertEquals(taken(budget, PING), MAX_CONTROL_FRAMES - 1, `${size}`);
  }
});

Deno.test("frame budget: calls with data cost nothing, empty data and resets do", () => {
  const call = frame(FRAME.headers, FRAME.endHeaders, 1, new Uint8Array(10));
  const data = frame(FRAME.data, FRAME.endStream, 1, new Uint8Array(5));
  const useful = Uint8Array.of(...call, ...data, ...PING);
  assertEquals(taken(begun(), useful), 100_000);
  const reset = Uint8Array.of(
    ...call,
    ...frame(FRAME.reset, 0, 1, new Uint8Array(4)),
  );
  assertEquals(taken(begun(), reset), 1666);
  assertEquals(taken(begun(), frame(FRAME.data, 0, 1)), MAX_CONTROL_FRAMES);
});

Deno.test("frame budget: what the peer has read may be answered", () => {
  const budget = begun();
  assertEquals(taken(budget, PING), MAX_CONTROL_FRAMES);
  budget.sent(1024 * 100);
  assertEquals(taken(budget, PING), 99);
});
