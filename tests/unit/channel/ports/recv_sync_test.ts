import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type ArrivalSource,
  PortReceiver,
} from "../../../../channel/ports/port_receiver.ts";
import { Lease } from "../../../../channel/memory/lease.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { TICKS } from "../../../fixtures/tick_port.ts";
import { soon } from "../../../helpers/soon.ts";

/** Tests of a blocking read, whose source is simulated: its time passes only while it is waited for. */

const LENDER = {
  name: "ticks",
  copies: { bytes: 0 },
  leaseCount: 0,
  leaseEnded: () => {},
};

/** Where frames come from, as the test says. */
class Source implements ArrivalSource {
  time = 1_000;
  spins = 0;
  readonly blocks: number[] = [];
  onSpin = (): boolean => false;
  onBlock = (_ms: number): void => {};
  poll(): void {}
  turn(): undefined {}

  spin(): boolean {
    this.spins++;
    this.time += 0.1;
    return this.onSpin();
  }

  block(ms: number): void {
    this.blocks.push(ms);
    this.time += ms;
    this.onBlock(ms);
  }

  now(): number {
    return this.time;
  }
}

function made(): {
  source: Source;
  receiver: PortReceiver<typeof TICKS.schema>;
  put: (timestamp_ns: bigint) => void;
} {
  const source = new Source();
  const events = { arrived: () => {}, portEnded: () => {} };
  const receiver = new PortReceiver("ticks", TICKS, source, events, () => {});
  const put = (timestamp_ns: bigint): void => {
    const data = new Uint8Array(0);
    const values = { data, schema_name: "tick", timestamp_ns };
    receiver.put(receiver.frame(new Lease(LENDER), values), 0);
  };
  return { source, receiver, put };
}

Deno.test("a blocking read returns what is there without waiting", () => {
  const { source, receiver, put } = made();
  put(1n);
  using frame = receiver.recvSync(0);
  assertEquals(frame?.timestamp_ns, 1n);
  assertEquals([source.spins, source.blocks], [0, []]);
});

Deno.test("a blocking read spins first, then blocks for the time that is left", () => {
  const { source, receiver, put } = made();
  source.onBlock = (ms) => {
    source.time += 10 - ms; // it returns early
    if (source.blocks.length === 3) put(7n);
  };
  using frame = receiver.recvSync(100);
  assertEquals(frame?.timestamp_ns, 7n);
  assertEquals(source.blocks, [100, 90, 80]);
  assertEquals(receiver.recvSync(5), undefined);
  assertEquals(source.blocks.slice(3), [5]);
});

Deno.test("a blocking read ends in time, also if something comes for other ports again and again", () => {
  const { source, receiver } = made();
  source.onSpin = () => true;
  assertEquals(receiver.recvSync(100), undefined);
  assert(source.time >= 1_100 && source.time < 1_101, `${source.time}`);
  assertEquals(source.blocks, []);
});

Deno.test("a frame that comes with the end of the time is returned", () => {
  const { source, receiver, put } = made();
  source.onSpin = () => {
    if (source.spins === 2) {
      source.time += 1_000;
      put(3n);
    }
    return true;
  };
  using frame = receiver.recvSync(100);
  assertEquals(frame?.timestamp_ns, 3n);
});

Deno.test("a blocking read ends with its port and its channel", () => {
  const ended = made();
  ended.source.onBlock = () => ended.receiver.putEnd();
  assertEquals(ended.receiver.recvSync(60_000), undefined);

  const closed = made();
  closed.source.onBlock = () => closed.receiver.finish(undefined);
  assertEquals(closed.receiver.recvSync(60_000), undefined);

  const unconnected = made();
  unconnected.receiver.agree(undefined);
  assertEquals(unconnected.receiver.recvSync(60_000), undefined);
  assertEquals(unconnected.source.spins, 0);

  const failed = made();
  const failure = new BridgeError("channel_lost", "gone");
  failed.source.onBlock = () => failed.receiver.finish(failure);
  assertEquals(
    assertThrows(() => failed.receiver.recvSync(60_000)),
    failure,
  );
  for (const { source } of [ended, closed, failed]) {
    assertEquals(source.blocks.length, 1);
  }
});

Deno.test("a read whose spin ends the channel does not wait for it any more", async () => {
  for (const read of ["recvSync", "next"] as const) {
    const { source, receiver } = made();
    source.onSpin = () => {
      receiver.finish(undefined);
      return false;
    };
    const frame = read === "next"
      ? await soon(receiver.next(), "the end")
      : receiver.recvSync(60_000);
    assertEquals([frame, source.blocks], [undefined, []]);
  }
});

Deno.test("a blocking read takes a time from 0 to 2^31 - 1 only", () => {
  const { receiver } = made();
  for (const ms of [-1, NaN, Infinity, 2 ** 31, "1", null, undefined]) {
    const error = assertThrows(
      () => receiver.recvSync(ms as number),
      BridgeError,
      `Cannot wait for ${ms} ms on port 'ticks'`,
    );
    assertEquals(error.code, "bad_argument");
  }
});
