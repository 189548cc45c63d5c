import { assertEquals, assertRejects, assertThrows } from "@std/assert";
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

/** Tests of the sending half of a port whose channel ends while the port asks it for something: its peer's lane is found to be broken. */

const GONE = new BridgeError("channel_lost", "gone");
const VALUES = { data: new Uint8Array(0), schema_name: "", timestamp_ns: 0n };

/** A port, one frame of which may be unconfirmed. */
class Stage {
  readonly native = { clock: { now: () => 0 } } as unknown as Native;
  ends: "poll" | "kept" | "spin" | undefined;
  /** What a wait awake does. Default: nothing comes. */
  spin: () => boolean = () => false;
  sent = 0;
  readonly channel: SenderChannel = {
    isOpen: true,
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
    mayStall: () => {},
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

for (const ends of ["poll", "spin"] as const) {
  Deno.test(`a port whose channel ends while it looks for room rejects who waits for it: ${ends}`, async () => {
    const stage = new Stage("read_next_in_order");
    stage.send(); // takes the one place
    stage.ends = ends;
    const error = await assertRejects(
      () => soon(stage.sender.ready, "room"),
      BridgeError,
    );
    assertEquals(error.code, GONE.code);
  });
}

Deno.test("who waits for room waits awake first", async () => {
  const stage = new Stage("read_next_in_order");
  stage.send();
  stage.spin = () => stage.sender.released(1);
  await soon(stage.sender.ready, "room");
  assertEquals(stage.send(), true);
});

Deno.test("what comes without end and makes no room does not keep a port awake", async () => {
  const stage = new Stage("read_next_in_order");
  stage.send();
  stage.spin = () => true;
  const room = stage.sender.ready;
  stage.sender.released(1);
  await soon(room, "room");
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
