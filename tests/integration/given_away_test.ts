import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { port } from "../../proto/schema/port.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";
import { assertPainted, FULL, paint, Scene } from "../helpers/scenes.ts";
import { soon } from "../helpers/soon.ts";
import {
  giveAway,
  type Moved,
  type Transfer,
  TRANSFERS,
  viewsOf,
} from "../helpers/transfers.ts";

/**
 * Memory whose view user code has transferred, in both roles. A scene has
 * textures and buffers at every depth; each transfer takes all of them.
 */
const { inputs } = connectionSchema({
  inputs: {
    scenes: port(Scene, { read_behavior: "read_next_in_order", capacity: 2 }),
  },
});
type Ports = typeof inputs;
type Pair = ChannelPair<Ports>;
type Use = (frame: object) => Promise<void>;

const PIECES = 10;
const NOTHING: Use = () => Promise.resolve();
const [[, CLONE]] = TRANSFERS as [readonly [string, Transfer]];

function givenAwayTest(name: string, body: (pair: Pair) => Promise<void>) {
  channelPairTest<Ports>(name, inputs, body);
}

/** Sends one frame; `use` is called when it is painted. */
async function send(pair: Pair, number: number, use = NOTHING): Promise<void> {
  const { scenes } = pair.sender.senders;
  await soon(scenes.ready, "room");
  using frame = scenes.acquire({ ...FULL, number });
  assertEquals(paint(frame, number), PIECES);
  await use(frame);
  assert(scenes.send(frame));
  await pair.settle();
}

/** Reads one frame, and checks its content; then `use` is called. */
async function receive(
  pair: Pair,
  number: number,
  use = NOTHING,
): Promise<void> {
  {
    using frame = pair.receiver.receivers.scenes.get()!;
    assertPainted(frame, number, PIECES);
    await use(frame);
  }
  await pair.settle();
}

/** The new owner sees what was transferred, nothing later, and may write there. */
function assertKept(moved: readonly Moved[], pieces: number): void {
  assertEquals(moved.length, pieces);
  for (const { bytes, was } of moved) assertEquals(bytes, was);
  for (const { bytes } of moved) bytes.fill(0);
}

function assertWarnedOnce({ problems, receiver }: Pair): void {
  assertEquals(problems.length, 1, problems.join("\n"));
  assertStringIncludes(problems[0]!, "on port 'scenes' was transferred");
  assertStringIncludes(problems[0]!, "transfer a copy");
  assertEquals(receiver.stats.misfits, 0);
}

for (const [name, transfer] of TRANSFERS) {
  givenAwayTest(
    `${name}, before a frame is sent: it arrives whole, and so do the next`,
    async (pair) => {
      const moved: Moved[] = [];
      for (let number = 1; number <= 4; number++) {
        await send(pair, number, async (frame) => {
          if (number < 3) moved.push(...await giveAway(frame, transfer));
        });
        await receive(pair, number);
      }
      assertKept(moved, 2 * PIECES);
      assertEquals(pair.sender.stats.given_away, 2 * PIECES);
      assertEquals(pair.receiver.stats.given_away, 0);
      assertWarnedOnce(pair);
    },
  );

  givenAwayTest(
    `${name}, of a received frame: its memory is not written to again`,
    async (pair) => {
      const moved: Moved[] = [];
      for (let number = 1; number <= 4; number++) {
        await send(pair, number);
        await receive(pair, number, async (frame) => {
          if (number < 3) moved.push(...await giveAway(frame, transfer));
        });
      }
      assertKept(moved, 2 * PIECES);
      assertEquals(pair.receiver.stats.given_away, 2 * PIECES);
      assertEquals(pair.sender.stats.given_away, 0);
      assertWarnedOnce(pair);
    },
  );

  givenAwayTest(
    `${name}, at the end: both sides close, and the memory stays`,
    async (pair) => {
      const moved: Moved[] = [];
      const take: Use = async (frame) =>
        void moved.push(...await giveAway(frame, transfer));
      await send(pair, 1, take);
      await receive(pair, 1, take);
      using unsent = pair.sender.senders.scenes.acquire(FULL);
      await take(unsent);
      await send(pair, 2);
      using unread = pair.receiver.receivers.scenes.get()!;
      await take(unread);
      pair.sender[Symbol.dispose]();
      pair.sender[Symbol.dispose]();
      pair.receiver[Symbol.dispose]();
      unread[Symbol.dispose]();
      assertKept(moved, 4 * PIECES);
    },
  );
}

