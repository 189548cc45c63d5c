import { assertEquals, assertStringIncludes } from "@std/assert";
import { nextTurn } from "../../../../channel/activity.ts";
import { DictionaryTransport } from "../../../../channel/dictionary/dictionary_transport.ts";
import { MemoryTable } from "../../../../channel/memory/memory_table.ts";
import type { SentMemory } from "../../../../channel/transport.ts";
import { Message, type MessageQueue } from "../../../../ffi/message.ts";
import type { ReplyHandle } from "../../../../ffi/handle.ts";
import type { Native } from "../../../../ffi/native.ts";
import * as types from "../../../../proto/schema/field_type.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import {
  uint64,
  type XpcDictionary,
} from "../../../../proto/wire/xpc_value.ts";

/** Tests of the transport alone: the connection and the ports are simulated. */
const Tick = schema({
  name: "Tick",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { count: types.UInt32 },
});
const NO_MEMORY: SentMemory = {
  pieceOf: () => {
    throw new Error("a tick has no memory");
  },
  offerPieces: () => {},
};

/** What each message costs, in bytes. */
const COST = 100;
/** Two frames may be unconfirmed, so each is confirmed. */
const CAPACITY = 2;

class Stage {
  readonly sent: XpcDictionary[] = [];
  /** Messages that were packed. A simulated packed message is its index here, from 1. */
  readonly packed: XpcDictionary[] = [];
  readonly events: unknown[] = [];
  readonly frames: Disposable[] = [];
  readonly transport: DictionaryTransport;

  constructor(inOrder: boolean) {
    const table = new MemoryTable(
      {} as Native,
      (...use) => this.transport.releaseMemory(...use),
    );
    this.transport = new DictionaryTransport(
      {
        send: (message) => {
          this.sent.push(message);
          return COST;
        },
        pack: (message) => {
          this.packed.push(message);
          return { packed: Uint8Array.of(this.packed.length), cost: COST };
        },
        sendPacked: ([index]) => void this.sent.push(this.packed[index! - 1]!),
        memoryReleased: (...names) => void this.events.push(names),
        frameReleased: (id) => void this.events.push(id),
        givenAway: (port) => void this.events.push({ given_away: port }),
        peerDropped: (count) => void this.events.push({ count }),
        problem: (kind, text) => void this.events.push({ kind, text }),
      },
      table,
      new Map([["ticks", {
        schema: Tick,
        inOrder,
        dropped: 0,
        capacity: CAPACITY,
        put: (frame) => void this.frames.push(frame),
      }]]),
    );
  }

  receive(port_name: string, fields: XpcDictionary): void {
    const message = {
      msg_type: "frame",
      frame_id: uint64(7),
      port_name,
      fields,
    };
    this.transport.receiveFrame(
      new Message(
        {} as MessageQueue,
        { message, capabilities: [], cost: COST },
        0 as ReplyHandle,
      ),
    );
  }
}

const RELEASE = { msg_type: "control", ctrl_type: "release" };

Deno.test("dictionary: frames are numbered over all ports of a side", () => {
  const { transport, sent } = new Stage(true);
  const one = transport.writer("one", Tick);
  const two = transport.writer("two", Tick);
  assertEquals(one.send({ count: 1 }, NO_MEMORY), { id: 1n, cost: COST });
  assertEquals(two.send({ count: 2 }, NO_MEMORY), { id: 2n, cost: COST });
  assertEquals(
    sent.map(({ frame_id, port_name }) => [frame_id, port_name]),
    [[uint64(1), "one"], [uint64(2), "two"]],
  );
});

Deno.test("dictionary: a frame that is kept is sent as it was, when its time has come", () => {
  const { transport, sent } = new Stage(true);
  const writer = transport.writer("ticks", Tick);
  const frame = { count: 1 };
  const kept = writer.keep(frame, NO_MEMORY);
  frame.count = 2;
  assertEquals(sent, []);
  assertEquals(kept.send(), { id: 1n, cost: COST });
  assertEquals(sent.map(({ fields }) => fields), [{ count: uint64(1) }]);
});

Deno.test("dictionary: a frame without memory is confirmed once: in order when it is disposed, else when it comes", async () => {
  for (const inOrder of [true, false]) {
    const stage = new Stage(inOrder);
    stage.receive("ticks", { count: uint64(3) });
    await nextTurn();
    assertEquals(stage.sent.length, inOrder ? 0 : 1);
    const [frame] = stage.frames;
    assertEquals((frame as unknown as { count: number }).count, 3);
    frame![Symbol.dispose]();
    frame![Symbol.dispose]();
    await nextTurn();
    assertEquals(stage.sent, [{ ...RELEASE, frame_id: uint64(7) }]);
  }
});

Deno.test("dictionary: all frames that come in one drain are confirmed by one message", async () => {
  const stage = new Stage(false);
  for (let n = 0; n < 3; n++) stage.receive("ticks", { count: uint64(n) });
  await nextTurn();
  const ids = new BigUint64Array([7n, 7n, 7n]);
  assertEquals(stage.sent, [{
    ...RELEASE,
    frames: new Uint8Array(ids.buffer),
  }]);
});

Deno.test("dictionary: a frame of a peer that is gone is not released to the next one", async () => {
  const stage = new Stage(true);
  stage.receive("ticks", { count: uint64(3) });
  stage.transport.detach();
  stage.frames[0]![Symbol.dispose]();
  await nextTurn();
  assertEquals(stage.sent, []);
});

Deno.test("dictionary: a frame that cannot be read is confirmed by one message, whatever it names", async () => {
  const names = Array.from({ length: 15_000 }, (_, n) => ({
    surface_id: uint64(n),
    generation: uint64(2),
  }));
  for (
    const [port, words] of [["ticks", "Tick.count"], [
      "tocks",
      "'tocks'",
    ]] as const
  ) {
    const stage = new Stage(true);
    stage.receive(port, { image: [{ deep: names }] });
    await nextTurn();
    assertEquals(stage.frames, []);
    // No piece of these names was offered.
    assertEquals(stage.sent, [{ ...RELEASE, frame_id: uint64(7) }]);
    const [{ text }] = stage.events as [{ text: string }];
    assertStringIncludes(text, words);
  }
});

Deno.test("dictionary: a release names frames and uses of memory, or means nothing", () => {
  const { transport, events } = new Stage(true);
  transport.receiveRelease({ frame_id: uint64(5) });
  transport.receiveRelease({ surface_id: uint64(1), generation: uint64(2) });
  transport.receiveRelease({
    surface_id: uint64(1),
    generation: uint64(3),
    given_away: true,
  });
  transport.receiveRelease({ surface_id: uint64(1) });
  transport.receiveRelease({ dropped: uint64(9) });
  transport.receiveRelease({});
  assertEquals(events, [
    5n,
    [1n, 2n, false],
    [1n, 3n, true],
    { count: 9n },
  ]);
});
