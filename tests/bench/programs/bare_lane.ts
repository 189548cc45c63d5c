/** The other end of a bare lane, in a Worker: see `peers/bare_lane.ts`. It posts its bell, and what it ends with. */

/// <reference lib="deno.worker" />

import { NativeLane } from "../../../ffi/lane.ts";
import { Native } from "../../../ffi/native.ts";
import { now } from "../../../host/mod.ts";
import { Capability } from "../../../proto/wire/xpc_value.ts";
import { BareEnd } from "../peers/bare_end.ts";
import type { BareMode, BareStart } from "../peers/bare_lane.ts";
import { LeanEnd } from "../peers/lean_end.ts";
import { copyOf } from "../ports.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;

scope.onmessage = ({ data }) => {
  const { mode, memory, count } = data as BareStart;
  using native = Native.open();
  using lane = NativeLane.open(native, new Capability("shmem", memory));
  using bell = lane.bell();
  scope.postMessage(bell.borrow().handle);
  if (mode === "frames") echoFrames(new LeanEnd(lane, 1), count);
  else answer(new BareEnd(lane, 1), mode, count);
  scope.postMessage("ended");
};

function echoFrames(end: LeanEnd, count: number): void {
  for (let frame, sleeps = true; (frame = end.receive(sleeps));) {
    sleeps = frame.number === count - 1;
    end.send(end.acquire(copyOf(frame)));
    frame.dispose();
  }
}

function answer(end: BareEnd, mode: BareMode, count: number): void {
  const ways = new Float64Array(count);
  for (let record, sleeps = true; (record = end.receive(sleeps));) {
    const { number, sentUs } = record;
    const isLast = number === count - 1;
    sleeps = mode === "wake" || isLast;
    if (mode === "wake") {
      ways[number] = Number(now()) / 1000 - sentUs;
      if (isLast) scope.postMessage(ways);
    } else if (mode === "echo" || isLast) {
      end.send(number, sentUs);
    }
  }
}