givenAwayTest(
  "transferred after it was sent, or disposed, memory is not used again",
  async (pair) => {
    const { scenes } = pair.sender.senders;
    const moved: Moved[] = [];
    const take = async (views: object): Promise<void> =>
      void moved.push(...await giveAway(views, CLONE));
    let views: object;
    {
      using discarded = scenes.acquire(FULL);
      paint(discarded, 7);
      views = viewsOf(discarded);
    }
    await take(views);
    await send(pair, 1, (frame) => {
      views = viewsOf(frame);
      return Promise.resolve();
    });
    await take(views); // it is out with the receiver
    await receive(pair, 1);
    await send(pair, 2);
    await receive(pair, 2, (frame) => {
      views = viewsOf(frame);
      return Promise.resolve();
    });
    await take(views); // the receiver has released it
    for (const number of [3, 4, 5]) {
      await send(pair, number);
      await receive(pair, number);
    }
    assertEquals(pair.sender.stats.given_away, 2 * PIECES);
    assertEquals(pair.receiver.stats.given_away, PIECES);
    assertKept(moved.slice(0, 2 * PIECES), 2 * PIECES);
  },
);

for (const side of ["sender", "receiver"] as const) {
  givenAwayTest(
    `the ${side} dies, and the next one gets frames, whatever was transferred`,
    async (pair) => {
      const moved: Moved[] = [];
      const take: Use = async (frame) =>
        void moved.push(...await giveAway(frame, CLONE));
      await send(pair, 1, take);
      await receive(pair, 1, take);
      await send(pair, 2, take);
      pair.kill(side);
      await pair.connect();
      if (side === "sender") await receive(pair, 2);
      for (const number of [3, 4, 5]) {
        await send(pair, number);
        await receive(pair, number);
      }
      assertKept(moved, 3 * PIECES);
    },
  );
}

givenAwayTest(
  "a pixel view is renewed as often as it is transferred, with what the memory holds",
  async (pair) => {
    await send(pair, 1, (frame) => {
      const { image } = (frame as typeof FULL & {
        overlay: { image: { pixels: Uint8Array<ArrayBuffer> } };
      }).overlay;
      image.pixels.fill(0);
      const before = image.pixels;
      const part = before.subarray(1, 3), view = new DataView(before.buffer);
      const moved = structuredClone(before, { transfer: [before.buffer] });
      assertEquals([before.length, part.length, before.buffer.byteLength], [
        0,
        0,
        0,
      ]);
      assert(view.buffer.detached);
      assertEquals(image.pixels.length, moved.length);
      moved.fill(9);
      assertEquals(image.pixels[5], 9); // the same memory
      image.pixels.buffer.transfer();
      assertEquals(image.pixels[5], 9);
      paint(frame, 1);
      return Promise.resolve();
    });
    await receive(pair, 1);
  },
);

givenAwayTest(
  "memory that is transferred with every frame is bounded, and so is the pool",
  async (pair) => {
    for (let number = 1; number <= 100; number++) {
      const use: Use = async (frame) => void await giveAway(frame, CLONE);
      await send(pair, number, use);
      await receive(pair, number, use);
    }
    const { by_kind, mapping_bytes_kept } = pair.native.stats();
    assert(by_kind.surface + by_kind.shmem <= 2 * 3 * PIECES);
    assert(mapping_bytes_kept <= 256 * 1024 * 1024);
    assertEquals(pair.sender.stats.given_away, 100 * PIECES);
    assertEquals(pair.receiver.stats.given_away, 100 * PIECES);
    assertEquals(pair.problems.length, 2); // once for each side
  },
);

givenAwayTest(
  "2,000 ordinary frames map nothing more than the first ones, and keep nothing",
  async (pair) => {
    const mappings = (): number[] => {
      const { surfaces_mapped, by_kind, mappings_kept } = pair.native.stats();
      return [surfaces_mapped, by_kind.shmem, mappings_kept];
    };
    const exchange = async (count: number): Promise<void> => {
      const { scenes } = pair.sender.senders;
      for (let number = 1; number <= count; number++) {
        await soon(scenes.ready, "room");
        using frame = scenes.acquire({ ...FULL, number });
        assert(scenes.send(frame));
        using received = await soon(
          pair.receiver.receivers.scenes.next(),
          "a frame",
        );
        assertEquals(received?.number, number);
      }
    };
    await exchange(10);
    const before = mappings();
    await exchange(2_000);
    assertEquals(mappings(), before);
    assertEquals(pair.sender.stats.given_away, 0);
    assertEquals(pair.problems, []);
  },
);

channelPairTest<Ports>(
  "a view of a frame that is not disposed is valid after the channel and its queue",
  inputs,
  async (pair) => {
    await send(pair, 1);
    using frame = pair.receiver.receivers.scenes.get()!;
    pair[Symbol.dispose]();
    assertPainted(frame, 1, PIECES);
    const [first] = viewsOf(frame);
    frame[Symbol.dispose]();
    assertEquals(first?.byteLength, 0); // unmapped, so detached
  },
);
