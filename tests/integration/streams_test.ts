import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { LeasedFrame } from "../../channel/memory/leased_frame.ts";
import { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../proto/errors.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { DataFrame } from "../../proto/schema/frames/data_frame.ts";
import { VideoFrame } from "../../proto/schema/frames/video_frame.ts";
import { port } from "../../proto/schema/port.ts";
import type { ReceivedFrame } from "../../channel/mod.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { soon, until } from "../helpers/soon.ts";
import { TwoWayLink } from "../helpers/two_way_link.ts";

/** Ports as Web Streams, with frames in shared memory: clients of one host, all in this process. */

const CAPACITY = 3;
const IN_ORDER = {
  read_behavior: "read_next_in_order",
  capacity: CAPACITY,
} as const;
const { inputs } = connectionSchema({
  inputs: {
    video: port(VideoFrame, IN_ORDER),
    latest: port(VideoFrame, { capacity: CAPACITY }),
    words: port(DataFrame, IN_ORDER),
  },
});
type Link = TwoWayLink<typeof inputs>;
type Video = ReceivedFrame<typeof VideoFrame>;

const SIZE = { width: 5, height: 3, pixel_format: "gray8" } as const;

/** Registers a test of some clients of one host. It fails if native objects are left. */
function streamsTest(
  name: string,
  clients: number,
  body: (...links: Link[]) => Promise<void>,
): void {
  Deno.test(`streams: ${name}`, () =>
    nativeLeavesNothing(async () => {
      using native = Native.open();
      using links = new DisposableStack();
      const made = Array.from({ length: clients }, () =>
        links.use(new TwoWayLink<typeof inputs>(native, inputs)));
      for (const link of made) {
        await soon(link.connect(), "the connection");
      }
      await soon(body(...made), name);
    }));
}

/** The numbers 0 to n - 1. */
function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, number) => number);
}

/** Writes pictures of one value each, as a user of Web Streams does. */
async function produce({ client }: Link, numbers: number[]): Promise<void> {
  const { video } = client.senders;
  const writer = video.writable.getWriter();
  for (const number of numbers) {
    await writer.ready;
    const frame = video.acquire({ ...SIZE, frame_number: BigInt(number) });
    frame.pixel_buffer.pixels.fill(number);
    writer.write(frame).catch(() => {}); // resolves when there is room for the next one
  }
  writer.releaseLock();
}

/** Reads pictures until the stream closes, and checks their content. */
async function consume(readable: ReadableStream<Video>): Promise<number[]> {
  const numbers: number[] = [];
  for await (using frame of readable) {
    const number = Number(frame.frame_number);
    assert(frame.pixel_buffer.pixels.every((byte) => byte === number));
    numbers.push(number);
  }
  return numbers;
}

streamsTest(
  "200 pictures from one client to the next, through a transform: each arrives once, in order, and nothing is copied",
  2,
  async (first, second) => {
    let passed = 0;
    const transform = new TransformStream<Video, Video>({
      transform(frame, controller) {
        passed++;
        controller.enqueue(frame);
      },
    });
    const piping = first.host.receivers.video.readable
      .pipeThrough(transform)
      .pipeTo(second.host.senders.video.writable);
    const consuming = consume(second.client.receivers.video.readable);
    await produce(first, upTo(200));
    await soon(first.client.senders.video.writable.close(), "the close");
    await soon(piping, "the end of the pipe");
    assertEquals(await soon(consuming, "the last picture"), upTo(200));
    assertEquals(passed, 200);
    for (const { host, client } of [first, second]) {
      for (const { stats } of [host, client]) {
        assertEquals([stats.copied_bytes, stats.dropped], [0, 0]);
      }
    }
  },
);

