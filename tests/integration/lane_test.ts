/**
 * What a lane promises to the ports, over real connections: both channels are in this
 * process. The contract tests of channels run over lanes too; here is what only a
 * lane has: slots, a ring that is full, records and messages in one order.
 */

import { assert, assertEquals } from "@std/assert";
import type { ReceivedFrame } from "../../channel/mod.ts";
import { channelFeatures } from "../../channel/transport.ts";
import { Native } from "../../ffi/native.ts";
import {
  LANE_DEFAULT_SLOTS,
  LANE_SLOT_BYTES,
} from "../../proto/lane/layout.ts";
import { RECORD_HEADER_BYTES } from "../../proto/lane/record.ts";
import {
  Buffer,
  Bytes,
  Float32,
  Optional,
  Texture,
  UInt32,
} from "../../proto/schema/field_type.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { DataFrame } from "../../proto/schema/frames/data_frame.ts";
import { port } from "../../proto/schema/port.ts";
import { schema } from "../../proto/schema/schema.ts";
import { frameMessage } from "../../proto/wire/frame_message.ts";
import { int64 } from "../../proto/wire/xpc_value.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { Prng } from "../helpers/prng.ts";
import { soon, until } from "../helpers/soon.ts";
import { TwoWayLink } from "../helpers/two_way_link.ts";

const Parcel = schema({
  name: "Parcel",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    number: UInt32,
    bytes: Bytes,
    picture: Optional(Texture("gray8")),
    sound: Optional(Buffer(Float32)),
  },
});

const { inputs: PORTS } = connectionSchema({
  inputs: {
    parcels: port(Parcel, {
      read_behavior: "read_next_in_order",
      capacity: 8,
    }),
    many: port(DataFrame, {
      read_behavior: "read_next_in_order",
      capacity: 1_000,
    }),
    latest: DataFrame,
  },
});
type Ports = typeof PORTS;
type Link = TwoWayLink<Ports>;

/** The longest payload of a record in the ring. */
const LONGEST = LANE_SLOT_BYTES * LANE_DEFAULT_SLOTS / 4 - RECORD_HEADER_BYTES;
/** What a parcel without memory takes beside its bytes, at least. */
const BESIDE = 4 + 4 + 1 + 1;

/** Runs `body` with a host and a client that use a lane. It fails if native objects are left, or if there was a problem. */
async function onLane(
  body: (link: Link, native: Native) => Promise<void>,
): Promise<void> {
  await nativeLeavesNothing(async () => {
    using native = Native.open();
    using link = new TwoWayLink<Ports>(native, PORTS);
    await soon(link.connect(channelFeatures("lane")), "the connection");
    assertEquals([link.host.stats.path, link.client.stats.path], [
      "lane",
      "lane",
    ]);
    await soon(body(link, native), "the test");
    assertEquals(link.problems, []);
  });
}

function laneTest(
  name: string,
  body: (link: Link, native: Native) => Promise<void>,
): void {
  Deno.test(`lane: ${name}`, () => onLane(body));
}

/** Whether a frame of the port `many` was sent. */
function sendMany(link: Link, number: number, bytes = 0): boolean {
  using frame = link.host.senders.many.acquire(data(number, bytes));
  return link.host.senders.many.send(frame);
}

function data(number: number, bytes = 0) {
  return {
    data: new Uint8Array(bytes).fill(number),
    schema_name: "many",
    timestamp_ns: BigInt(number),
  };
}

/** Reads as many frames of a port. */
async function readAll(
  link: Link,
  count: number,
): Promise<{ number: number; bytes: Uint8Array }[]> {
  const came: { number: number; bytes: Uint8Array }[] = [];
  while (came.length < count) {
    using frame = await soon(link.client.receivers.many.next(), "a frame");
    came.push({
      number: Number(frame!.timestamp_ns),
      bytes: frame!.data,
    });
  }
  return came;
}

/** The messages that this process sends during `body`. */
async function messagesOf(
  native: Native,
  body: () => Promise<void>,
): Promise<number> {
  const before = native.stats().messages_sent;
  await body();
  return native.stats().messages_sent - before;
}

// ---- order ----

