import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ChannelLane } from "../../../../channel/lane/channel_lane.ts";
import { MemoryTable } from "../../../../channel/memory/memory_table.ts";
import { OfferedMemory } from "../../../../channel/memory/offered_memory.ts";
import { Releases } from "../../../../channel/releases.ts";
import { NativeBuffer } from "../../../../ffi/buffer.ts";
import { OwnedCapability } from "../../../../ffi/capability.ts";
import type { AnyHandle } from "../../../../ffi/handle.ts";
import type { Message } from "../../../../ffi/message.ts";
import { Native } from "../../../../ffi/native.ts";
import type { BridgeError } from "../../../../proto/errors.ts";
import { type Features, NO_FEATURES } from "../../../../proto/wire/features.ts";
import { CHANNEL_KEY } from "../../../../proto/wire/keys.ts";
import {
  Capability,
  getId,
  type XpcDictionary,
} from "../../../../proto/wire/xpc_value.ts";

const LANES: Features = new Set(["lanes"]);

/** A side with a lane or without one, and what it was told. */
class LaneUser implements Disposable {
  readonly native: Native;
  readonly lane: ChannelLane;
  readonly failures: BridgeError[] = [];
  readonly refusals: BridgeError[] = [];
  flushed = 0;

  constructor(native: Native) {
    this.native = native;
    const releases = new Releases({
      send: () => this.flushed++,
      dropped: () => 0,
      failed: () => {},
    });
    this.lane = new ChannelLane(native, {
      clock: native.clock,
      takeFrameId: () => 1,
      releases,
      table: new MemoryTable(native, () => {}),
      offered: new OfferedMemory(() => {}, () => {}),
      ports: new Map(),
      drain: () => native.drain(),
      stir: () => {},
      send: () => {},
      failed: (error) => void this.failures.push(error),
      noLane: (error) => void this.refusals.push(error),
      memoryReleased: () => {},
      frameReleased: () => {},
      peerDropped: () => {},
      problem: () => {},
    });
    releases.frame(1);
  }

  [Symbol.dispose](): void {
    this.lane.drop();
  }
}

/** A host and a client in one process. `change` may change what the one sends to the other. */
function shakeHands(
  native: Native,
  change: (
    fields: XpcDictionary,
    from: "host" | "client",
  ) => XpcDictionary = (fields) => fields,
): { host: LaneUser; client: LaneUser } & Disposable {
  using made = new DisposableStack();
  const host = made.use(new LaneUser(native));
  const client = made.use(new LaneUser(native));
  host.lane.offer(
    LANES,
    false,
    (ping) =>
      client.lane.open(
        LANES,
        change(ping, "host"),
        (pong) => host.lane.accept(change(pong, "client")),
      ),
  );
  const held = made.move();
  return { host, client, [Symbol.dispose]: () => held.dispose() };
}

const message = (body: XpcDictionary): Message => ({ body }) as Message;

Deno.test("a channel without the feature offers, opens and waits for no lane", () => {
  using native = Native.open();
  using user = new LaneUser(native);
  const { lane } = user;
  const said: XpcDictionary[] = [];
  lane.offer(NO_FEATURES, false, (fields) => said.push(fields));
  lane.open(NO_FEATURES, {}, (fields) => said.push(fields));
  lane.open(LANES, {}, (fields) => said.push(fields)); // a ping without a lane
  assertEquals(said, [{}, {}, {}]);
  assertEquals([lane.inUse, lane.spin(), lane.turn()], [
    undefined,
    false,
    undefined,
  ]);
  assert(lane.turnOfLoop() instanceof Promise);
  assertEquals(lane.numbered({ text: "a" }), { text: "a" });
  lane.poll();
  const handled: Message[] = [];
  const one = message({ text: "b" });
  lane.receive(one, { handle: (it) => void handled.push(it) });
  assertEquals(handled, [one]);
  lane.block(0);
  assertEquals([user.flushed, user.refusals, user.failures], [1, [], []]);
});

Deno.test("a lane that is offered and opened is used by both sides, and their messages have numbers", () => {
  using native = Native.open();
  using both = shakeHands(native);
  const { host: { lane: host }, client: { lane: client } } = both;
  assert(host.inUse && client.inUse);
  const numberOf = (lane: typeof host): unknown =>
    getId(lane.numbered({}), CHANNEL_KEY.number);
  assertEquals(numberOf(host), 1);
  assertEquals(numberOf(host), 1, "the first one was not sent");
  host.wasSent();
  assertEquals(numberOf(host), 2);
  assertEquals(numberOf(client), 1);
  client.wasSent();
  const handled: Message[] = [];
  const handler = { handle: (it: Message) => void handled.push(it) };
  host.receive(message(client.numbered({})), handler); // its second one comes first
  assertEquals([handled, both.host.failures.length], [[], 1]);
  assertStringIncludes(
    both.host.failures[0]!.message,
    "a message with number = 2 (allowed: 1",
  );
  host.drop();
  assertEquals(host.inUse, undefined);
  assertEquals(host.numbered({ text: "a" }), { text: "a" });
});

Deno.test("a pong without a bell means no lane for either side", () => {
  using native = Native.open();
  using both = shakeHands(
    native,
    (fields, from) => from === "host" ? fields : {},
  );
  assertEquals(both.host.lane.inUse, undefined);
  assertEquals(both.host.failures, []);
});

Deno.test("memory that is no lane is told, and the client answers without a bell", () => {
  using native = Native.open();
  using region = NativeBuffer.create(native, 8192);
  const answers: XpcDictionary[] = [];
  using both = shakeHands(native, (fields, from) => {
    if (from === "client") answers.push(fields);
    return from === "client"
      ? fields
      : { ...fields, [CHANNEL_KEY.lane]: region.borrow() };
  });
  assertEquals(answers, [{}]);
  assertEquals(both.client.refusals.map(({ code }) => code), ["bad_argument"]);
  assertEquals([both.host.lane.inUse, both.client.lane.inUse], [
    undefined,
    undefined,
  ]);
});

Deno.test("a bell that is none ends the connection, of the host and of the client", () => {
  using native = Native.open();
  const { symbols, queue } = native;
  using bell = new OwnedCapability(
    native,
    new Capability("fd", symbols.slb_fd_create(queue, 0) as AnyHandle),
  );
  for (const liar of ["host", "client"] as const) {
    using both = shakeHands(
      native,
      (fields, from) =>
        from === liar
          ? { ...fields, [CHANNEL_KEY.bell]: bell.borrow() }
          : fields,
    );
    const deceived = liar === "host" ? both.client : both.host;
    assertEquals(deceived.failures.map(({ code }) => code), [
      "malformed_message",
    ]);
    assertStringIncludes(
      deceived.failures[0]!.message,
      "it has sent a descriptor that is not a bell",
    );
    assertEquals(deceived.lane.inUse, undefined);
  }
});
