import { assert, assertEquals } from "@std/assert";
import type { TimerClock } from "../../ffi/clock.ts";
import { Native } from "../../ffi/native.ts";
import { localShim } from "../../ffi/shim.ts";
import type {
  ReceivingState,
  SendingState,
} from "../../channel/stalls/stall_rules.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { DataFrame } from "../../proto/schema/frames/data_frame.ts";
import { VideoFrame } from "../../proto/schema/frames/video_frame.ts";
import { port } from "../../proto/schema/port.ts";
import { ChannelPair } from "../helpers/channel_pair.ts";
import { FakeClock } from "../helpers/fake_world.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { soon, until } from "../helpers/soon.ts";

/** Warnings of the ports of a real channel that stand still. Only their clock is the test's. */

const { inputs } = connectionSchema({
  inputs: {
    every: port(VideoFrame, {
      read_behavior: "read_next_in_order",
      capacity: 2,
    }),
    latest: port(VideoFrame, { capacity: 2 }),
    data: port(DataFrame, { read_behavior: "read_next_in_order", capacity: 2 }),
    latest_data: port(DataFrame, { capacity: 2 }),
  },
});
type Pair = ChannelPair<typeof inputs>;
type Name = keyof typeof inputs;

/** A frame of any port. */
interface ReadFrame extends Disposable {
  clone(): ReadFrame;
}

const PICTURE = { width: 4, height: 4, pixel_format: "gray8" } as const;
const DATA = { data: new Uint8Array(1), schema_name: "", timestamp_ns: 0n };

/** Registers a test of a pair of channels, and of a clock that it moves. */
function stallTest(
  name: string,
  body: (pair: Pair, clock: FakeClock) => Promise<void>,
): void {
  Deno.test(name, () =>
    nativeLeavesNothing(async () => {
      const fake = new FakeClock();
      const clock: TimerClock = {
        now: fake.now,
        after: (ms, callback) => ({
          cancel: fake.setTimer(callback, ms),
          unref: () => {},
        }),
      };
      using native = new Native({ ...localShim(), clock });
      using pair = new ChannelPair(native, inputs);
      await soon(pair.connect(), "the connection");
      await soon(body(pair, fake), name);
    }));
}

/** Sends a frame. Returns whether it was sent. */
function send(pair: Pair, name: Name): boolean {
  const { senders } = pair.sender;
  if (name === "data" || name === "latest_data") {
    using frame = senders[name].acquire(DATA);
    return senders[name].send(frame);
  }
  using frame = senders[name].acquire({ pixel_buffer: PICTURE });
  return senders[name].send(frame);
}

/** Sends and reads `count` frames. The caller disposes them. */
async function held(
  pair: Pair,
  name: Name,
  count: number,
): Promise<ReadFrame[]> {
  const frames: ReadFrame[] = [];
  const receiver: { next(): Promise<ReadFrame | undefined> } =
    pair.receiver.receivers[name];
  for (let n = 0; n < count; n++) {
    assert(send(pair, name));
    frames.push((await receiver.next())!);
  }
  return frames;
}

/** Begins to wait for a frame. Returns what ends that. */
async function read(pair: Pair, name: Name): Promise<AbortController> {
  const stop = new AbortController();
  const receiver = pair.receiver.receivers[name];
  void receiver.next(stop.signal);
  await awaited(receiver);
  return stop;
}

/** Resolves when somebody waits for a frame of a port, or for its room. */
async function awaited(port: object): Promise<void> {
  const state = port as ReceivingState | SendingState;
  await until("the wait", () => state.isAwaited);
}

function onLease(name: Name, count: number): string {
  return `warning: all ${count} frames of the input '${name}' are on lease, and none was disposed for 2 s: ` +
    "no more can come; is `using` missing, or is the batch that is collected larger than the capacity of 2?";
}

