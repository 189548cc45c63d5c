import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Lease } from "../../../../channel/memory/lease.ts";
import type { ReceivedFrame } from "../../../../channel/ports/frame_receiver.ts";
import { PortReceiver } from "../../../../channel/ports/port_receiver.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { TICKS } from "../../../fixtures/tick_port.ts";
import { soon } from "../../../helpers/soon.ts";

/** Tests of a receiving port as a stream: when it takes a frame, and who has it then. */

type Tick = ReceivedFrame<typeof TICKS.schema>;

/** A port without a channel. */
class ReadStage {
  /** The leases that have not ended. */
  leases = 0;
  readonly receiver: PortReceiver<typeof TICKS.schema>;

  constructor() {
    const source = {
      poll: () => {},
      spin: () => false,
      turn: () => undefined,
      block: () => {},
      now: () => 0,
    };
    const events = { arrived: () => {}, portEnded: () => {} };
    this.receiver = new PortReceiver("ticks", TICKS, source, events, () => {});
  }

  put(...numbers: readonly number[]): void {
    const lender = {
      name: "ticks",
      copies: { bytes: 0 },
      leaseCount: 0,
      leaseEnded: () => void this.leases--,
    };
    for (const number of numbers) {
      this.leases++;
      const lease = new Lease(lender);
      lease.confirms = number; // as on a port in order
      const frame = this.receiver.frame(lease, {
        data: new Uint8Array(0),
        schema_name: "tick",
        timestamp_ns: BigInt(number),
      });
      this.receiver.put(frame, 0);
    }
  }

  /** Reads a frame, and returns its number. */
  async read(reader: ReadableStreamDefaultReader<Tick>): Promise<number> {
    const { value } = await soon(reader.read(), "a frame");
    using frame = value!;
    return Number(frame.timestamp_ns);
  }

  /** The numbers of the frames that are in the port. Takes them. */
  get left(): number[] {
    const numbers: number[] = [];
    for (let frame; (frame = this.receiver.get());) {
      numbers.push(Number(frame.timestamp_ns));
      frame[Symbol.dispose]();
    }
    return numbers;
  }
}

