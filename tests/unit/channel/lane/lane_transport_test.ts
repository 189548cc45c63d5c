import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { nextTurn } from "../../../../channel/activity.ts";
import { counterAt } from "../../../../channel/lane/rings.ts";
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
import { uint64 } from "../../../../proto/wire/xpc_value.ts";
import { FakeLane } from "../../../helpers/lane/fake_lane.ts";
import { LaneEnd, NO_MEMORY } from "../../../helpers/lane/lane_end.ts";

/** Tests of two transports on one lane: the connection, the ports and the clock are simulated. */
const Tick = schema({
  name: "Tick",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { count: types.UInt32, text: types.String },
});
const TICKS = port(Tick);
const SLOTS = 16;

/** One side. */
class Side extends LaneEnd<typeof Tick> {
  constructor(lane: FakeLane, isHost: boolean, sleeps = false) {
    super(lane, isHost, Tick, sleeps);
  }

  /** Sends a frame. */
  tick(count: number, text = ""): void {
    this.writer.send({ count, text }, NO_MEMORY);
  }

  /** The oldest message of `from` comes. */
  receiveFrom(from: Side): void {
    this.receive(from.sent.shift()!);
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
  while (host.sent.length > 0) client.receiveFrom(host);
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
  client.receiveFrom(host);
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
  client.receiveFrom(host);
  assertEquals([client.handled.length, client.counts], [1, [1, 2]]);
  client.receiveFrom(host);
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
  client.receiveFrom(host);
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
    "a message with number = 2 (allowed: 1, the next one)",
  );
  assert(host.transport.arrived({ text: "without a number" }));
});

Deno.test("lane: a record from before a message that has come is a lie", () => {
  const { host, client } = pair();
  client.receive({ number: uint64(1) });
  host.tick(1);
  assertStringIncludes(
    reason(client),
    "a record with after = 0, when its message 1 had come already",
  );
});

Deno.test("lane: releases and ends are records, with the number of dropped frames; without room they are messages", async () => {
  const { host, client } = pair();
  host.tick(1);
  host.tick(2);
  client.queues.ticks.dropped = 7;
  for (const lease of client.queues.ticks.leases) lease.end("disposed");
  await nextTurn();
  assertEquals([host.released, host.peerDropped], [[1, 2], 7]);
  host.writer.end();
  assert(client.queues.ticks.hasEnd);
  assert(!client.queues.tocks.hasEnd);

  host.lane.ring = undefined;
  for (let n = 0; n < SLOTS; n++) client.tick(n);
  host.tick(3);
  client.queues.ticks.leases.at(-1)!.end("disposed");
  client.writer.end();
  await nextTurn();
  assertEquals(client.sent.map((message) => message["ctrl_type"]), [
    "release",
    "end",
  ]);
});

Deno.test("lane: what cannot be in the memory ends the connection by name, and nothing more is read", () => {
  const cases: [attack: (host: Side) => void, words: string][] = [
    [
      ({ lane }) => lane.publish(SLOTS + 1),
      "head = 17, tail = 0, in a ring of 16",
    ],
    [
      ({ lane }) => lane.publish(0xffff_ffff),
      "head = 4294967295, tail = 0, in a ring of 16",
    ],
    [({ lane }) => {
      lane.views.bytes.fill(0, LANE_SLOTS, LANE_SLOTS + 64);
      lane.publish(1);
    }, "a record with kind = 0"],
    [({ lane }) => {
      lane.views.bytes.fill(0xff, LANE_SLOTS, LANE_SLOTS + 64);
      lane.publish(1);
    }, "a record with kind = 255"],
    [({ lane }) => {
      writeSkip(lane.views, LANE_SLOTS, 0, 2);
      lane.publish(1);
    }, "slots = 2 (allowed: up to 1, the slots that were published)"],
    [({ lane }) => {
      writeSkip(lane.views, LANE_SLOTS, 0, 1);
      lane.views.view.setUint32(LANE_SLOTS + 12, 49, true);
      lane.publish(1);
    }, "bytes = 49 (allowed: up to 48 in 1 slot)"],
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
    await nextTurn();
    assert(came > before && came <= before + 2, `${came - before} in a turn`);
  }
  assert(client.transport.spin());
  client.receive({ text: "a message" });
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
  await nextTurn();
  assertEquals(client.counts, [1]);
  assertStringIncludes(
    client.problems[0]!,
    "a frame on port 'ticks' does not fit: Tick.text",
  );
  assertStringIncludes(
    client.problems[1]!,
    "a frame for port 9, but this side has 2 incoming ports",
  );
  assertEquals(host.released, [1, 1]);
  assertEquals(client.failures, []);
});
