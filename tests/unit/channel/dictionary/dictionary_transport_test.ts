import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { nextTurn } from "../../../../channel/activity.ts";
import { DictionaryTransport } from "../../../../channel/dictionary/dictionary_transport.ts";
import type { Lease } from "../../../../channel/memory/lease.ts";
import {
  type FrameValues,
  LeasedFrame,
} from "../../../../channel/memory/leased_frame.ts";
import { OfferedMemory } from "../../../../channel/memory/offered_memory.ts";
import { MemoryTable } from "../../../../channel/memory/memory_table.ts";
import { IncomingPort } from "../../../../channel/ports/incoming_port.ts";
import { Releases } from "../../../../channel/releases.ts";
import type { FrameQueue, SentMemory } from "../../../../channel/transport.ts";
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

/** The frames of a port. */
interface Received {
  readonly values: FrameValues;
  readonly lease: Lease;
}

class Queue implements FrameQueue {
  readonly schema = Tick;
  capacity = CAPACITY;
  dropped = 0;
  hasEnd = false;
  readonly held = { count: 0 };
  readonly #make = LeasedFrame.maker(Tick);

  constructor(readonly inOrder: boolean, readonly frames: Received[]) {}

  frame(lease: Lease, values?: FrameValues): LeasedFrame {
    this.frames.push({ values: values!, lease });
    return this.#make(lease, values);
  }

  put(): void {}

  putEnd(): void {
    this.hasEnd = true;
  }
}

class Stage {
  readonly sent: XpcDictionary[] = [];
  /** Messages that were packed. A simulated packed message is its index here, from 1. */
  readonly packed: XpcDictionary[] = [];
  readonly events: unknown[] = [];
  readonly frames: Received[] = [];
  readonly transport: DictionaryTransport;
  readonly queue: Queue;
  lastFrame = 0;
  readonly port: IncomingPort;

  constructor(inOrder: boolean) {
    const table = new MemoryTable(
      {} as Native,
      (id, generation, givenAway) =>
        releases.piece({ id, generation }, givenAway),
    );
    const releases = new Releases({
      send: (batch) => this.transport.sendReleases(batch),
      dropped: () => this.queue.dropped,
      failed: (error) => this.events.push({ error }),
    });
    this.queue = new Queue(inOrder, this.frames);
    this.port = new IncomingPort("ticks", this.queue, {
      copies: { bytes: 0 },
      releases,
      givenAway: (port) => void this.events.push({ given_away: port }),
    });
    this.transport = new DictionaryTransport(
      {
        takeFrameId: () => ++this.lastFrame,
        releases,
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
        peerDropped: (count) => void this.events.push({ count }),
        problem: (kind, text) => void this.events.push({ kind, text }),
      },
      table,
      new OfferedMemory(() => {}, () => {}),
      new Map([["ticks", this.port]]),
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
  const one = transport.writer("one", Tick, undefined);
  const two = transport.writer("two", Tick, undefined);
  assertEquals(one.send({ count: 1 }, NO_MEMORY), { id: 1, cost: COST });
  assertEquals(two.send({ count: 2 }, NO_MEMORY), { id: 2, cost: COST });
  assertEquals(
    sent.map(({ frame_id, port_name }) => [frame_id, port_name]),
    [[uint64(1), "one"], [uint64(2), "two"]],
  );
});

Deno.test("dictionary: a frame that is kept is sent as it was, when its time has come", () => {
  const { transport, sent } = new Stage(true);
  const writer = transport.writer("ticks", Tick, undefined);
  const frame = { count: 1 };
  const kept = writer.keep(frame, NO_MEMORY);
  frame.count = 2;
  assertEquals(sent, []);
  assertEquals(kept.send(), { id: 1, cost: COST });
  assertEquals(sent.map(({ fields }) => fields), [{ count: uint64(1) }]);
});

Deno.test("dictionary: a frame without memory is confirmed once: in order when it is disposed, else when it comes", async () => {
  for (const inOrder of [true, false]) {
    const stage = new Stage(inOrder);
    stage.receive("ticks", { count: uint64(3) });
    await nextTurn();
    assertEquals(stage.sent.length, inOrder ? 0 : 1);
    const [{ values, lease }] = stage.frames as [Received];
    assertEquals(values, { count: 3 });
    lease.end("disposed");
    lease.end("disposed");
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
  stage.port.detach();
  stage.frames[0]!.lease.end("disposed");
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
    5,
    [1, 2, false],
    [1, 3, true],
    { count: 9 },
  ]);
});

Deno.test("dictionary: an end is sent behind the frames, with the number of dropped frames if it is news", () => {
  const { transport, sent, queue } = new Stage(true);
  const writer = transport.writer("tocks", Tick, undefined);
  writer.send({ count: 1 }, NO_MEMORY);
  queue.dropped = 3;
  writer.end();
  transport.writer("tacks", Tick, undefined).end();
  const end = { msg_type: "control", ctrl_type: "end" };
  assertEquals(sent.slice(1), [
    { ...end, port_name: "tocks", dropped: uint64(3) },
    { ...end, port_name: "tacks" },
  ]);
});

Deno.test("dictionary: the end of a port is put behind its frames, and confirms those that are not yet", async () => {
  const { transport, queue, events, frames, sent } = endStage();
  assertEquals(queue.hasEnd, false);
  transport.receiveEnd({ port_name: "ticks", dropped: uint64(4) });
  assert(queue.hasEnd);
  assertEquals(frames.length, 1);
  await nextTurn();
  assertEquals(sent, [{ ...RELEASE, frame_id: uint64(7) }]);
  assertEquals(events, [{ count: 4 }]);
});

Deno.test("dictionary: an end of another port, a second one and a frame after it are problems, and release the frame", async () => {
  const stage = endStage();
  const { transport, queue, events, frames, sent } = stage;
  const wrong: [body: XpcDictionary, words: string][] = [
    [{}, "without its port"],
    [{ port_name: uint64(1) }, "without its port"],
    [{ port_name: "tocks" }, "an end for port 'tocks'"],
  ];
  for (const [body, words] of wrong) {
    transport.receiveEnd(body);
    const { text } = events.pop() as { text: string };
    assertStringIncludes(text, words);
    assertEquals(queue.hasEnd, false);
  }
  transport.receiveEnd({ port_name: "ticks" });
  await nextTurn();
  assertEquals([events.length, sent.length], [0, 1]);
  transport.receiveEnd({ port_name: "ticks" });
  stage.receive("ticks", { count: uint64(4) });
  await nextTurn();
  const texts = (events as { text: string }[]).map(({ text }) => text);
  assertStringIncludes(texts[0]!, "a second end of port 'ticks'");
  assertStringIncludes(texts[1]!, "after the end of that port");
  assertEquals([frames.length, sent.length], [1, 2]);
});

/** A port that skips to the latest, with a frame that waits to be confirmed together with another one. */
function endStage(): Stage {
  const stage = new Stage(false);
  stage.queue.capacity = 4;
  stage.receive("ticks", { count: uint64(3) });
  assertEquals(stage.sent, []);
  return stage;
}