streamsTest(
  "without a reader a pipe takes as many frames as the next port, and no more",
  2,
  async (first, second) => {
    const source = first.host.receivers.video;
    const target = second.host.senders.video;
    const piping = source.readable.pipeTo(target.writable);
    await produce(first, upTo(CAPACITY));
    await until(
      "all frames in the next port",
      () => source.size === 0 && target.stats.sent === CAPACITY,
      () => JSON.stringify([source.size, target.stats]),
    );
    assertEquals(source.stats.received, CAPACITY);
    // The producer's memory is all in use: it has no room until the last client releases a frame.
    const { writable } = first.client.senders.video;
    const writer = writable.getWriter();
    assertEquals(writer.desiredSize, 0);
    const { video } = second.client.receivers;
    const one = await soon(video.next(), "the first picture"); // it may be under way
    one![Symbol.dispose]();
    await soon(writer.ready, "room");
    await writer.close();
    const left = await consume(second.client.receivers.video.readable);
    assertEquals(left, [1, 2]);
    await soon(piping, "the end of the pipe");
  },
);

streamsTest(
  "a full port takes no frame from the pipe: the next one stays where it is",
  2,
  async (first, second) => {
    const source = first.host.receivers.words;
    const target = second.host.senders.words;
    const piping = source.readable.pipeTo(target.writable);
    const send = first.client.senders.words;
    for (let n = 0; n < 2 * CAPACITY; n++) {
      await soon(send.ready, "room at the producer");
      using frame = send.acquire({
        ...{
          data: new Uint8Array(1),
          schema_name: "",
          timestamp_ns: BigInt(n),
        },
      });
      assert(send.send(frame));
      await first.settle();
      await second.settle();
    }
    await until(
      "a full port and a full source",
      () => target.stats.sent === CAPACITY && source.size === CAPACITY,
      () => JSON.stringify([target.stats, source.size]),
    );
    send.end();
    const seen: bigint[] = [];
    for await (using frame of second.client.receivers.words.readable) {
      seen.push(frame.timestamp_ns);
    }
    assertEquals(seen, upTo(2 * CAPACITY).map(BigInt));
    await soon(piping, "the end of the pipe");
  },
);

streamsTest(
  "frames that were acquired before they could be sent are sent, each in the place that it has",
  1,
  async (link) => {
    const { video } = link.client.senders;
    const writer = video.writable.getWriter();
    const frames = upTo(CAPACITY).map((n) =>
      video.acquire({ ...SIZE, frame_number: BigInt(n) })
    );
    const written = frames.map((frame) => writer.write(frame));
    const { readable } = link.host.receivers.video;
    const reader = readable.getReader();
    for (const n of upTo(CAPACITY)) {
      const { value } = await soon(reader.read(), "a picture");
      assertEquals(value!.frame_number, BigInt(n));
      value![Symbol.dispose]();
    }
    await soon(Promise.all(written), "what was written");
  },
);

for (const name of ["video", "latest"] as const) {
  streamsTest(
    `a frame that was acquired without room fails the stream of '${name}', and names the remedy`,
    1,
    async ({ client }) => {
      const sender = client.senders[name];
      // One that skips may have three more: the one that is read, waits and is filled.
      const room = CAPACITY + (name === "latest" ? 3 : 0);
      const frames = upTo(room + 1).map(() => sender.acquire(SIZE));
      const spare = frames.pop()!;
      for (const frame of frames) frame[Symbol.dispose]();
      const writer = sender.writable.getWriter();
      await soon(writer.ready, "room");
      const error = await assertRejects(
        () => soon(writer.write(spare), "the write"),
        BridgeError,
        "await `ready` before `acquire`",
      );
      assertEquals(error.code, "bad_argument");
      assertEquals(sender.stats.dropped, 0);
    },
  );
}

streamsTest(
  "on a port that skips to the latest, the newest picture arrives",
  2,
  async (first, second) => {
    const piping = first.host.receivers.latest.readable
      .pipeTo(second.host.senders.latest.writable);
    const { latest } = first.client.senders;
    for (const n of upTo(50)) {
      using frame = latest.acquire({ ...SIZE, frame_number: BigInt(n) });
      latest.send(frame);
      if (n % 7 === 0) await first.settle();
    }
    latest.end();
    const numbers: bigint[] = [];
    for await (using frame of second.client.receivers.latest.readable) {
      numbers.push(frame.frame_number);
    }
    assertEquals(numbers.at(-1), 49n);
    assertEquals(numbers, numbers.toSorted((a, b) => Number(a - b)));
    await soon(piping, "the end of the pipe");
  },
);

