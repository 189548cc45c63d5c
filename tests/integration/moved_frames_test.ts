import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { FrameReceiver, ReceivedFrame } from "../../channel/mod.ts";
import { MAX_OFFERED } from "../../proto/limits.ts";
import { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../proto/errors.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { AudioFrame } from "../../proto/schema/frames/audio_frame.ts";
import { VideoFrame } from "../../proto/schema/frames/video_frame.ts";
import { port } from "../../proto/schema/port.ts";
import { int64, uint64 } from "../../proto/wire/xpc_value.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { assertPainted, FULL, paint, Scene } from "../helpers/scenes.ts";
import { soon } from "../helpers/soon.ts";
import { TwoWayLink } from "../helpers/two_way_link.ts";

/** Frames that travel on: from one client over the host to others, and back. */
const CAPACITY = 3;
const IN_ORDER = {
  read_behavior: "read_next_in_order",
  capacity: CAPACITY,
} as const;
const { inputs } = connectionSchema({
  inputs: {
    video: port(VideoFrame, IN_ORDER),
    latest: port(VideoFrame, { capacity: CAPACITY }),
    audio: port(AudioFrame, IN_ORDER),
    scenes: port(Scene, IN_ORDER),
  },
});
type Ports = typeof inputs;
type Link = TwoWayLink<Ports>;
type Video = ReceivedFrame<typeof VideoFrame>;

const SIZE = { width: 5, height: 3, pixel_format: "rgba8" } as const;

/** Registers a test of some clients of one host. It fails if native objects are left. */
function movedTest(
  name: string,
  clients: number,
  body: (links: Link[], native: Native) => Promise<void>,
): void {
  Deno.test(name, () =>
    nativeLeavesNothing(async () => {
      using native = Native.open();
      using links = new DisposableStack();
      const made = Array.from({ length: clients }, () =>
        links.use(new TwoWayLink<Ports>(native, inputs)));
      for (const link of made) {
        await soon(link.connect(), "the connection");
      }
      await soon(body(made, native), name);
      for (const { problems } of made) {
        assertEquals(problems, []);
      }
    }));
}

/** The client makes a picture of one value; the host gets it. */
async function produce(
  { host, client, settle }: BoundLink,
  value: number,
): Promise<Video> {
  await soon(client.senders.video.ready, "room at the producer");
  using frame = client.senders.video.acquire({
    ...SIZE,
    frame_number: BigInt(value),
  });
  frame.pixel_buffer.pixels.fill(value);
  assert(client.senders.video.send(frame));
  await settle();
  return host.receivers.video.get()!;
}

interface BoundLink extends Pick<Link, "host" | "client"> {
  settle(): Promise<void>;
}

function bound(link: Link): BoundLink {
  return { host: link.host, client: link.client, settle: () => link.settle() };
}

function take(receiver: FrameReceiver<typeof VideoFrame>): Video {
  const frame = receiver.get();
  assert(frame, "a frame");
  return frame;
}

function memoryOf({ pixel_buffer }: Video): bigint {
  return (pixel_buffer as unknown as { memory_id: bigint }).memory_id;
}

function assertShows(frame: Video, value: number): void {
  assert(frame.pixel_buffer.pixels.every((byte) => byte === value));
  assertEquals(frame.frame_number, BigInt(value));
}

movedTest(
  "a frame of one client goes to the next: the same memory, offered once, and nothing is copied",
  2,
  async (links, native) => {
    const [first, second] = links.map(bound) as [BoundLink, BoundLink];
    const memories = new Set<bigint>();
    let objects: number | undefined;
    for (let value = 1; value <= 50; value++) {
      const frame = await produce(first, value);
      const memory = memoryOf(frame);
      assert(second.host.senders.video.send(frame));
      assertThrows(() => frame.pixel_buffer, BridgeError, "it was sent");
      await second.settle();
      using received = take(second.client.receivers.video);
      assertShows(received, value);
      assertEquals(memoryOf(received), memory);
      memories.add(memory);
      received[Symbol.dispose]();
      await second.settle();
      await first.settle();
      if (value === 10) objects = native.stats().by_kind.surface;
    }
    assertEquals(native.stats().by_kind.surface, objects);
    assert(memories.size <= CAPACITY);
    assertEquals(
      links.map((
        { host, client },
      ) => [host.stats.copied_bytes, client.stats.copied_bytes]),
      [[0, 0], [0, 0]],
    );
  },
);

movedTest(
  "the producer gets its memory back when the last one who reads it has released it",
  3,
  async (links) => {
    const [first, ...others] = links.map(bound) as [
      BoundLink,
      BoundLink,
      BoundLink,
    ];
    const kept: Video[] = [];
    for (let value = 1; value <= CAPACITY; value++) {
      using frame = await produce(first, value);
      for (const { host } of others) {
        using again = frame.clone();
        assert(host.senders.video.send(again));
      }
      for (const { settle, client } of others) {
        await settle();
        kept.push(take(client.receivers.video));
      }
    }
    await first.settle();
    using spare = first.client.senders.video.acquire(SIZE);
    assertEquals(first.client.senders.video.send(spare), false);
    assertThrows(
      () => spare.pixel_buffer,
      BridgeError,
      "it was dropped, because its port",
    );
    kept.forEach((frame, index) =>
      assertShows(frame, 1 + Math.floor(index / 2))
    );
    const ready = first.client.senders.video.ready;
    kept[0]![Symbol.dispose]();
    await others[0].settle();
    await first.settle();
    assert(
      !first.client.senders.video.send(
        first.client.senders.video.acquire(SIZE),
      ),
    );
    kept[1]![Symbol.dispose]();
    await others[1].settle();
    await soon(ready, "the memory that both have released");
    using last = await produce(first, 9);
    assertShows(last, 9);
    for (const frame of kept) frame[Symbol.dispose]();
  },
);

for (const features of [["moves"], []] as const) {
  movedTest(
    `a client gives its input back as its output, ${
      features.length
        ? "as the host's own memory"
        : "to a host of an earlier version as a new piece"
    }`,
    0,
    async (_, native) => {
      using link = new TwoWayLink<Ports>(native, inputs);
      await link.connect(features);
      const { host, client } = link;
      const mapped: number[] = [];
      for (let value = 1; value <= 20; value++) {
        await soon(host.senders.video.ready, "room");
        using frame = host.senders.video.acquire({
          ...SIZE,
          frame_number: BigInt(value),
        });
        frame.pixel_buffer.pixels.fill(value);
        const memory = memoryOf(frame as unknown as Video);
        assert(host.senders.video.send(frame));
        await link.settle();
        const input = take(client.receivers.video);
        assert(client.senders.video.send(input));
        await link.settle();
        using output = take(host.receivers.video);
        assertShows(output, value);
        assertEquals(memoryOf(output), memory);
        output[Symbol.dispose]();
        await link.settle();
        mapped.push(native.stats().by_kind.surface);
      }
      // Host and client have mapped each piece once; the old host a second time.
      assert(
        mapped.at(-1)! <= CAPACITY * (features.length ? 2 : 3),
        `${mapped}`,
      );
      assertEquals([host.stats.stray_releases, client.stats.stray_releases], [
        0,
        0,
      ]);
    },
  );
}

movedTest(
  "a frame that its client has given back goes on to another client, and to its producer",
  2,
  async (links) => {
    const [first, second] = links.map(bound) as [BoundLink, BoundLink];
    for (let value = 1; value <= 3 * CAPACITY; value++) {
      const memory = await (async () => {
        const frame = await produce(first, value);
        const memory = memoryOf(frame);
        assert(second.host.senders.video.send(frame));
        await second.settle();
        assert(
          second.client.senders.video.send(take(second.client.receivers.video)),
        );
        await second.settle();
        const back = take(second.host.receivers.video);
        assertShows(back, value);
        assert(first.host.senders.video.send(back));
        await first.settle();
        return memory;
      })();
      using home = take(first.client.receivers.video);
      assertShows(home, value);
      assertEquals(memoryOf(home), memory);
      home[Symbol.dispose]();
      await first.settle();
      await second.settle();
    }
  },
);

movedTest(
  "clones on one port are frames of their own, and the memory returns after the last",
  1,
  async ([link]) => {
    const { host, client } = link!;
    using frame = host.senders.video.acquire({ ...SIZE, frame_number: 4n });
    frame.pixel_buffer.pixels.fill(4);
    using other = frame.clone();
    other.pixel_buffer.pixels[0] = 5;
    assertEquals(frame.pixel_buffer.pixels[0], 5); // the same memory
    other.pixel_buffer.pixels[0] = 4;
    assert(host.senders.video.send(frame));
    assert(host.senders.video.send(other));
    await link!.settle();
    using one = take(client.receivers.video);
    using two = take(client.receivers.video);
    assertEquals(memoryOf(one), memoryOf(two));
    one[Symbol.dispose]();
    await link!.settle();
    assertShows(two, 4);
    two[Symbol.dispose]();
    await link!.settle();
    assertEquals(host.stats.stray_releases, 0);
  },
);

movedTest(
  "a clone that is sent on the port of its frame has the frame's place, once",
  1,
  async ([link]) => {
    const { host, client } = link!;
    const { video } = host.senders;
    for (let round = 0; round < 3; round++) {
      for (let value = 1; value <= CAPACITY; value++) {
        await soon(video.ready, "room");
        using frame = video.acquire({ ...SIZE, frame_number: BigInt(value) });
        frame.pixel_buffer.pixels.fill(value);
        using first = frame.clone();
        using again = first.clone();
        assert(video.send(again), `round ${round}, frame ${value}`);
        // Another one needs room of its own, the frame itself too.
        if (value === CAPACITY) {
          assert(!video.send(first));
          assert(!video.send(frame));
        }
      }
      await link!.settle();
      for (let value = 1; value <= CAPACITY; value++) {
        using received = take(client.receivers.video);
        assertShows(received, value);
      }
      await link!.settle();
    }
    assertEquals(video.stats.dropped, 2 * 3);
  },
);

movedTest(
  "a copy is private, and stays when the lease has ended",
  1,
  async ([link]) => {
    using frame = await produce(bound(link!), 7);
    const copy = frame.copy();
    frame[Symbol.dispose]();
    assert(copy.pixel_buffer.copyTo().every((byte) => byte === 7));
    assertEquals(copy.frame_number, 7n);
    assertEquals(copy.pixel_buffer.handle, undefined);
    assert(link!.host.stats.copied_bytes > 0);
    const { video } = link!.host.senders;
    for (const own of [copy, { ...copy }, {}, undefined]) {
      const error = assertThrows(() => video.send(own as never), BridgeError);
      assertEquals(error.code, "bad_argument");
      assertStringIncludes(error.message, "no frame that acquire() has");
    }
    using again = video.acquire(copy); // its content is not copied
    assertEquals(again.frame_number, 7n);
    assertThrows(
      () => frame.copy(),
      BridgeError,
      "Cannot use this frame of port 'video': it was disposed",
    );
    assertThrows(() => frame.clone(), BridgeError, "copyTo()");
  },
);

movedTest(
  "on a port that skips, the newest moved frame waits, and those that it replaces go back",
  2,
  async (links) => {
    const [first, second] = links.map(bound) as [BoundLink, BoundLink];
    const sender = second.host.senders.latest;
    const frames = 6 * CAPACITY;
    {
      using frame = await produce(first, 8);
      for (let n = 0; n < frames; n++) assert(sender.send(frame.clone()));
    }
    const { sent, dropped, waiting } = sender.stats;
    assertEquals([waiting, sent + dropped + waiting], [1, frames]);
    assert(dropped > 0);
    await second.settle();
    while (
      sender.stats.sent > second.client.stats.received ||
      sender.stats.waiting > 0
    ) {
      using frame = take(second.client.receivers.latest);
      assertShows(frame, 8);
      frame[Symbol.dispose]();
      await second.settle();
    }
    using last = take(second.client.receivers.latest);
    last[Symbol.dispose]();
    await second.settle();
    await first.settle();
    const kept: Video[] = [];
    for (let n = 0; n < CAPACITY; n++) kept.push(await produce(first, n)); // all memory is there again
    for (const frame of kept) frame[Symbol.dispose]();
  },
);

movedTest(
  "buffers and nested memory are moved as textures are",
  2,
  async (links) => {
    const [first, second] = links as [Link, Link];
    for (let number = 1; number <= 5; number++) {
      await soon(first.client.senders.scenes.ready, "room");
      using scene = first.client.senders.scenes.acquire({ ...FULL, number });
      assertEquals(paint(scene, number), 10);
      assert(first.client.senders.scenes.send(scene));
      await first.settle();
      using received = first.host.receivers.scenes.get()!;
      using again = received.clone();
      assertPainted(again, number, 10);
      assert(second.host.senders.scenes.send(received));
      await second.settle();
      using there = second.client.receivers.scenes.get()!;
      assertPainted(there, number, 10);
      assertPainted(again, number, 10);
    }
  },
);

movedTest(
  "a buffer can be sent with fewer elements than its memory has, from its beginning",
  1,
  async ([link]) => {
    const { host, client } = link!;
    const template = {
      samples: { length: 100 },
      channels: 1,
      sample_rate: 8000,
    };
    using frame = host.senders.audio.acquire(template);
    frame.samples.fill(0.5);
    frame.samples = frame.samples.subarray(0, 12);
    assert(host.senders.audio.send(frame));
    await link!.settle();
    using received = client.receivers.audio.get()!;
    assertEquals([received.samples.length, received.samples[11]], [12, 0.5]);
    using late = host.senders.audio.acquire(template);
    late.samples = late.samples.subarray(1);
    const error = assertThrows(
      () => host.senders.audio.send(late),
      BridgeError,
    );
    assertStringIncludes(
      error.message,
      "it begins 4 bytes into the frame's memory",
    );
    late.samples = new Float32Array(3);
    assertThrows(
      () => host.senders.audio.send(late),
      BridgeError,
      "a frame can be sent only with its own",
    );
  },
);

movedTest(
  "a client that dies gives back what it was sent, and another one gets it",
  2,
  async (links) => {
    const [first, second] = links as [Link, Link];
    for (let life = 0; life < 3; life++) {
      for (let value = 1; value <= CAPACITY; value++) {
        assert(
          second.host.senders.video.send(await produce(bound(first), value)),
        );
      }
      await second.settle();
      second.killClient();
      await second.connect();
      await first.settle();
    }
    assertEquals(second.host.stats.lost, 3 * CAPACITY);
  },
);

movedTest(
  "when a producer dies, what others hold stays readable, and its memory is released with the last",
  2,
  async (links, native) => {
    const [first, second] = links as [Link, Link];
    using held = await produce(bound(first), 1);
    assert(second.host.senders.video.send(await produce(bound(first), 2)));
    await second.settle();
    using there = take(second.client.receivers.video);
    first.killClient();
    assertShows(held, 1);
    assertShows(there, 2);
    using again = held.clone();
    assert(second.host.senders.video.send(again));
    await second.settle();
    using late = take(second.client.receivers.video);
    assertShows(late, 1);
    for (const frame of [held, there, late]) frame[Symbol.dispose]();
    await second.settle();
    assertEquals(native.stats().by_kind.surface, 0);
  },
);

Deno.test("a peer that has as many pieces as it may have makes a lossless port wait, and is sent none in vain", () =>
  nativeLeavesNothing(async () => {
    using native = Native.open();
    const ports = connectionSchema({
      inputs: { video: port(VideoFrame, { ...IN_ORDER, capacity: 300 }) },
    }).inputs;
    using link = new TwoWayLink(native, ports);
    await soon(link.connect(), "the connection");
    const sender = link.host.senders.video;
    using frame = sender.acquire(SIZE);
    let sent = 0;
    while (sent < MAX_OFFERED) {
      await soon(sender.ready, "room");
      assert(sender.send(frame.clone()), `frame ${sent}`);
      sent++;
    }
    let isReady = false;
    const ready = sender.ready.then(() => isReady = true);
    await link.settle();
    assertEquals(isReady, false);
    link.client.receivers.video.get()![Symbol.dispose]();
    await link.settle();
    await soon(ready, "room again");
    assert(sender.send(frame.clone()));
    await link.settle();
    assertEquals(link.client.receivers.video.size, MAX_OFFERED);
  }));

movedTest(
  "a frame of another schema is not sent, and is kept by its owner",
  1,
  async ([link]) => {
    using frame = await produce(bound(link!), 3);
    const { scenes } = link!.host.senders;
    const error = assertThrows(() => scenes.send(frame as never), BridgeError);
    assertEquals(error.code, "schema_mismatch");
    assertShows(frame, 3);
  },
);

Deno.test("a peer that names memory of this side which it does not hold gets nothing, and the channel goes on", () =>
  nativeLeavesNothing(async () => {
    using native = Native.open();
    using link = new TwoWayLink<Ports>(native, inputs);
    await soon(link.connect(), "the connection");
    const { host, client } = link;
    using sent = host.senders.video.acquire(SIZE);
    host.senders.video.send(sent);
    await link.settle();
    const held = take(client.receivers.video);
    const name = (surface_id: bigint, generation: bigint): void =>
      link.ends.client.send({
        msg_type: "frame",
        frame_id: uint64(1000),
        port_name: "video",
        fields: {
          pixel_buffer: {
            surface_id: uint64(surface_id),
            generation: uint64(generation),
            moved: true,
          },
          width: uint64(SIZE.width),
          height: uint64(SIZE.height),
          pixel_format: SIZE.pixel_format,
          timestamp_ns: int64(0),
          frame_number: uint64(0),
        },
      });
    const misfits = (): number => host.stats.misfits;
    for (
      const [id, generation] of [[2n, 1n], [1n, 0n], [1n, 2n], [
        9n,
        1n,
      ]] as const
    ) name(id, generation);
    await link.settle();
    assertEquals(misfits(), 4);
    assertStringIncludes(
      link.problems[0]!,
      "surface 2 of this side, which the sender does not hold",
    );
    held[Symbol.dispose]();
    await link.settle();
    name(1n, 1n); // it has released it
    await link.settle();
    assertEquals([misfits(), host.receivers.video.size], [5, 0]);
    using next = host.senders.video.acquire(SIZE);
    assert(host.senders.video.send(next));
    await link.settle();
    using read = take(client.receivers.video);
    assertEquals(read.width, SIZE.width);
  }));

movedTest(
  "with copies, a frame of one client that another had outlives it, and goes to a third; then its producer gets it back",
  3,
  async (links) => {
    const [first, second, third] = links.map(bound) as [
      BoundLink,
      BoundLink,
      BoundLink,
    ];
    second.host.keepCopies();
    const frame = await produce(first, 7);
    const memory = memoryOf(frame);
    assert(second.host.senders.video.send(frame));
    await second.settle();
    const held = take(second.client.receivers.video);
    second.host.detach("died");
    const [told] = second.host.unreleased({ port: "video", number: 1 });
    assert(told?.isLastRead);
    const kept = told.frame as unknown as Video;
    assertShows(kept, 7);
    assertEquals(memoryOf(kept), memory);
    second.host.settleUnreleased(false, undefined);
    assert(third.host.senders.video.send(kept));
    await third.settle();
    {
      using passed = take(third.client.receivers.video);
      assertShows(passed, 7);
    }
    await third.settle();
    await first.settle();
    // All places of the producer are free again.
    for (let value = 1; value <= CAPACITY; value++) {
      using _ = await produce(first, value);
    }
    held[Symbol.dispose]();
  },
);