/** Lets everything happen that waits for nothing. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("a stream takes a frame when it is read, and none ahead", async () => {
  const stage = new ReadStage();
  const { receiver } = stage;
  stage.put(1, 2, 3);
  assertStrictEquals(receiver.readable, receiver.readable);
  const reader = receiver.readable.getReader();
  await settled();
  assertEquals(receiver.size, 3);
  assertEquals(await stage.read(reader), 1);
  await settled();
  assertEquals([receiver.size, stage.leases], [2, 2]);
  const later = [2, 3, 4].map(() => stage.read(reader));
  await settled();
  stage.put(4);
  assertEquals(await Promise.all(later), [2, 3, 4]);
  assertEquals(stage.leases, 0);
});

Deno.test("a stream is iterated with using, and closes with its port", async () => {
  const stage = new ReadStage();
  stage.put(1, 2);
  stage.receiver.putEnd();
  const seen: bigint[] = [];
  for await (using frame of stage.receiver.readable) {
    seen.push(frame.timestamp_ns);
  }
  assertEquals(seen, [1n, 2n]);
  assertEquals(stage.leases, 0);
});

Deno.test("a stream closes with its channel, and where the other side has no such port", async () => {
  for (const how of ["finish", "agree"] as const) {
    const { receiver } = new ReadStage();
    const reader = receiver.readable.getReader();
    const reading = reader.read();
    await settled();
    receiver[how](undefined);
    assertEquals((await soon(reading, "the end")).done, true);
    await soon(reader.closed, "the close");
  }
});

Deno.test("a stream fails with the failure of its channel, after the frames before it", async () => {
  const stage = new ReadStage();
  const failure = new BridgeError("channel_lost", "gone");
  const reader = stage.receiver.readable.getReader();
  stage.put(1);
  stage.receiver.finish(failure);
  assertEquals(await stage.read(reader), 1);
  assertStrictEquals(await assertRejects(() => reader.read()), failure);
  assertStrictEquals(await assertRejects(() => reader.closed), failure);
});

Deno.test("a cancelled stream leaves the frames in its port, also those that come later", async () => {
  for (const isWaiting of [false, true]) {
    const stage = new ReadStage();
    const reader = stage.receiver.readable.getReader();
    if (!isWaiting) stage.put(1);
    const reading = reader.read();
    await settled();
    await soon(reader.cancel(), "the cancellation");
    const { value } = await soon(reading, "the read");
    assertEquals(value?.timestamp_ns, isWaiting ? undefined : 1n);
    value?.[Symbol.dispose]();
    stage.put(2, 3);
    await settled();
    assertEquals(stage.left, [2, 3]);
    assertEquals((await reader.read()).done, true);
    assertEquals(stage.leases, 0);
  }
});

Deno.test("whenever a stream is cancelled while a frame comes, the frame is read or in its port", async () => {
  for (let ticks = 0; ticks < 20; ticks++) {
    const stage = new ReadStage();
    const reader = stage.receiver.readable.getReader();
    const reading = reader.read();
    await settled();
    stage.put(1);
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    await reader.cancel();
    const { value } = await reading;
    value?.[Symbol.dispose]();
    assertEquals(stage.left, value ? [] : [1], `${ticks} ticks`);
    assertEquals(stage.leases, 0);
  }
});

Deno.test("a stream that is cancelled with a reason ends the leases of what was read; without one they are the reader's", async () => {
  for (const reason of [undefined, new Error("behind it something failed")]) {
    const stage = new ReadStage();
    const reader = stage.receiver.readable.getReader();
    stage.put(1, 2, 3, 4);
    const read: Tick[] = [];
    for (let n = 0; n < 3; n++) read.push((await reader.read()).value!);
    read[0]![Symbol.dispose]();
    using clone = read[1]!.clone();
    await reader.cancel(reason);
    // The clone and the unread frame, and without a reason the two that were read.
    assertEquals(stage.leases, reason ? 1 : 3);
    assertEquals(clone.timestamp_ns, 2n);
    for (const frame of read) frame[Symbol.dispose]();
    assertEquals(stage.left, [4]);
  }
});

Deno.test("a read that was given up takes no frame", async () => {
  const stage = new ReadStage();
  const { receiver } = stage;
  const reader = receiver.readable.getReader();
  const reading = reader.read().catch(() => "given up");
  await settled();
  reader.releaseLock();
  stage.put(1);
  assertEquals(await reading, "given up");
  await settled();
  assertEquals(receiver.size, 1);
  const other = receiver.readable.getReader();
  assertEquals(await stage.read(other), 1);
  const waiting = stage.read(other);
  await settled();
  stage.put(2);
  assertEquals(await waiting, 2);
});

for (const next of ["reader", "iteration", "pipe"] as const) {
  Deno.test(`a read that was given up takes no frame for the ${next} that comes after it`, async () => {
    const stage = new ReadStage();
    const { readable } = stage.receiver;
    const given = readable.getReader();
    given.read().catch(() => {});
    await settled();
    given.releaseLock();
    const taken: Tick[] = [];
    let end: () => Promise<unknown>;
    if (next === "reader") {
      const reader = readable.getReader();
      stage.put(1, 2);
      await settled();
      assertEquals(stage.receiver.size, 2);
      taken.push((await soon(reader.read(), "a frame")).value!);
      end = () => reader.cancel();
    } else if (next === "iteration") {
      const iteration = readable.values();
      stage.put(1, 2);
      await settled();
      assertEquals(stage.receiver.size, 2);
      taken.push((await soon(iteration.next(), "a frame")).value!);
      end = () => iteration.return!();
    } else {
      // It reads nothing while its target has no room.
      const room = Promise.withResolvers<void>();
      const target = new WritableStream<Tick>({
        start: () => room.promise,
        write: (frame) => void taken.push(frame),
      }, { highWaterMark: 0 });
      const leaving = new AbortController();
      const piping = readable.pipeTo(target, leaving).catch(() => {});
      stage.put(1);
      await settled();
      assertEquals(stage.receiver.size, 1);
      end = () => (leaving.abort(), soon(piping, "the pipe"));
      room.resolve();
      await settled();
      assertEquals(taken.length, 0);
      stage.put(2);
    }
    await end();
    // What was read is its reader's, and what was not read is in the port.
    for (const frame of taken) {
      assertEquals(Number(frame.timestamp_ns), 1);
      frame[Symbol.dispose]();
    }
    assertEquals(stage.left, taken.length ? [2] : [1, 2]);
    assertEquals(stage.leases, 0);
  });
}

Deno.test("what nobody has read is dropped when the port is cleared, unless the stream is locked", async () => {
  const stage = new ReadStage();
  const { receiver } = stage;
  void receiver.readable;
  stage.put(1);
  receiver.clear();
  assertEquals([receiver.size, stage.leases], [0, 0]);

  const read = new ReadStage();
  const reader = read.receiver.readable.getReader();
  read.put(1, 2, 3);
  read.receiver.finish(undefined);
  read.receiver.clear();
  assertEquals(await read.read(reader), 1);
  await reader.cancel();
  assertEquals([read.receiver.size, read.leases], [0, 0]);
});

Deno.test("a stream of frames has no tee", () => {
  const { readable } = new ReadStage().receiver;
  const error = assertThrows(() => readable.tee(), BridgeError);
  assertEquals(error.code, "bad_argument");
  assert(!readable.locked);
});
