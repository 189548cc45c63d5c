import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { BridgeError } from "../../proto/errors.ts";
import { port } from "../../proto/schema/port.ts";
import { uint64 } from "../../proto/wire/xpc_value.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";
import {
  assertPainted,
  FULL,
  paint,
  Scene,
  size,
  SMALL,
  type Template,
  tiles,
} from "../helpers/scenes.ts";
import { soon, until } from "../helpers/soon.ts";

const { inputs } = connectionSchema({
  inputs: {
    every: port(Scene, { read_behavior: "read_next_in_order", capacity: 2 }),
    latest: port(Scene, { capacity: 2 }),
  },
});
type Ports = typeof inputs;
type Pair = ChannelPair<Ports>;

function sceneTest(name: string, body: (pair: Pair) => Promise<void>): void {
  channelPairTest<Ports>(name, inputs, body);
}

function send(
  pair: Pair,
  name: keyof Ports,
  number: number,
  template: Template = FULL,
): boolean {
  const sender = pair.sender.senders[name];
  using frame = sender.acquire({ ...template, number });
  paint(frame, number);
  return sender.send(frame);
}

function pieces(pair: Pair): number {
  const { surface, shmem } = pair.native.stats().by_kind;
  return surface + shmem;
}

sceneTest("everything crosses, wherever it is in the frame", async (pair) => {
  using sent = pair.sender.senders.every.acquire({ ...FULL, number: 7 });
  assertEquals(paint(sent, 10), 10);
  assert(pair.sender.senders.every.send(sent));
  await pair.settle();
  using frame = pair.receiver.receivers.every.get()!;
  assertPainted(frame, 10, 10);
  assertEquals(frame.number, 7);
  assertEquals(frame.tiles.map(({ x }) => x), [0, 1, 2]);
  assertEquals(
    frame.cubes.map((row) =>
      row.map(({ width, pixel_format }) => [width, pixel_format])
    ),
    [[[2, "bgra8"], [5, "gray8"]], [], [[1, "rgba16f"]]],
  );
  assertEquals(frame.sound.rate, 48_000);
  assertEquals([frame.sound.left.length, frame.sound.right.length], [8, 4]);
  assertEquals(frame.overlay?.image.width, 9);
  assertEquals(frame.depth?.length, 6);
  assertEquals([...frame.plain], [{ name: "a" }, { name: "b" }]);
  assertEquals(pair.problems, []);
});

sceneTest("a frame that came is a template for the next", async (pair) => {
  assert(send(pair, "latest", 1));
  await pair.settle();
  using frame = pair.receiver.receivers.latest.get()!;
  using next = pair.sender.senders.every.acquire(frame);
  assertEquals(paint(next, 50), 10);
  assert(pair.sender.senders.every.send(next));
  assertPainted(frame, 1, 10); // other memory
  await pair.settle();
  using back = pair.receiver.receivers.every.get()!;
  assertPainted(back, 50, 10);
});

sceneTest("memory crosses once, however often it is used", async (pair) => {
  for (let number = 1; number <= 20; number++) {
    await soon(pair.sender.senders.every.ready, "room");
    assert(send(pair, "every", number));
    await pair.settle();
    using frame = pair.receiver.receivers.every.get()!;
    assertPainted(frame, number, 10);
    frame[Symbol.dispose]();
    await pair.settle();
  }
  assertEquals(pieces(pair), 2 * 10);
  assertEquals(pair.sender.stats.dropped, 0);
});

sceneTest(
  "arrays of any length, options there or not: in order, none is lost",
  async (pair) => {
    const { every } = pair.sender.senders;
    const shapes = [0, 5, 1, 12, 0, 12, 3].map((count): Template => ({
      ...(count % 2 ? FULL : SMALL),
      tiles: tiles(count),
    }));
    const sending = async (): Promise<void> => {
      for (let number = 0; number < 70; number++) {
        await soon(every.ready, "room");
        assert(send(pair, "every", number, shapes[number % shapes.length]));
      }
    };
    const receiving = async (): Promise<void> => {
      for (let number = 0; number < 70; number++) {
        await until("a frame", () => pair.receiver.unread > 0);
        using frame = pair.receiver.receivers.every.get()!;
        const shape = shapes[number % shapes.length]!;
        assertEquals(frame.number, number);
        assertEquals(frame.tiles.length, shape.tiles.length);
        assertPainted(
          frame,
          number,
          2 + shape.tiles.length + (shape.depth ? 5 : 0),
        );
      }
    };
    await Promise.all([sending(), receiving()]);
    assertEquals(pair.sender.stats.dropped, 0);
    assertEquals(pair.receiver.stats.dropped, 0);
  },
);