/** Sizes around the ends of slots and around a quarter of the ring, and far beyond. */
function size(prng: Prng): number {
  const slots = prng.pick([1, 1, 1, 2, 3, 4, 63, 64, 65]);
  const end = LANE_SLOT_BYTES * slots - RECORD_HEADER_BYTES - BESIDE;
  const near = end - 12 + prng.below(20);
  return prng.below(20) === 0
    ? prng.pick([10_000, 65_000, 70_000, 300_000])
    : Math.max(near, 0);
}

/** The bytes of a parcel. */
function pattern(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = number + 7 * at;
  return bytes;
}

/** Where bytes are not the pattern; -1: nowhere. */
function differsAt(bytes: Uint8Array, number: number): number {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== ((number + 7 * at) & 255)) return at;
  }
  return -1;
}

/** One direction of a link: what was sent and what has come. */
class Traffic {
  sent = 0;
  came = 0;
  readonly #prng: Prng;
  readonly #from: Link["host"];
  readonly #to: Link["host"];

  constructor(prng: Prng, from: Link["host"], to: Link["host"]) {
    this.#prng = prng;
    this.#from = from;
    this.#to = to;
  }

  send(): void {
    const prng = this.#prng;
    const number = this.sent;
    const sender = this.#from.senders.parcels;
    using frame = sender.acquire({
      number,
      bytes: pattern(number, size(prng)),
      picture: prng.below(3) === 0
        ? { width: 1 + prng.below(40), height: 3, pixel_format: "gray8" }
        : null,
      sound: prng.below(6) === 0 ? new Float32Array(1 + prng.below(9)) : null,
    });
    frame.picture?.pixels.fill(number);
    frame.sound?.fill(number);
    if (sender.send(frame)) this.sent++;
  }

  async read(): Promise<void> {
    const receiver = this.#to.receivers.parcels;
    const how = this.#prng.below(3);
    if (how === 2 && this.came === this.sent) return;
    using frame = how === 0
      ? receiver.get()
      : how === 1
      ? receiver.recvSync(0)
      : await soon(receiver.next(), `parcel ${this.came}`);
    if (frame) this.#check(frame);
  }

  #check(frame: ReceivedFrame<typeof Parcel>): void {
    const number = this.came++;
    assertEquals(frame.number, number);
    assertEquals(differsAt(frame.bytes, number), -1);
    const { picture, sound } = frame;
    assert(picture?.pixels.every((value) => value === (number & 255)) ?? true);
    assert(sound?.every((value) => value === number) ?? true);
  }
}

/** Sends parcels both ways, with offers and control messages between them, in a random order of steps. */
async function exchange(seed: number, parcels: number): Promise<void> {
  await onLane(async (link, native) => {
    const prng = new Prng(seed);
    const ways = [
      new Traffic(prng, link.host, link.client),
      new Traffic(prng, link.client, link.host),
    ];
    const messages = await messagesOf(native, async () => {
      while (ways.some(({ came }) => came < parcels)) {
        const way = prng.pick(ways);
        const step = prng.below(12);
        if (step < 5) {
          for (let n = prng.below(6); n > 0; n--) {
            if (way.sent < parcels) way.send();
          }
        } else if (step < 10) await way.read();
        else if (step === 10) {
          prng.pick([link.host, link.client]).sendControl("note");
        } else await new Promise((resolve) => setTimeout(resolve));
      }
    });
    // Many of the parcels are too long for the ring, and many have new memory.
    assert(messages > parcels / 4, `${messages} messages`);
    assertEquals(link.host.senders.parcels.stats.sent, parcels);
  });
}

Deno.test("lane: parcels of all sizes come as they were sent, in order with the offers and messages between them, both ways", () =>
  exchange(15, 1_500));

permittedTest(
  "lane: fifty thousand parcels in random orders",
  { exhaustive: true },
  async () => {
    for (let seed = 1; seed <= 10; seed++) await exchange(seed, 2_500);
  },
);

// ---- the ring ----

laneTest(
  "frames, releases and ends need no message, however many there are",
  async (link, native) => {
    sendMany(link, 0); // the first one makes the codec
    await readAll(link, 1);
    const messages = await messagesOf(native, async () => {
      for (let number = 1; number <= 2_000; number++) {
        assert(sendMany(link, number % 256, 1 + number % 3_000));
        await readAll(link, 1);
      }
      for (const sender of Object.values(link.host.senders)) sender.end();
      assertEquals(
        await soon(link.client.receivers.many.next(), "the end"),
        undefined,
      );
    });
    assertEquals(messages, 0);
  },
);