streamsTest(
  "a pipe goes on when the client behind it has died and another one is there",
  2,
  async (first, second) => {
    const target = second.host.senders.video;
    const piping = first.host.receivers.video.readable.pipeTo(target.writable);
    await produce(first, [1, 2]);
    await until("both at the client", () => target.stats.sent === 2);
    await second.settle();
    second.killClient();
    const producing = produce(first, [3, 4]);
    await soon(second.connect(), "the next client");
    const consuming = consume(second.client.receivers.video.readable);
    await producing;
    await soon(first.client.senders.video.writable.close(), "the close");
    assertEquals(await soon(consuming, "the pictures"), [3, 4]);
    await soon(piping, "the end of the pipe");
  },
);

streamsTest(
  "an error in a transform cancels the source and aborts the target: neither port is ended, and no lease is left",
  2,
  async (first, second) => {
    const source = first.host.receivers.video;
    const target = second.host.senders.video;
    const failure = new Error("no more");
    const piping = source.readable
      .pipeThrough(
        new TransformStream<Video, Video>({
          transform(frame, controller) {
            if (frame.frame_number < 1n) return controller.enqueue(frame);
            frame[Symbol.dispose]();
            throw failure;
          },
        }),
      )
      .pipeTo(target.writable);
    const rejecting = assertRejects(() => piping);
    await produce(first, upTo(CAPACITY));
    assertStrictEquals(await soon(rejecting, "the error"), failure);
    assertEquals(target.ended, false);
    const { video } = second.client.receivers;
    {
      using frame = await soon(video.next(), "the first picture");
      assertEquals(frame!.frame_number, 0n);
    }
    // Both ports can still be used without their streams.
    using left = await soon(source.next(), "what was not read");
    assert(left && left.frame_number > 1n);
    await soon(target.ready, "room");
    assert(target.send(left));
  },
);

streamsTest(
  "when the channel behind a transform fails, the pipe fails with its error, and the frames in the transform are released",
  2,
  async (first, second) => {
    const source = first.host.receivers.video;
    const target = second.host.senders.video;
    const held: Video[] = [];
    const kept: Video[] = [];
    const transform = new TransformStream<Video, Video>({
      transform(frame, controller) {
        if (kept.length === 0) kept.push(frame.clone());
        if (held.length === 0) held.push(frame);
        else controller.enqueue(frame);
      },
    });
    const piping = source.readable.pipeThrough(transform)
      .pipeTo(target.writable);
    const rejecting = assertRejects(() => piping, BridgeError);
    await produce(first, [7]);
    await until("a picture is held", () => held.length === 1);
    // All places of the target are taken: one picture waits at the target, one inside the transform.
    const frames = upTo(CAPACITY).map(() => target.acquire(SIZE));
    await produce(first, [8, 9]);
    await until("the others wait", () => source.stats.received === 3);
    await until("the others were read", () => source.size === 0);
    const failure = new BridgeError("channel_lost", "gone");
    second.host.end(failure);
    assertStrictEquals(await soon(rejecting, "the end of the pipe"), failure);
    for (const frame of [...held, ...frames]) {
      assertEquals(LeasedFrame.owes(frame), false);
    }
    using clone = kept[0]!;
    assertEquals(clone.pixel_buffer.pixels[0], 7);
    assertEquals(target.stats.sent, 0);
    clone[Symbol.dispose]();
    // All memory is back at the producer.
    const { video } = first.client.senders;
    for (const _ of upTo(CAPACITY)) {
      await soon(video.ready, "room at the producer");
      held.push(video.acquire(SIZE));
    }
    for (const frame of held) frame[Symbol.dispose]();
  },
);