sceneTest(
  "what a frame does not name when it is sent is free again",
  async (pair) => {
    const { every } = pair.sender.senders;
    for (let number = 0; number < 20; number++) {
      await soon(every.ready, `ready for frame ${number}`);
      using frame = every.acquire(FULL);
      frame.overlay = null;
      frame.depth = null;
      frame.tiles = frame.tiles.slice(1);
      paint(frame, number);
      assert(every.send(frame));
      await pair.settle();
      using back = pair.receiver.receivers.every.get()!;
      assertPainted(back, number, 7);
      back[Symbol.dispose]();
      await pair.settle();
    }
    // The three pieces that no frame names were not offered.
    assertEquals(pieces(pair), 10 + 7);
  },
);

sceneTest(
  "one piece in two places of a frame comes back once",
  async (pair) => {
    const { every } = pair.sender.senders;
    for (let number = 0; number < 10; number++) {
      await soon(every.ready, `ready for frame ${number}`);
      using frame = every.acquire({ ...SMALL, tiles: tiles(2) });
      frame.tiles = [frame.tiles[0]!, frame.tiles[0]!];
      frame.tiles[0]!.image.pixels.fill(number);
      assert(every.send(frame));
      await pair.settle();
      using back = pair.receiver.receivers.every.get()!;
      assertEquals(back.tiles[1]!.image.pixels[0], number);
    }
  },
);

sceneTest(
  "frames that are being filled take room as well, with memory or without",
  (pair) => {
    const { every } = pair.sender.senders;
    const held = [every.acquire(SMALL), every.acquire(FULL)];
    const third = every.acquire(SMALL);
    assertEquals(
      [...held, third].map((frame) => every.send(frame)),
      [true, true, false],
    );
    return Promise.resolve();
  },
);

sceneTest(
  "with no room, a frame of any sizes can be filled all the same, and is dropped",
  async (pair) => {
    while (send(pair, "every", 1));
    const { every } = pair.sender.senders;
    using one = every.acquire({ ...FULL, tiles: tiles(20) });
    using two = every.acquire({
      ...FULL,
      overlay: { image: size(50, "rgba8") },
    });
    assertEquals([paint(one, 1), paint(two, 2)], [27, 10]);
    assertPainted(one, 1, 27);
    assertPainted(two, 2, 10);
    assertEquals([every.send(one), every.send(two)], [false, false]);
    assertEquals(every.stats, { sent: 2, dropped: 3, waiting: 0 });
    await pair.settle();
    assertEquals(pair.receiver.stats.received, 2);
  },
);

sceneTest(
  "a frame that could not be sent can be mended, and nothing is lost on the way",
  async (pair) => {
    const { every } = pair.sender.senders;
    for (let round = 0; round < 5; round++) {
      await soon(every.ready, "room");
      using frame = every.acquire(FULL);
      const { overlay } = frame;
      frame.overlay = { image: frame.tiles[0]!.image };
      assertThrows(() => every.send(frame), BridgeError, "Scene.overlay.image");
      frame.depth = new BigUint64Array(3);
      frame.overlay = overlay;
      const error = assertThrows(
        () => every.send(frame),
        BridgeError,
        "fill what acquire() returned",
      );
      assertEquals(error.code, "bad_argument");
      frame.depth = null;
      frame.overlay = null; // named by the attempt that failed
      paint(frame, round);
      assert(every.send(frame));
      await pair.settle();
      using back = pair.receiver.receivers.every.get()!;
      assertPainted(back, round, 8);
    }
  },
);

const MISFITS: [template: object, words: string][] = [
  [
    { ...SMALL, tiles: tiles(1).concat({ x: 0, image: null as never }) },
    "Scene.tiles[1].image: expected a texture's {width, height, pixel_format}",
  ],
  [
    { ...SMALL, tiles: [{ x: 0, image: size(1, "rgba8") }] },
    `the format "gray8", got {width: 1, height: 2, pixel_format: "rgba8"}`,
  ],
  [{ ...SMALL, tiles: null }, "Scene.tiles: expected an array, got null"],
  [{ ...SMALL, tiles: [7] }, "Scene.tiles[0]: expected an object, got 7"],
  [
    { ...FULL, cubes: [[size(1, "gray8")], size(1, "gray8")] },
    "Scene.cubes[1]: expected an array, got an object",
  ],
  [
    { ...FULL, cubes: [[size(0, "gray8")]] },
    "Scene.cubes[0][0]: expected a texture's",
  ],
  [
    { ...FULL, sound: { ...FULL.sound, right: undefined } },
    "Scene.sound.right: expected a buffer's {length}, an integer from 0 to 268435456, got nothing",
  ],
  [{ ...FULL, sound: "loud" }, `Scene.sound: expected an object, got "loud"`],
  [{ ...FULL, overlay: {} }, "Scene.overlay.image: expected a texture's"],
  [
    { ...FULL, depth: { length: -1 } },
    "Scene.depth: expected a buffer's {length}, an integer from 0 to 134217728, got {length: -1}",
  ],
];