laneTest(
  "a frame of a quarter of the ring needs no message, a longer one is a message",
  async (link, native) => {
    // Of the payload: 4 bytes for each size, 4 of text, 8 of the time, which is aligned.
    const longest = LONGEST - 4 - 4 - 4 - 8;
    const sizes = [longest - 1, longest, longest + 1, longest + 64, 200_000];
    const messages: number[] = [];
    for (const size of sizes) {
      messages.push(
        await messagesOf(native, async () => {
          assert(sendMany(link, size, size));
          const [came] = await readAll(link, 1);
          assertEquals([came!.number, came!.bytes.length], [size, size]);
        }),
      );
    }
    assertEquals(messages, [0, 0, 1, 1, 1]);
  },
);

laneTest(
  "a ring that is full makes frames messages; all come in order, and the ring is used again",
  async (link, native) => {
    const FRAMES = LANE_DEFAULT_SLOTS + 100;
    for (let round = 0; round < 3; round++) {
      const messages = await messagesOf(native, () => {
        for (let number = 0; number < FRAMES; number++) {
          assert(sendMany(link, number));
        }
        return Promise.resolve();
      });
      // One slot each: nobody reads before this thread waits.
      assertEquals(messages, 100);
      const came = await readAll(link, FRAMES);
      assertEquals(
        came.map(({ number }) => number),
        Array.from({ length: FRAMES }, (_, number) => number),
      );
    }
  },
);

laneTest(
  "a port that skips shows the newest frame, and the sender learns how many were dropped",
  async (link) => {
    const { latest } = link.host.senders;
    for (let number = 0; number < 1_000; number++) {
      using frame = latest.acquire(data(number));
      assert(latest.send(frame));
      if (number % 100 === 0) await link.settle();
    }
    await link.settle();
    using frame = link.client.receivers.latest.get();
    assertEquals(frame?.timestamp_ns, 999n);
    const { received, dropped } = link.client.receivers.latest.stats;
    const { sent, dropped: unsent } = latest.stats;
    assertEquals([sent + unsent, received - dropped], [1_000, 1]);
    assertEquals(received, sent);
    assert(sendMany(link, 1)); // its release tells of what was dropped
    await readAll(link, 1);
    await until(
      "what the client has dropped",
      () => link.host.stats.peer_dropped === dropped,
    );
  },
);

laneTest(
  "a frame as a dictionary is understood on a lane too, in its order",
  async (link) => {
    assert(sendMany(link, 1));
    link.ends.host.send(
      frameMessage(77n, "many", { ...data(2, 3), timestamp_ns: int64(2) }),
    );
    const came = await readAll(link, 2);
    assertEquals(came.map(({ number }) => number), [1, 2]);
    assertEquals(came[1]!.bytes, new Uint8Array(3).fill(2));
  },
);

laneTest(
  "a client that dies and comes again gets a lane of its own, and nothing of before",
  async (link) => {
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 20; number++) {
        assert(sendMany(link, number));
      }
      link.killClient();
      await soon(link.connect(channelFeatures("lane")), "the connection");
      assertEquals(link.client.stats.path, "lane");
      assert(sendMany(link, 100 + round));
      const [first] = await readAll(link, 1);
      assertEquals(first!.number, 100 + round);
    }
  },
);

laneTest(
  "whoever waits for room or for frames without end leaves timers and messages their turns",
  async (link) => {
    const { many } = link.host.senders;
    const waits = {
      room: async () => {
        await many.ready;
        assert(sendMany(link, 1));
        link.client.receivers.many.recvSync(0)?.[Symbol.dispose]();
        link.client.spin(); // its releases go at once
      },
      frames: async () => {
        assert(sendMany(link, 1));
        const frame = await link.client.receivers.many.next();
        frame?.[Symbol.dispose]();
        link.client.spin();
      },
    };
    for (const [what, wait] of Object.entries(waits)) {
      let isFired = false;
      setTimeout(() => isFired = true);
      let rounds = 0;
      while (!isFired && rounds < 200_000) {
        await wait();
        rounds++;
      }
      assert(isFired, `${what}: no timer in ${rounds} rounds`);
    }
  },
);
