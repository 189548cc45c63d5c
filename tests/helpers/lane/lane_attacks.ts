/**
 * What a hostile side of a lane does, to a host or to a client. Each attack is
 * a step that is repeated.
 */

import { EVERYTHING } from "../../fixtures/everything.ts";
import { NativeBuffer } from "../../../ffi/buffer.ts";
import type { Native } from "../../../ffi/native.ts";
import { NativeSurface } from "../../../ffi/surface.ts";
import { compileLane, type LaneCodec } from "../../../proto/lane/lane_codec.ts";
import {
  LANE_ASLEEP,
  LANE_CORE,
  LANE_HEADERS,
  LANE_SLOT_BYTES,
  LANE_TAIL,
} from "../../../proto/lane/layout.ts";
import {
  RECORD_HEADER_BYTES,
  RECORD_KIND,
} from "../../../proto/lane/record.ts";
import type { Schema } from "../../../proto/schema/field_type.ts";
import { VideoFrame } from "../../../proto/schema/frames/video_frame.ts";
import { type Port, port } from "../../../proto/schema/port.ts";
import type { PixelFormat } from "../../../proto/schema/surface.ts";
import { mirrorsIn } from "../../../proto/wire/mirrors.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../../../proto/wire/keys.ts";
import { uint64 } from "../../../proto/wire/xpc_value.ts";
import { slotsAt } from "../../../channel/lane/rings.ts";
import { attackControl, ATTACKED_PORTS } from "../attack_messages.ts";
import { payloadOf } from "./fake_lane_memory.ts";
import type { PlayedLane } from "./played_lane.ts";
import type { Prng } from "../prng.ts";
import { randomValues } from "../random_frames.ts";

/** The ports on which the attacked side receives: of every type of field, one that skips and one that must not skip, and pictures. */
export const LANE_ATTACKED_PORTS: Readonly<Record<string, Port>> = {
  ordered: ATTACKED_PORTS.ordered,
  skipping: port(ATTACKED_PORTS.skipping),
  everything: EVERYTHING,
  video: port(VideoFrame),
};

const NAMES = Object.keys(LANE_ATTACKED_PORTS).sort();
const SCHEMAS: readonly Schema[] = NAMES.map((name) =>
  LANE_ATTACKED_PORTS[name]!.schema
);
const SKIPPING = NAMES.indexOf("skipping");

/** The surfaces that an attacker offers, under the ids from 1; a buffer follows. */
const FORMATS: readonly PixelFormat[] = [
  "bgra8",
  "rgba8",
  "gray8",
  "rgba16f",
  "nv12",
];

/** One attack. */
export interface LaneAttack {
  /** How the attacked side's connection ends: these words are in the reason. Missing: it goes on. */
  readonly ends?: RegExp;
  /** Whether the end depends on the random numbers: it may also go on, and the reason is one of a misused lane. */
  readonly mayEnd?: true;
  /** What is done once before. */
  begin?(lane: PlayedLane, prng: Prng): void;
  /** What is done again and again. */
  step(lane: PlayedLane, prng: Prng): void;
}

const codecs = new Map<Schema, LaneCodec>();

function codecOf(schema: Schema): LaneCodec {
  const codec = codecs.get(schema) ?? compileLane(schema);
  codecs.set(schema, codec);
  return codec;
}

/** A number in which every bit pattern, and those near the edges, are likely. */
function number(prng: Prng): number {
  return prng.pick([
    0,
    1,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    prng.below(300),
    prng.below(2 ** 32),
  ]);
}

/** The payload of a frame that fits its port but for the memory that it names, which may have been offered or not. */
function framePayload(prng: Prng, index: number): Uint8Array {
  const schema = SCHEMAS[index]!;
  const frame: Record<string, unknown> = {
    ...randomValues(prng, schema.fields, 0),
  };
  for (const { name, source, property } of mirrorsIn(schema.fields)) {
    frame[name] = Object(frame[source])[property];
  }
  return payloadOf(codecOf(schema), frame, {
    name: () => ({
      id: prng.below(FORMATS.length + 3),
      generation: prng.below(3),
      moved: prng.below(4) === 0,
    }),
  });
}