for (const [index, [template, words]] of MISFITS.entries()) {
  sceneTest(
    `a template that does not fit is named, and takes nothing: ${index} ${words}`,
    async (pair) => {
      const { every } = pair.sender.senders;
      for (let n = 0; n < 5; n++) {
        const error = assertThrows(
          () => every.acquire(template as Template),
          BridgeError,
          words,
        );
        assertEquals(error.code, "schema_mismatch");
        assertStringIncludes(error.message, "Cannot acquire a frame like this");
      }
      for (const n of [1, 2]) assert(send(pair, "every", n), `frame ${n}`);
      await pair.settle();
      assertEquals(pair.receiver.stats.received, 2);
    },
  );
}

sceneTest(
  "a frame with more pieces than there can be is refused, and takes nothing",
  async (pair) => {
    const { every } = pair.sender.senders;
    const error = assertThrows(
      () => every.acquire({ ...SMALL, tiles: tiles(200) }),
      BridgeError,
    );
    assertEquals(error.code, "schema_mismatch");
    const [, most = ""] = error.message.match(
      /Scene\.tiles\[\d+\]\.image: expected at most (\d+) textures here in one frame, got one more/,
    ) ?? [];
    // The number in the error can be sent.
    const all = { ...SMALL, tiles: tiles(Number(most)) };
    for (const number of [1, 2]) {
      await soon(every.ready, "room for a small one");
      if (number === 2) await pair.settle();
      assert(send(pair, "every", number, all));
      await pair.settle();
      using frame = pair.receiver.receivers.every.get()!;
      assertPainted(frame, number, 2 + Number(most));
    }
  },
);

sceneTest(
  "a frame that does not fit gives back what it names, however deep",
  async (pair) => {
    for (const n of [1, 2]) assert(send(pair, "every", n));
    await pair.settle();
    // Frames of the peer that name all of the pieces, but lack the other fields. The pieces are out.
    const held = [1, 2].map(() => pair.receiver.receivers.every.get()!);
    const names = Array.from({ length: 20 }, (_, i) => ({
      surface_id: uint64(i + 1),
      generation: uint64(1),
    }));
    pair.raw.send({
      msg_type: "frame",
      frame_id: uint64(99),
      port_name: "every",
      fields: { tiles: [{ deep: names }] },
    });
    await pair.settle();
    assertEquals(pair.receiver.stats.misfits, 1);
    for (const n of [3, 4]) assert(send(pair, "every", n), `frame ${n}`);
    await pair.settle();
    for (const frame of held) frame[Symbol.dispose]();
  },
);

sceneTest("it all goes on after a restart", async (pair) => {
  for (let life = 0; life < 4; life++) {
    while (send(pair, "every", life));
    await pair.settle();
    using frame = pair.receiver.receivers.every.get()!;
    assertPainted(frame, life, 10);
    using filled = pair.sender.senders.latest.acquire(FULL);
    paint(filled, 100);
    pair.kill("receiver");
    await pair.connect();
    assert(pair.sender.senders.latest.send(filled));
    await pair.settle();
    using late = pair.receiver.receivers.latest.get()!;
    assertPainted(late, 100, 10);
  }
  assertEquals(pair.problems, []);
});

Deno.test("the template's type asks for sizes where there is memory, and for values elsewhere", () => {
  const fits: Template = FULL;
  // @ts-expect-error: a texture's size has a width
  const noWidth: Template = { ...FULL, overlay: { image: { height: 1 } } };
  // @ts-expect-error: null is for what is optional
  const noSound: Template = { ...FULL, sound: null };
  const wrongTile: Template = {
    ...FULL,
    // @ts-expect-error: an array of sizes, not a size
    tiles: { x: 1, image: size(1, "gray8") },
  };
  assertEquals([fits, noWidth, noSound, wrongTile].length, 4);
});
