import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { counterAt } from "../../../../channel/lane/rings.ts";
import { LaneTransport } from "../../../../channel/lane/lane_transport.ts";
import type { Lease } from "../../../../channel/memory/lease.ts";
import {
  type FrameValues,
  LeasedFrame,
} from "../../../../channel/memory/leased_frame.ts";
import { MemoryTable } from "../../../../channel/memory/memory_table.ts";
import { OfferedMemory } from "../../../../channel/memory/offered_memory.ts";
import { IncomingPort } from "../../../../channel/ports/incoming_port.ts";
import { Releases } from "../../../../channel/releases.ts";
import type {
  FrameQueue,
  PortWriter,
  SentMemory,
} from "../../../../channel/transport.ts";
import type { Native } from "../../../../ffi/native.ts";
import type { BridgeError } from "../../../../proto/errors.ts";
import {
  LANE_MAX_RINGS,
  LANE_SLOTS,
  LANE_TAIL,
} from "../../../../proto/lane/layout.ts";
import { laneBytes } from "../../../../proto/lane/lane_memory.ts";
import {
  RECORD_HEADER_BYTES,
  writeSkip,
} from "../../../../proto/lane/record.ts";
import { NUMBERED_TIMEOUT_MS } from "../../../../proto/limits.ts";
import * as types from "../../../../proto/schema/field_type.ts";
import { port } from "../../../../proto/schema/port.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import {
  uint64,
  type XpcDictionary,
} from "../../../../proto/wire/xpc_value.ts";
import { LimitClock } from "../../../faults/limit_clock.ts";
import { FakeLane } from "./fake_lane.ts";

/** Tests of two transports on one lane: the connection, the ports and the clock are simulated. */
const Tick = schema({
  name: "Tick",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { count: types.UInt32, text: types.String },
});
const TICKS = port(Tick);
const TERMS = new Map([["ticks", TICKS], ["tocks", TICKS]]);
const NO_MEMORY: SentMemory = {
  pieceOf: () => {
    throw new Error("a tick has no memory");
  },
  offerPieces: () => {},
};
const SLOTS = 16;

class Queue implements FrameQueue {
  readonly schema = Tick;
  readonly inOrder = true;
  readonly capacity = 100;
  dropped = 0;
  hasEnd = false;
  readonly came: FrameValues[] = [];
  readonly leases: Lease[] = [];
  readonly #make = LeasedFrame.maker(Tick);

  frame(lease: Lease): LeasedFrame {
    this.leases.push(lease);
    return this.#make(lease);
  }

  put(frame: LeasedFrame): void {
    this.came.push({ ...frame });
  }

  putEnd(): void {
    this.hasEnd = true;
  }
}

/** One side. What it sends as messages waits in `sent` until the test delivers it. */
class Side {
  readonly lane: FakeLane;
  readonly transport: LaneTransport;
  readonly clock = new LimitClock();
  readonly queues = { ticks: new Queue(), tocks: new Queue() };
  readonly sent: XpcDictionary[] = [];
  readonly handled: XpcDictionary[] = [];
  readonly released: number[] = [];
  readonly problems: string[] = [];
  readonly failures: BridgeError[] = [];
  peerDropped = 0;
  #lastFrame = 0;

  constructor(lane: FakeLane, isHost: boolean, sleeps = false) {
    this.lane = lane;
    const releases: Releases = new Releases({
      send: (batch) => this.transport.sendReleases(batch),
      dropped: () => this.queues.ticks.dropped,
      failed: (error) => {
        throw error;
      },
    });
    const events = { copies: { bytes: 0 }, releases, givenAway: () => {} };
    const ports = new Map(
      Object.entries(this.queues).map(([name, queue]) => [
        name,
        new IncomingPort(name, queue, events),
      ]),
    );
    this.transport = new LaneTransport(
      {
        clock: this.clock,
        takeFrameId: () => ++this.#lastFrame,
        releases,
        table: new MemoryTable({} as Native, () => {}),
        offered: new OfferedMemory(() => {}, () => {}),
        ports,
        drain: () => {},
        send: (message) =>
          void this.sent.push({ ...message, ...this.transport.numbered() }),
        failed: (error) => void this.failures.push(error),
        memoryReleased: () => {},
        frameReleased: (id) => void this.released.push(Number(id)),
        peerDropped: (count) => this.peerDropped = Number(count),
        problem: (_, text) => void this.problems.push(text),
      },
      lane.native,
      { isMaker: isHost, sleeps },
    );
    this.transport.agree(TERMS, TERMS);
    this.writer = this.transport.writer("ticks", Tick, TICKS);
  }

  readonly writer: PortWriter<typeof Tick>;

  /** Sends a frame. */
  tick(count: number, text = ""): void {
    this.writer.send({ count, text }, NO_MEMORY);
  }

  /** Sends a control message. */
  control(text: string): void {
    this.sent.push({ text, ...this.transport.numbered() });
  }