for (
  const [name, most] of [["every", 2], ["latest", 3], ["data", 2]] as const
) {
  stallTest(
    `a reader of '${name}' that disposes nothing is told of, and nobody is before`,
    async (pair, clock) => {
      for (let count = 1; count < most; count++) {
        const frames = await held(pair, name, count);
        const stop = await read(pair, name);
        clock.advance(10_000); // the sender is slow
        stop.abort();
        for (const frame of frames) frame[Symbol.dispose]();
        await pair.settle();
      }
      assertEquals(pair.problems, []);
      const frames = await held(pair, name, most);
      clock.advance(10_000); // it is at work on them
      assertEquals(pair.problems, []);
      const stop = await read(pair, name);
      clock.advance(10_000);
      assertEquals(pair.problems, [onLease(name, most)]);
      stop.abort();
      for (const frame of frames) frame[Symbol.dispose]();
    },
  );
}

stallTest(
  "a clone keeps the place of a picture, and none of a frame without memory",
  async (pair, clock) => {
    const clones: ReadFrame[] = [];
    for (const name of ["every", "data"] as const) {
      for (const frame of await held(pair, name, 2)) {
        const clone = frame.clone();
        clones.push(clone.clone(), frame.clone());
        clone[Symbol.dispose]();
        frame[Symbol.dispose]();
      }
    }
    const stops = [await read(pair, "every"), await read(pair, "data")];
    clock.advance(10_000);
    assertEquals(pair.problems, [onLease("every", 2)]);
    for (const stop of stops) stop.abort();
    for (const clone of clones) clone[Symbol.dispose]();
  },
);

stallTest(
  "frames without memory on a port that skips to the latest hold nothing up",
  async (pair, clock) => {
    const frames = await held(pair, "latest_data", 6);
    const stop = await read(pair, "latest_data");
    clock.advance(10_000);
    assertEquals(pair.problems, []);
    stop.abort();
    for (const frame of frames) frame[Symbol.dispose]();
  },
);

stallTest(
  "the frames of a client that has died hold nothing of the next one up",
  async (pair, clock) => {
    const frames = await held(pair, "every", 2);
    pair.kill("sender");
    await pair.connect();
    frames.push(...await held(pair, "every", 1));
    const first = await read(pair, "every");
    clock.advance(10_000);
    frames[0]![Symbol.dispose]();
    clock.advance(10_000);
    assertEquals(pair.problems, []);
    first.abort();
    frames.push(...await held(pair, "every", 1));
    const stop = await read(pair, "every");
    clock.advance(10_000);
    assertEquals(pair.problems, [onLease("every", 2)]);
    stop.abort();
    for (const frame of frames) frame[Symbol.dispose]();
  },
);

stallTest(
  "a port that is full and has no reader is told of, but none whose reader is slow",
  async (pair, clock) => {
    pair.receiver.stalls.isHost = true;
    const { every, data } = pair.receiver.receivers;
    const stop = await read(pair, "latest"); // the host waits for this one
    for (const name of ["every", "data"] as const) {
      for (let n = 0; n < 2; n++) assert(send(pair, name));
    }
    await pair.settle();
    const slow = data[Symbol.asyncIterator]();
    const first = (await slow.next()).value as ReadFrame;
    clock.advance(10_000);
    const unread = (name: Name): string =>
      `warning: nobody reads the output '${name}': 2 frames are unread, and its capacity is 2: ` +
      "no more can come; read each output while the host waits for its client";
    assertEquals(pair.problems, [unread("every")]);
    first[Symbol.dispose]();
    await pair.settle();
    assert(send(pair, "data"));
    await pair.settle();
    clock.advance(10_000); // it copies what it reads, and works on that
    assertEquals(pair.problems, [unread("every")]);
    await slow.return(undefined);
    const again = await read(pair, "latest");
    clock.advance(10_000); // it has left
    assertEquals(pair.problems, [unread("every"), unread("data")]);
    for (const one of [stop, again]) one.abort();
    for (const port of [every, data]) {
      while (port.size > 0) port.get()![Symbol.dispose]();
    }
  },
);