/** Sends a frame of a random port. Waits for no room: what was not read is written over. */
function sendFrame(lane: PlayedLane, prng: Prng): void {
  const index = prng.below(NAMES.length);
  const payload = framePayload(prng, index);
  if (payload.length > LANE_SLOT_BYTES * lane.slots / 4) return;
  lane.send(payload, { port: index, frame: prng.below(2 ** 32) });
}

/** Whether there is room for the longest record. */
function hasRoom(lane: PlayedLane): boolean {
  return lane.unread < lane.slots / 2;
}

function ifRoom(
  step: (lane: PlayedLane, prng: Prng) => void,
): LaneAttack["step"] {
  return (lane, prng) => {
    if (hasRoom(lane)) step(lane, prng);
  };
}

/** Writes random numbers to one counter of both directions. */
function garbage(field: number): LaneAttack["step"] {
  return (lane, prng) =>
    lane.set(prng.below(2) === 0 ? lane.in : lane.out, field, number(prng));
}

/** Fills some memory with random bytes. */
function scribble(
  lane: PlayedLane,
  prng: Prng,
  from: number,
  end: number,
): void {
  const at = from + prng.below(end - from);
  const bytes = prng.bytes(1 + prng.below(Math.min(16, end - at)));
  lane.views.bytes.set(bytes, at);
}

/** Where the slots of this side begin, and where they end. */
function ownSlots(lane: PlayedLane): [from: number, end: number] {
  const from = slotsAt(lane.out, lane.slots);
  return [from, from + LANE_SLOT_BYTES * lane.slots];
}

/** Any reason for which a lane ends. */
export const MISUSED = /The other side has misused the lane: it/;