  /** The oldest message of `from` comes. */
  receive(from: Side): void {
    const message = from.sent.shift()!;
    if (!this.transport.arrived(message)) return;
    const record = message["record"];
    if (record instanceof Uint8Array) this.transport.receiveRecord(record);
    else this.handled.push(message);
    this.transport.poll();
  }

  get counts(): unknown[] {
    return this.queues.ticks.came.map((frame) => frame["count"]);
  }
}

function pair(): { host: Side; client: Side } {
  const [one, other] = FakeLane.pair(SLOTS);
  return { host: new Side(one, true), client: new Side(other, false) };
}

/** The reason for which a side has ended the connection. */
function reason({ failures }: Side, code = "malformed_message"): string {
  assertEquals(failures.map((error) => error.code), [code]);
  return failures[0]!.message;
}

Deno.test("lane: frames come as they were sent, on their ports, to a side that sleeps", () => {
  const { host, client } = pair();
  const tocks = host.transport.writer("tocks", Tick, TICKS);
  host.tick(1, "one");
  tocks.send({ count: 2, text: "two" }, NO_MEMORY);
  host.tick(3, "three");
  assertEquals(client.queues.ticks.came, [
    { count: 1, text: "one" },
    { count: 3, text: "three" },
  ]);
  assertEquals(client.queues.tocks.came, [{ count: 2, text: "two" }]);
  assertEquals(host.sent, []);
});

Deno.test("lane: a frame that is too long for the ring, or finds no room, is a message, and stays in its order", () => {
  const { host, client } = pair();
  client.lane.ring = undefined; // nobody reads until a message comes
  for (let n = 0; n < SLOTS + 3; n++) host.tick(n);
  host.tick(100, "x".repeat(10_000));
  assertEquals(host.sent.length, 4);
  while (host.sent.length > 0) client.receive(host);
  host.tick(101);
  client.transport.poll();
  assertEquals(
    client.counts,
    [...Array.from({ length: SLOTS + 3 }, (_, n) => n), 100, 101],
  );
  assertEquals(client.failures, []);
});

Deno.test("lane: a frame that is kept is sent as it was, through the ring or as a message", () => {
  const { host, client } = pair();
  const frame = { count: 1, text: "kept" };
  const kept = host.writer.keep(frame, NO_MEMORY);
  frame.count = 2;
  assertEquals(client.counts, []);
  kept.send();
  client.lane.ring = undefined;
  const other = host.writer.keep(frame, NO_MEMORY);
  for (let n = 0; n < SLOTS; n++) host.tick(n);
  other.send();
  client.receive(host);
  assertEquals(client.counts.at(0), 1);
  assertEquals(client.counts.at(-1), 2);
});

Deno.test("lane: a record waits for the message that was sent before it, and no longer than that", () => {
  const { host, client } = pair();
  host.tick(1);
  host.control("offer");
  host.tick(2);
  host.control("another");
  host.tick(3);
  assertEquals(client.counts, [1]);
  client.receive(host);
  assertEquals([client.handled.length, client.counts], [1, [1, 2]]);
  client.receive(host);
  assertEquals([client.handled.length, client.counts], [2, [1, 2, 3]]);
  client.clock.pass(2 * NUMBERED_TIMEOUT_MS);
  assertEquals(client.failures, []);
});

Deno.test("lane: what was written before a message is handled before it", () => {
  const { host, client } = pair();
  client.lane.ring = undefined; // the bell comes later than the message
  host.tick(1);
  host.control("stop");
  const before: unknown[] = [];
  const handled = client.handled.push.bind(client.handled);
  client.handled.push = (message) => {
    before.push(...client.counts);
    return handled(message);
  };
  client.receive(host);
  assertEquals(before, [1]);
});

Deno.test("lane: a message that does not come ends the connection, and so does one out of order", () => {
  const late = pair();
  late.host.control("lost");
  late.host.tick(1);
  late.client.clock.pass(NUMBERED_TIMEOUT_MS);
  assertStringIncludes(
    reason(late.client, "timed_out"),
    "message 1 did not come within 5000 ms",
  );

  const { host, client } = pair();
  assert(!client.transport.arrived({ number: uint64(2) }));
  assertStringIncludes(
    reason(client),
    "its message 2 has come after its message 0",
  );
  assert(host.transport.arrived({ text: "without a number" }));
});

Deno.test("lane: a record from before a message that has come is a lie", () => {
  const { host, client } = pair();
  client.receive({ sent: [{ number: uint64(1) }] } as unknown as Side);
  host.tick(1);
  assertStringIncludes(
    reason(client),
    "a record after message 0, when message 1 had come",
  );
});

Deno.test("lane: releases and ends are records, with the number of dropped frames; without room they are messages", async () => {
  const { host, client } = pair();
  host.tick(1);
  host.tick(2);
  client.queues.ticks.dropped = 7;
  for (const lease of client.queues.ticks.leases) lease.end("disposed");
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals([host.released, host.peerDropped], [[1, 2], 7]);
  host.writer.end();
  assert(client.queues.ticks.hasEnd);
  assert(!client.queues.tocks.hasEnd);

  host.lane.ring = undefined;
  for (let n = 0; n < SLOTS; n++) client.tick(n);
  host.tick(3);
  client.queues.ticks.leases.at(-1)!.end("disposed");
  client.writer.end();
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(client.sent.map((message) => message["ctrl_type"]), [
    "release",
    "end",
  ]);
});