stallTest(
  "frames that are acquired and neither sent nor disposed are told of",
  async (pair, clock) => {
    const { every, latest } = pair.sender.senders;
    const text = (name: Name, count: number): string =>
      `warning: ${count} frames of the output '${name}' were acquired, and none was sent or disposed for 2 s: ` +
      "there is no room for another; is `using` or `send` missing?";
    const frames = [1, 2].map(() => every.acquire({ pixel_buffer: PICTURE }));
    clock.advance(10_000);
    assertEquals(pair.problems, []);
    void every.ready.catch(() => {});
    clock.advance(10_000);
    assertEquals(pair.problems, [text("every", 2)]);
    // On a port that skips to the latest nobody has to wait: what has no place is dropped.
    frames.push(
      ...[1, 2, 3, 4, 5, 6].map(() =>
        latest.acquire({ pixel_buffer: PICTURE })
      ),
    );
    clock.advance(10_000);
    assertEquals(pair.problems, [text("every", 2), text("latest", 5)]);
    for (const frame of frames) frame[Symbol.dispose]();
    await pair.settle();
  },
);

/** Reads a frame that is there. */
async function readFrom(
  reader: ReadableStreamDefaultReader<ReadFrame>,
): Promise<ReadFrame> {
  return (await soon(reader.read(), "a frame")).value!;
}

stallTest(
  "a read of a stream waits for a frame, as long as its reader has the lock",
  async (pair, clock) => {
    const { every, data } = pair.receiver.receivers;
    const frames: ReadFrame[] = [];
    for (const [name, port] of [["every", every], ["data", data]] as const) {
      const stream: ReadableStream<ReadFrame> = port.readable;
      const reader = stream.getReader();
      for (let n = 0; n < 2; n++) {
        assert(send(pair, name));
        frames.push(await readFrom(reader));
      }
      clock.advance(10_000); // it is at work on them
      reader.read().catch(() => {}); // rejects if the lock is released
      await awaited(port);
      if (name === "every") reader.releaseLock();
    }
    clock.advance(10_000);
    assertEquals(pair.problems, [onLease("data", 2)]);
    for (const frame of frames) frame[Symbol.dispose]();
  },
);

stallTest(
  "a stream that is read, or that may be read again, is a reader; one that was left is none",
  async (pair, clock) => {
    pair.receiver.stalls.isHost = true;
    const { every, data } = pair.receiver.receivers;
    const stop = await read(pair, "latest"); // the host waits for this one
    const stream: ReadableStream<ReadFrame> = data.readable;
    every.readable.getReader(); // as a pipe does whose target is full
    let reader = stream.getReader();
    for (const name of ["every", "data"] as const) {
      for (let n = 0; n < 2; n++) assert(send(pair, name));
    }
    await pair.settle();
    clock.advance(10_000);
    (await readFrom(reader))[Symbol.dispose]();
    reader.releaseLock();
    await pair.settle();
    assert(send(pair, "data"));
    await pair.settle();
    clock.advance(10_000); // whoever has read it goes on where it likes
    assertEquals(pair.problems, []);
    reader = stream.getReader();
    await reader.cancel();
    clock.advance(10_000);
    assertEquals(pair.problems, [
      "warning: nobody reads the output 'data': 2 frames are unread, and its capacity is 2: " +
      "no more can come; read each output while the host waits for its client",
    ]);
    stop.abort();
    for (const port of [every, data]) {
      while (port.size > 0) port.get()![Symbol.dispose]();
    }
  },
);

stallTest(
  "a stream to which nobody has written wants no room; a frame that is written and has none does",
  async (pair, clock) => {
    const { every } = pair.sender.senders;
    const acquired = [1, 2].map(() => every.acquire({ pixel_buffer: PICTURE }));
    const writer = every.writable.getWriter();
    await pair.settle();
    clock.advance(10_000);
    assertEquals(pair.problems, []);
    assert(send(pair, "latest"));
    const frame = (await pair.receiver.receivers.latest.next())!;
    const write = writer.write(frame);
    await awaited(every);
    clock.advance(10_000);
    assertEquals(pair.problems, [
      "warning: 2 frames of the output 'every' were acquired, and none was sent or disposed for 2 s: " +
      "there is no room for another; is `using` or `send` missing?",
    ]);
    for (const one of acquired) one[Symbol.dispose]();
    await soon(write, "the write");
    await pair.settle();
  },
);
