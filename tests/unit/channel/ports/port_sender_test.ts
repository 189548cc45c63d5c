import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { nextTurn } from "../../../../channel/activity.ts";
import { LatencyWindow } from "../../../../channel/latency_window.ts";
import { MemoryTable } from "../../../../channel/memory/memory_table.ts";
import { OfferedMemory } from "../../../../channel/memory/offered_memory.ts";
import {
  PortSender,
  type SenderChannel,
} from "../../../../channel/ports/port_sender.ts";
import type { Transport } from "../../../../channel/transport.ts";
import type { Native } from "../../../../ffi/native.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import type { ReadBehavior } from "../../../../proto/schema/field_type.ts";
import { DataFrame } from "../../../../proto/schema/frames/data_frame.ts";
import { port } from "../../../../proto/schema/port.ts";
import { NO_FEATURES } from "../../../../proto/wire/features.ts";
import { soon } from "../../../helpers/soon.ts";

/** Tests of the sending half of a port: waits for room, and a channel that ends while the port asks it for something, because its peer's lane is found to be broken. */

const GONE = new BridgeError("channel_lost", "gone");
const VALUES = { data: new Uint8Array(0), schema_name: "", timestamp_ns: 0n };

/** A port, one frame of which may be unconfirmed. */
class Stage {
  readonly native = { clock: { now: () => 0 } } as unknown as Native;
  ends: "poll" | "kept" | "spin" | undefined;
  /** What a wait awake does. Default: nothing comes. */
  spin: () => boolean = () => false;
  sent = 0;
  /** How often the port has said that it may stand still. */
  looks = 0;
  readonly channel: SenderChannel = {
    isOpen: true,
    isQuiet: false,
    stir: () => {},
    features: NO_FEATURES,
    poll: () => {
      if (this.ends === "poll") this.end();
    },
    spin: () => {
      if (this.ends === "spin") this.end();
      return this.spin();
    },
    turn: () => undefined,
    offered: new OfferedMemory(() => {}, () => {}),
    table: new MemoryTable(this.native, () => {}),
    copies: { bytes: 0 },
    latency: new LatencyWindow(),
    givenAway: () => {},
    notSent: () => {},
    mayStall: () => void this.looks++,
  };
  readonly sender: PortSender<typeof DataFrame>;

  constructor(read_behavior: ReadBehavior = "skip_to_latest") {
    const transport: Transport = {
      path: "lane",
      writer: () => ({
        check: () => undefined,
        send: () => ({ id: ++this.sent, cost: 1 }),
        keep: () => ({
          send: () => {
            if (this.ends === "kept") this.end();
            return { id: ++this.sent, cost: 1 };
          },
        }),
        end: () => {},
      }),
      sendReleases: () => {},
    };
    this.sender = new PortSender(
      this.native,
      this.channel,
      "ticks",
      port(DataFrame, { read_behavior, capacity: 1 }),
      transport,
    );
  }

  /** The channel ends, as far as the port is told. */
  end(): void {
    this.channel.isOpen = false;
    this.sender.finish(GONE);
  }

  send(): boolean {
    using frame = this.sender.acquire(VALUES);
    return this.sender.send(frame);
  }
}

/** The ways to wait for room: a user's, that of a stream, and that of a stream for a frame of another port. */
const WAITS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  ready: ({ sender }) => sender.ready,
  stream: ({ sender }) => sender.roomFor(undefined),
  frame: ({ sender }) =>
    sender.roomFor(new Stage("read_next_in_order").sender.acquire(VALUES)),
};

for (const [name, room] of Object.entries(WAITS)) {
  for (const ends of ["poll", "spin"] as const) {
    Deno.test(`a port whose channel ends while it looks for room rejects who waits for it: ${name}, ${ends}`, async () => {
      const stage = new Stage("read_next_in_order");
      stage.send(); // takes the one place
      stage.ends = ends;
      const error = await assertRejects(
        () => soon(room(stage), "room"),
        BridgeError,
      );
      assertEquals([error.code, stage.looks], [GONE.code, 0]);
    });
  }

  Deno.test(`who waits for room waits awake first: ${name}`, async () => {
    const stage = new Stage("read_next_in_order");
    stage.send();
    stage.spin = () => stage.sender.released(1);
    await soon(room(stage), "room");
    assertEquals([stage.send(), stage.looks], [true, 0]);
  });

  Deno.test(`what comes without end and makes no room does not keep a port awake: ${name}`, async () => {
    const stage = new Stage("read_next_in_order");
    stage.send();
    let spins = 0;
    stage.spin = () => ++spins > 0;
    const wait = room(stage);
    assertEquals([spins, stage.looks], [4, 1]);
    stage.sender.released(1);
    await soon(wait, "room");
  });
}

Deno.test("a stream awaits room while a write lasts, but not while nobody has written", async () => {
  const stage = new Stage("read_next_in_order");
  const { sender } = stage;
  stage.send();
  const writer = sender.writable.getWriter();
  await soon(nextTurn(), "the stream's own write");
  assertEquals([writer.desiredSize, sender.isAwaited], [0, false]);
  const ready = sender.ready;
  assertEquals(sender.isAwaited, true);
  sender.released(1);
  await soon(Promise.all([ready, writer.ready]), "room");
  assertEquals(sender.isAwaited, false);
  stage.looks = 0;
  const write = writer.write(sender.acquire(VALUES));
  await soon(nextTurn(), "the sending");
  assertEquals([stage.sent, sender.isAwaited, stage.looks], [2, true, 1]);
  sender.released(2);
  await soon(write, "room behind it");
  assertEquals(sender.isAwaited, false);
  const last = writer.write(sender.acquire(VALUES));
  await soon(nextTurn(), "the sending");
  assertEquals([stage.sent, sender.isAwaited], [3, true]);
  await soon(writer.abort(), "the abort"); // the port goes on, and there is no room
  await soon(last, "the write");
  assertEquals([sender.ended, sender.isAwaited], [false, false]);
});

Deno.test("a port whose channel ends while it looks for room gives no frame", () => {
  const stage = new Stage("read_next_in_order");
  stage.send(); // takes the one place
  stage.ends = "poll";
  assertThrows(() => stage.sender.acquire(VALUES), BridgeError, GONE.message);
});

Deno.test("a frame that waited, and whose channel ends while it is sent, counts as dropped and not as sent", () => {
  const stage = new Stage();
  stage.send();
  stage.send(); // waits
  assertEquals(stage.sender.stats, { sent: 1, dropped: 0, waiting: 1 });
  stage.ends = "kept";
  stage.sender.released(1);
  assertEquals(stage.sender.stats, { sent: 1, dropped: 1, waiting: 0 });
});

for (
  const [read_behavior, kept] of [
    ["skip_to_latest", 0],
    ["read_next_in_order", 1],
  ] as const
) {
  Deno.test(`a frame without memory is with the peer until it was read, where none may be skipped: ${read_behavior}`, () => {
    const stage = new Stage(read_behavior);
    const { places } = stage.sender;
    stage.send();
    assertEquals([places.out.count, places.withPeer], [1, kept]);
    stage.sender.released(1);
    stage.sender.released(1); // said twice: not counted twice
    assertEquals([places.out.count, places.withPeer], [0, 0]);
  });
}