/** The attacks, by name. */
export const LANE_ATTACKS: Readonly<Record<string, LaneAttack>> = {
  "writes any number to the first numbers of the lane": {
    step: (lane, prng) => {
      scribble(lane, prng, 0, LANE_HEADERS);
      ifRoom(sendFrame)(lane, prng);
    },
  },
  "writes any number to asleep": {
    step: (lane, prng) => {
      garbage(LANE_ASLEEP)(lane, prng);
      ifRoom(sendFrame)(lane, prng);
    },
  },
  "writes any number to core": {
    step: (lane, prng) => {
      garbage(LANE_CORE)(lane, prng);
      ifRoom(sendFrame)(lane, prng);
    },
  },
  "writes any number to head": {
    ends: /head = \d+, tail = \d+, in a ring of 256/,
    step: (lane, prng) => lane.show(257 + prng.below(2 ** 32 - 600)),
  },
  "writes any number to tail": {
    mayEnd: true, // it is looked at when the ring seems to be full
    step: (lane, prng) => {
      lane.set(lane.in, LANE_TAIL, 2 ** 31 + prng.below(2 ** 30));
      ifRoom(sendFrame)(lane, prng); // a side that gets frames releases them
    },
  },
  "writes any bytes to its slots": {
    mayEnd: true,
    step: (lane, prng) => {
      scribble(lane, prng, ...ownSlots(lane));
      lane.show(lane.head + prng.below(4));
    },
  },
  "sends records with any header": {
    mayEnd: true,
    step: ifRoom((lane, prng) => {
      const field = prng.pick(["port", "kind", "slots", "frame", "bytes"]);
      lane.send(prng.bytes(prng.below(200)), { [field]: number(prng) });
    }),
  },
  "sends frames, releases and ends of any bytes": {
    step: ifRoom((lane, prng) => {
      const kind = prng.pick([
        RECORD_KIND.frame,
        RECORD_KIND.frame,
        RECORD_KIND.release,
        RECORD_KIND.end,
      ]);
      const isFrame = kind === RECORD_KIND.frame;
      lane.send(prng.bytes(prng.below(600)), {
        kind,
        port: kind === RECORD_KIND.release ? 0 : prng.below(NAMES.length + 1),
        frame: isFrame ? number(prng) : 0,
      });
    }),
  },
  "sends frames of which it changes some bytes": {
    step: ifRoom((lane, prng) => {
      const index = prng.below(NAMES.length);
      const payload = framePayload(prng, index);
      for (let n = prng.below(4); n > 0; n--) {
        payload[prng.below(payload.length)] = prng.pick([0, 1, 2, 0xff]);
      }
      if (payload.length > LANE_SLOT_BYTES * lane.slots / 4) return;
      lane.send(payload, { port: index });
    }),
  },
  "changes frames while they are read": {
    mayEnd: true,
    step: (lane, prng) => {
      if (hasRoom(lane)) sendFrame(lane, prng);
      for (let n = 0; n < 20; n++) {
        const [from, end] = ownSlots(lane);
        const slot = from + LANE_SLOT_BYTES * prng.below(lane.slots);
        const at = slot + RECORD_HEADER_BYTES +
          prng.below(LANE_SLOT_BYTES - RECORD_HEADER_BYTES);
        if (at < end) lane.views.bytes[at] = prng.below(256);
      }
    },
  },
  "releases what it never got": {
    step: ifRoom((lane, prng) => {
      const frames = prng.below(60), pieces = prng.below(30);
      const payload = prng.bytes(12 + 8 * pieces + 4 * frames);
      const view = new DataView(payload.buffer as ArrayBuffer);
      view.setUint32(4, 0, true);
      view.setUint16(8, pieces, true);
      view.setUint16(10, frames, true);
      lane.send(payload, { kind: RECORD_KIND.release });
    }),
  },
  "ends ports, and goes on with frames": {
    step: ifRoom((lane, prng) => {
      const end = { kind: RECORD_KIND.end, port: prng.below(NAMES.length + 1) };
      if (prng.below(4) === 0) lane.send(new Uint8Array(8), end);
      else sendFrame(lane, prng);
    }),
  },
  "tells of a message that was handled long ago": {
    ends:
      /it has written a record with after = 0, when its message \d+ had come/,
    step: ifRoom((lane) => lane.send(new Uint8Array(0), { after: 0 })),
  },
  "writes any bytes anywhere": {
    mayEnd: true,
    step: (lane, prng) => {
      scribble(lane, prng, 0, lane.views.bytes.length);
      if (prng.below(8) === 0) lane.ring();
    },
  },
  "rings without end": {
    // A side that waits with its thread counts them in the shim.
    ends:
      /it has rung the bell of this side (\d+ times \(allowed: \d+|again and again)/,
    step: (lane) => {
      for (let n = 0; n < 200; n++) lane.ring();
    },
  },
  "shuts the bell of the other side": {
    ends: /it has shut the bell of this side down/,
    begin: (lane) => lane.shut(),
    step: () => {},
  },
};

/** How often it looks for what the other side has read, before it takes it to be reading. */
const LOOKS = 200;

/**
 * Fills its ring with frames, and shows them again and again, as long as `isOn`:
 * half a ring, and the other half while the first one is read. So the other side
 * finds half a ring of new records whenever it has read one.
 *
 * @param full is called whenever no slot of the ring has been read since it was filled
 */
export function neverEnds(
  lane: PlayedLane,
  isOn: () => boolean,
  full: () => void,
): void {
  const empty = payloadOf(
    codecOf(SCHEMAS[SKIPPING]!),
    { data: new Uint8Array(0), schema_name: "", timestamp_ns: 0n },
  );
  const port = { port: SKIPPING };
  for (let n = 0; n < lane.slots; n++) lane.write(empty, port);
  const half = lane.slots / 2;
  let head = half;
  lane.show(head);
  while (isOn()) {
    for (let look = 0; look < LOOKS; look++) {
      const tail = lane.get(lane.out, LANE_TAIL);
      if (tail === head) { // it has read everything: once more
        lane.show(head += half);
        look = 0;
      }
      if (look > LOOKS / 2) lane.show(head = tail + lane.slots);
      if (lane.unread === lane.slots) full();
    }
  }
}

/** What an attacker offers first: memory that its frames then name. */
export function offerMemory(
  native: Native,
  lane: PlayedLane,
  send: (message: ReturnType<typeof attackControl>) => void,
): DisposableStack {
  using made = new DisposableStack();
  const memory = [
    ...FORMATS.map((format) =>
      made.use(NativeSurface.create(native, 8, 4, format))
    ),
    made.use(NativeBuffer.create(native, 4096)),
  ];
  memory.forEach((piece, index) =>
    send(lane.numbered(attackControl(CTRL_TYPE.surfaceOffer, {
      [CHANNEL_KEY.surfaceId]: uint64(index + 1),
      [CHANNEL_KEY.surface]: piece.borrow(),
    })))
  );
  return made.move();
}