Deno.test("lane: what cannot be in the memory ends the connection by name, and nothing more is read", () => {
  const cases: [attack: (host: Side) => void, words: string][] = [
    [({ lane }) => lane.publish(SLOTS + 1), "17 slots to be read"],
    [
      ({ lane }) => lane.publish(0xffff_ffff),
      "slots to be read in a ring of 16",
    ],
    [({ lane }) => {
      lane.views.bytes.fill(0, LANE_SLOTS, LANE_SLOTS + 64);
      lane.publish(1);
    }, "a record of kind 0"],
    [({ lane }) => {
      lane.views.bytes.fill(0xff, LANE_SLOTS, LANE_SLOTS + 64);
      lane.publish(1);
    }, "a record of kind 255"],
    [({ lane }) => {
      writeSkip(lane.views, LANE_SLOTS, 0, 2);
      lane.publish(1);
    }, "a record of 2 slots, of which 1 were published"],
    [({ lane }) => {
      writeSkip(lane.views, LANE_SLOTS, 0, 1);
      lane.views.view.setUint32(LANE_SLOTS + 12, 49, true);
      lane.publish(1);
    }, "1 slot with 49 bytes"],
  ];
  for (const [attack, words] of cases) {
    const { host, client } = pair();
    attack(host);
    assertStringIncludes(reason(client), words);
    host.lane.publish(4);
    client.transport.poll();
    assertEquals([client.failures.length, client.counts], [1, []]);
  }
});

Deno.test("lane: what is written while this side reads is read in another turn, so that a peer that never stops holds nobody up", async () => {
  const { host, client } = pair();
  const { ticks } = client.queues;
  let came = 0;
  ticks.put = () => {
    if (++came < 10_000) host.tick(came);
  };
  host.tick(0);
  assert(came <= 2, `${came} frames at once`);
  for (let turn = 1; turn <= 100; turn++) {
    const before = came;
    await new Promise((resolve) => setImmediate(resolve));
    assert(came > before && came <= before + 2, `${came - before} in a turn`);
  }
  assert(client.transport.spin());
  client.receive({ sent: [{ text: "a message" }] } as unknown as Side);
  assert(came < 300, `${came} frames`);
  assertEquals(client.failures, []);
});

Deno.test("lane: a side that always sleeps never waits awake, and reads what has come", () => {
  const [one, other] = FakeLane.pair(SLOTS);
  const host = new Side(one, true, true);
  const client = new Side(other, false, true);
  assert(!client.transport.spin());
  assertEquals(client.lane.spins, 0);
  host.lane.peer = undefined; // its bell is not heard
  host.tick(1);
  assert(client.transport.spin());
  assertEquals(client.queues.ticks.came.map(({ count }) => count), [1]);
  assertEquals([host.lane.spins, client.lane.spins], [0, 0]);
});

Deno.test("lane: a tail that cannot be ends the connection when the ring seems to be full", () => {
  const { host } = pair();
  for (let n = 0; n < SLOTS; n++) host.tick(n);
  host.lane.views.counters[counterAt(0, LANE_TAIL)] = 2 * SLOTS;
  host.tick(SLOTS);
  assertStringIncludes(reason(host), "read more than was written");
  host.tick(SLOTS + 1); // goes as a message, to a connection that ends
});

Deno.test("lane: a bell that is shut, or rings without end, ends the connection", () => {
  const shut = pair();
  shut.client.lane.shut!();
  assertStringIncludes(reason(shut.client), "shut the bell");
  const { client } = pair();
  for (let n = 0; n < 100; n++) client.lane.ring!(1); // each was answered by a new announcement
  assertEquals(client.failures, []);
  client.lane.ring!(LANE_MAX_RINGS + 2);
  assertStringIncludes(reason(client), "rung the bell");
});

Deno.test("lane: a frame that does not fit is counted and released, one of an unknown port too", async () => {
  const { host, client } = pair();
  host.tick(1, "text");
  const from = laneBytes(
    host.lane.views.bytes.slice(LANE_SLOTS, LANE_SLOTS + 64),
  );
  // The same record again, with a size of the text beyond its end.
  from.view.setUint32(RECORD_HEADER_BYTES + 4, 1_000, true);
  host.lane.views.bytes.set(from.bytes, LANE_SLOTS + 64);
  host.lane.publish(2);
  from.view.setUint16(4, 9, true); // the index of a port
  host.lane.views.bytes.set(from.bytes, LANE_SLOTS + 128);
  host.lane.publish(3);
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(client.counts, [1]);
  assertStringIncludes(
    client.problems[0]!,
    "a frame on port 'ticks' does not fit: Tick.text",
  );
  assertStringIncludes(client.problems[1]!, "a frame for port 9, of 2");
  assertEquals(host.released, [1, 1]);
  assertEquals(client.failures, []);
});
