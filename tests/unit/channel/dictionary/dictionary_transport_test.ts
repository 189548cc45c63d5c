import { assertEquals, assertStringIncludes } from "@std/assert";
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

class Stage {
  readonly sent: XpcDictionary[] = [];
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
        send: (message) => void this.sent.push(message),
        memoryReleased: (...names) => void this.events.push(names),
        frameReleased: (id) => void this.events.push(id),
        givenAway: (port) => void this.events.push({ given_away: port }),
        problem: (kind, text) => void this.events.push({ kind, text }),
      },
      table,
      new Map([["ticks", {
        schema: Tick,
        inOrder,
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
        { message, capabilities: [] },
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
  assertEquals(one.send({ count: 1 }, NO_MEMORY), 1n);
  assertEquals(two.send({ count: 2 }, NO_MEMORY), 2n);
  assertEquals(
    sent.map(({ frame_id, port_name }) => [frame_id, port_name]),
    [[uint64(1), "one"], [uint64(2), "two"]],
  );
});

Deno.test("dictionary: a frame in order is released once by its id, another one never", () => {
  for (const inOrder of [true, false]) {
    const stage = new Stage(inOrder);
    stage.receive("ticks", { count: uint64(3) });
    const [frame] = stage.frames;
    assertEquals((frame as unknown as { count: number }).count, 3);
    frame![Symbol.dispose]();
    frame![Symbol.dispose]();
    assertEquals(
      stage.sent,
      inOrder ? [{ ...RELEASE, frame_id: uint64(7) }] : [],
    );
  }
});

Deno.test("dictionary: a frame of a peer that is gone is not released to the next one", () => {
  const stage = new Stage(true);
  stage.receive("ticks", { count: uint64(3) });
  stage.transport.detach();
  stage.frames[0]![Symbol.dispose]();
  assertEquals(stage.sent, []);
});

Deno.test("dictionary: a frame that cannot be read is released with all memory that it names", () => {
  const name = { surface_id: uint64(1), generation: uint64(2) };
  for (
    const [port, words] of [["ticks", "Tick.count"], [
      "tocks",
      "'tocks'",
    ]] as const
  ) {
    const stage = new Stage(true);
    stage.receive(port, { image: [{ deep: name }] });
    assertEquals(stage.frames, []);
    assertEquals(stage.sent, [
      { ...RELEASE, frame_id: uint64(7) },
      { ...RELEASE, ...name },
    ]);
    const [{ text }] = stage.events as [{ text: string }];
    assertStringIncludes(text, words);
  }
});

Deno.test("dictionary: a release names a frame or a use of memory, or means nothing", () => {
  const { transport, events } = new Stage(true);
  transport.receiveRelease({ frame_id: uint64(5) });
  transport.receiveRelease({ surface_id: uint64(1), generation: uint64(2) });
  transport.receiveRelease({
    surface_id: uint64(1),
    generation: uint64(3),
    given_away: true,
  });
  transport.receiveRelease({ surface_id: uint64(1) });
  transport.receiveRelease({});
  assertEquals(events, [5n, [1n, 2n, false], [1n, 3n, true]]);
});
