import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { BridgeError } from "../../proto/errors.ts";
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
  type View,
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

/** Fills a frame, and transfers its views: it cannot be sent any more. */
async function lose(pair: Pair, number: number, take: Use): Promise<void> {
  const { scenes } = pair.sender.senders;
  await soon(scenes.ready, "room");
  using frame = scenes.acquire({ ...FULL, number });
  paint(frame, number);
  await take(frame);
  const error = assertThrows(() => scenes.send(frame), BridgeError);
  assertEquals(error.code, "bad_argument");
  assertStringIncludes(
    error.message,
    "port 'scenes': the memory of its field '",
  );
  assertThrows(() => frame.clone(), BridgeError, "was transferred");
  assertThrows(() => frame.depth, BridgeError, "was transferred");
  assertThrows(
    () => frame.overlay?.image.pixels,
    BridgeError,
    "was transferred",
  );
}

for (const [name, transfer] of TRANSFERS) {
  givenAwayTest(
    `${name}, before a frame is sent: it is refused by name, and the next ones arrive`,
    async (pair) => {
      const moved: Moved[] = [];
      const take: Use = async (frame) =>
        void moved.push(...await giveAway(frame, transfer));
      for (let number = 1; number <= 4; number++) {
        if (number < 3) await lose(pair, number, take);
        await send(pair, number);
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
      await send(pair, 1);
      await receive(pair, 1, take);
      await lose(pair, 2, take);
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
  "once a frame was sent or disposed, there is nothing to transfer: its views have length 0",
  async (pair) => {
    const { scenes } = pair.sender.senders;
    const kept: View[] = [];
    const keep: Use = (frame) =>
      Promise.resolve(void kept.push(...viewsOf(frame)));
    {
      using discarded = scenes.acquire(FULL);
      await keep(discarded);
    }
    await send(pair, 1, keep);
    await receive(pair, 1, keep);
    assertEquals(kept.length, 3 * PIECES);
    for (const { buffer, byteLength } of kept) {
      assertEquals([byteLength, buffer.detached], [0, true]);
    }
    for (const number of [2, 3]) {
      await send(pair, number);
      await receive(pair, number);
    }
    assertEquals(pair.sender.stats.given_away, 0);
    assertEquals(pair.receiver.stats.given_away, 0);
  },
);

givenAwayTest(
  "whoever is warned may throw: the port has room again, and the frame is released",
  async (pair) => {
    pair.problems.push = () => {
      throw new Error("no warnings, please");
    };
    const { scenes } = pair.sender.senders;
    const warned = async (frame: Disposable): Promise<void> => {
      await giveAway(frame, CLONE);
      assertThrows(() => frame[Symbol.dispose](), Error, "no warnings");
    };
    await warned(scenes.acquire(FULL));
    for (const number of [1, 2]) await send(pair, number);
    await warned(pair.receiver.receivers.scenes.get()!);
    await pair.settle();
    await receive(pair, 2);
    for (const number of [3, 4]) await send(pair, number);
  },
);

for (const side of ["sender", "receiver"] as const) {
  givenAwayTest(
    `the ${side} dies, and the next one gets frames, whatever was transferred`,
    async (pair) => {
      const moved: Moved[] = [];
      const take: Use = async (frame) =>
        void moved.push(...await giveAway(frame, CLONE));
      await lose(pair, 1, take);
      await send(pair, 1);
      await receive(pair, 1, take);
      await send(pair, 2);
      pair.kill(side);
      await pair.connect();
      if (side === "sender") await receive(pair, 2);
      for (const number of [3, 4, 5]) {
        await send(pair, number);
        await receive(pair, number);
      }
      assertKept(moved, 2 * PIECES);
    },
  );
}

givenAwayTest(
  "memory that is transferred with every frame is bounded, and so is the pool",
  async (pair) => {
    for (let number = 1; number <= 100; number++) {
      const use: Use = async (frame) => void await giveAway(frame, CLONE);
      await lose(pair, number, use);
      await send(pair, number);
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
