/**
 * Random conversations of a lane's transport with a played peer, in one isolate:
 * memory, connection, bell and clock are simulated, so each seed does the same in
 * every run.
 */

import { assert, assertEquals } from "@std/assert";
import { nextTurn } from "../../../channel/activity.ts";
import { parseRelease } from "../../../channel/dictionary/release_message.ts";
import type { KeptFrame } from "../../../channel/transport.ts";
import type { Lease } from "../../../channel/memory/lease.ts";
import { compileLane } from "../../../proto/lane/lane_codec.ts";
import { laneBytes } from "../../../proto/lane/lane_memory.ts";
import { LANE_SLOT_BYTES } from "../../../proto/lane/layout.ts";
import {
  END_PAYLOAD_BYTES,
  readRelease,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  releaseBytes,
  slotsOf,
  writeEnd,
  writeRelease,
} from "../../../proto/lane/record.ts";
import * as types from "../../../proto/schema/field_type.ts";
import type { Frame } from "../../../proto/schema/field_type.ts";
import { schema } from "../../../proto/schema/schema.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../../../proto/wire/keys.ts";
import {
  getData,
  getId,
  getString,
  type XpcDictionary,
} from "../../../proto/wire/xpc_value.ts";
import { FakeLane } from "./fake_lane.ts";
import { payloadOf, readPayload } from "./fake_lane_memory.ts";
import { type Arrived, LaneEnd, NO_MEMORY } from "./lane_end.ts";
import { PlayedRing, type RecordFields } from "./played_ring.ts";
import { Prng } from "../prng.ts";
import { randomValues } from "../random_frames.ts";

/** The slots of a ring. */
export const SLOTS = 16;
/** The ports of both directions. */
export const PORTS = ["ticks", "tocks"] as const;
/** The longest payload of a record in such a ring: of a quarter of it. */
const LONGEST = LANE_SLOT_BYTES * SLOTS / 4 - RECORD_HEADER_BYTES;

const Mixed = schema({
  name: "Mixed",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    count: types.UInt32,
    big: types.UInt64,
    text: types.String,
    blob: types.Bytes,
    flag: types.Bool,
    mode: types.Enum("on", "off"),
    numbers: types.Array(types.Float64),
    words: types.Array(types.String),
    place: types.Optional(types.Struct({ x: types.Float32, y: types.Int64 })),
  },
});
/** What reads and writes their frames. */
export const CODEC = compileLane(Mixed);
type Values = Record<string, unknown>;

/** The played peer, which has made the lane. Its rings come when the conversation says so. */
class FakePeer extends PlayedRing {
  readonly #other: FakeLane;
  #rings = 0;

  constructor(own: FakeLane, other: FakeLane) {
    super(own.views, own.slots, 0);
    this.#other = other;
  }

  override ring(): void {
    this.#rings++;
  }

  /** What was rung comes. */
  bell(): void {
    const rings = this.#rings;
    this.#rings = 0;
    if (rings > 0) this.#other.ring!(rings);
  }

  /** Whether a record with this payload is short enough, and finds room. */
  hasRoom(payload: Uint8Array): boolean {
    const slots = slotsOf(payload.length);
    const left = SLOTS - this.head % SLOTS;
    const skipped = left < slots ? left : 0;
    return payload.length <= LONGEST &&
      this.unread + skipped + slots <= SLOTS;
  }
}

/** A conversation, with what is to be expected of it. Each seed makes another one. */
export class Conversation {
  readonly prng: Prng;
  readonly end: LaneEnd<typeof Mixed>;
  readonly peer: FakePeer;
  readonly lane: FakeLane;
  /** What is to come, in order. A text is a part of what a problem says. */
  readonly #expected: Arrived[] = [];
  /** The messages of the peer that have not come yet. */
  readonly #late: XpcDictionary[] = [];
  readonly #hasEnded = new Set<string>();
  /** Whether the peer reads seldom, so that its ring is full. */
  readonly #isLazy: boolean;
  #frames = 0;
  /** The frames that the transport has sent and the peer has not got, by their ids. */
  readonly #sent = new Map<number, Values>();
  /** The frames of the peer that are to be released. */
  readonly #owed = new Set<number>();
  readonly #leased = new Set<Lease>();
  #kept: { frame: KeptFrame; values: Values } | undefined;
  #came = 0;

  constructor(seed: number) {
    this.prng = new Prng(seed);
    this.#isLazy = this.prng.below(2) === 0;
    const [host, client] = FakeLane.pair(SLOTS);
    this.lane = client;
    this.end = new LaneEnd(client, false, Mixed);
    this.peer = new FakePeer(host, client);
    this.end.react = () => {
      if (this.prng.below(8) === 0) this.answer();
    };
  }

  // ---- what the peer does ----

  /** Most frames are short enough for the ring. */
  #values(): Values {
    for (;;) {
      const values = randomValues(this.prng, Mixed.fields, 0);
      const bytes = CODEC.measure(values);
      if (Number(bytes) <= LONGEST || this.prng.below(12) === 0) return values;
    }
  }

  /** Sends a frame's payload, in the ring if there is room. Returns its id. */
  #sendFrame(payload: Uint8Array, port: number): number {
    const header: RecordFields = { port, frame: ++this.#frames };
    if (this.peer.hasRoom(payload) && this.prng.below(8) > 0) {
      this.peer.send(payload, header);
    } else this.#late.push(this.peer.recordMessage(payload, header));
    return this.#frames;
  }

  frame(): void {
    const values = this.#values();
    const port = this.prng.below(PORTS.length);
    const id = this.#sendFrame(payloadOf(CODEC, values), port);
    const name = PORTS[port]!;
    if (!this.#hasEnded.has(name)) this.#expected.push([name, values]);
    else {
      this.#expected.push(["problem", "after the end of that port"]);
      this.#owed.add(id);
    }
  }

  /** A frame that is dropped: one that does not fit, or of no port. */
  wrongFrame(): void {
    const payload = payloadOf(CODEC, this.#values());
    const isUnknown = this.prng.below(2) === 0;
    const id = isUnknown
      ? this.#sendFrame(payload, PORTS.length + this.prng.below(9))
      : this.#sendFrame(Uint8Array.of(...payload, 0), 0);
    const why = isUnknown ? "received a frame for port" : "does not fit";
    this.#expected.push(["problem", why]);
    this.#owed.add(id);
  }

  /** A record in a message that is none is dropped. */
  wrongMessage(): void {
    const kind = 2 + this.prng.below(200);
    const payload = this.prng.bytes(this.prng.below(30));
    this.#late.push(this.peer.recordMessage(payload, { kind }));
    this.#expected.push(["problem", "a record in a message with kind ="]);
  }

  release(): void {
    const dropped = this.prng.below(2 ** 31) * 2 ** this.prng.below(22);
    const frames = [...this.prng.bytes(this.prng.below(9))];
    const pieces = frames.slice(4).map((id) => ({ id, generation: id + 1 }));
    const bytes = releaseBytes(pieces.length, frames.length);
    const record = laneBytes(new Uint8Array(RECORD_HEADER_BYTES + bytes));
    writeRelease(record, 0, 0, dropped, pieces, frames);
    const payload = record.bytes.slice(RECORD_HEADER_BYTES);
    const cut = this.prng.below(4) === 0 ? 1 + this.prng.below(12) : 0;
    if (!this.peer.hasRoom(payload)) return;
    this.peer.send(payload.slice(0, payload.length - cut), {
      kind: RECORD_KIND.release,
    });
    if (cut > 0) {
      this.#expected.push(["problem", "received a release with bytes ="]);
    } else {
      this.#expected.push(["dropped", dropped]);
      for (const { id } of pieces) this.#expected.push(["piece", [id, id + 1]]);
      for (const id of frames) this.#expected.push(["frame", id]);
    }
  }

  endPort(): void {
    if (this.prng.below(4) > 0) return;
    const record = laneBytes(
      new Uint8Array(RECORD_HEADER_BYTES + END_PAYLOAD_BYTES),
    );
    writeEnd(record, 0, 0, 0, 7);
    const payload = record.bytes.slice(RECORD_HEADER_BYTES);
    const port = this.prng.below(PORTS.length + 1), name = PORTS[port];
    if (!this.peer.hasRoom(payload)) return;
    this.peer.send(payload, { kind: RECORD_KIND.end, port });
    this.#expected.push(["dropped", 7]);
    if (name === undefined) {
      this.#expected.push(["problem", "received an end for port 2"]);
    } else if (this.#hasEnded.has(name)) {
      this.#expected.push(["problem", "received a second end of port"]);
    } else this.#expected.push(["end", name]);
    if (name !== undefined) this.#hasEnded.add(name);
  }

  message(): void {
    const message = this.peer.numbered({ text: `${this.peer.sent}` });
    this.#late.push(message);
    this.#expected.push(["message", message]);
  }

  /** The oldest of its messages comes. */
  deliver(): void {
    const message = this.#late.shift();
    if (message) this.end.receive(message);
  }

  /** It reads what the transport has sent, and sometimes does not say so. */
  collect(tells = this.prng.below(3) > 0): void {
    for (const { kind, after, frame, payload } of this.peer.read(tells)) {
      assert(after <= this.#came + this.end.sent.length);
      if (kind === RECORD_KIND.frame) this.#got(frame, payload);
      else if (kind === RECORD_KIND.release) {
        const wrong = readRelease(laneBytes(payload), 0, payload.length, {
          dropped: () => {},
          piece: () => {},
          frame: (id) => this.#wasReleased(id),
        });
        assertEquals(wrong, undefined);
      }
    }
    for (const message of this.end.sent.splice(0)) {
      assertEquals(getId(message, CHANNEL_KEY.number), ++this.#came);
      const record = getData(message, CHANNEL_KEY.record);
      if (record) {
        const header = laneBytes(record as Uint8Array<ArrayBuffer>);
        const payload = record.slice(RECORD_HEADER_BYTES);
        this.#got(header.view.getUint32(8, true), payload);
      } else if (
        getString(message, CHANNEL_KEY.ctrlType) === CTRL_TYPE.release
      ) {
        const release = parseRelease(message);
        assert(typeof release !== "string");
        for (const id of release.frames) this.#wasReleased(Number(id));
      }
    }
  }

  #got(id: number, payload: Uint8Array): void {
    assertEquals(readPayload(CODEC, payload), this.#sent.get(id));
    assert(this.#sent.delete(id));
  }

  #wasReleased(id: number): void {
    assert(this.#owed.delete(id), `frame ${id} was released`);
  }

  // ---- what this side does ----

  /** Sends a frame now, or one that was kept before. */
  send(): void {
    const values = this.#values();
    const { writer } = this.end;
    if (this.#kept) {
      this.#sent.set(this.#kept.frame.send().id, this.#kept.values);
      this.#kept = undefined;
    } else if (this.prng.below(4) === 0) {
      this.#kept = {
        frame: writer.keep(values as Frame<typeof Mixed>, NO_MEMORY),
        values,
      };
    } else {this.#sent.set(
        writer.send(values as Frame<typeof Mixed>, NO_MEMORY).id,
        values,
      );}
  }

  /** Disposes a frame that has come. */
  dispose(): void {
    const { leases } = this.end.queues[this.prng.pick(PORTS)];
    const lease = leases[this.prng.below(leases.length)];
    if (!lease || this.#leased.has(lease)) return;
    this.#leased.add(lease);
    this.#owed.add(Number(lease.confirms));
    lease.end("disposed");
  }

  look(): void {
    const { transport } = this.end;
    this.prng.pick([
      () => transport.poll(),
      () => void transport.spin(),
      () => transport.block(0),
      () => this.peer.bell(),
    ])();
  }

  /** What this side may also do while records are read. */
  answer(): void {
    this.prng.pick([
      () => this.send(),
      () => this.send(),
      () => this.dispose(),
      () => this.dispose(),
      () => this.look(),
    ])();
  }

  /** One step of either side. */
  step(): void {
    this.prng.pick([
      () => this.wrongFrame(),
      () => this.wrongMessage(),
      () => this.release(),
      () => this.endPort(),
      () => this.message(),
      () => this.#isLazy || this.collect(),
      () => this.stepUnchecked(),
      () => this.stepUnchecked(),
      () => this.stepUnchecked(),
      () => this.stepUnchecked(),
      () => this.stepUnchecked(),
    ])();
  }

  /** One step whose effect need not be known. */
  stepUnchecked(): void {
    this.prng.pick([
      () => this.frame(),
      () => this.deliver(),
      () => this.deliver(),
      () => this.send(),
      () => this.answer(),
      () => this.answer(),
    ])();
  }

  /** Everything that is late comes: messages, rings and turns of the event loop. */
  async #arrivals(): Promise<void> {
    while (this.#late.length > 0) this.deliver();
    this.peer.bell();
    for (let n = 0; n < 3; n++) await nextTurn();
  }

  /** Everything comes, also what is written while the transport is awake, for which it is not rung. */
  async settle(): Promise<void> {
    await this.#arrivals();
    this.lane.meanwhile = () => this.frame();
    this.end.transport.spin();
    this.frame();
    await this.#arrivals();
    this.collect(true);
    const { log, failures } = this.end;
    assertEquals(failures, []);
    assertEquals(
      log.map(([what, value], index) => {
        const [, part] = this.#expected[index] ?? [];
        return what === "problem" && String(value).includes(String(part))
          ? [what, part]
          : [what, value];
      }),
      this.#expected as unknown[],
    );
    assertEquals([this.#owed.size, this.#sent.size], [0, 0]);
  }

  [Symbol.dispose](): void {
    this.end.transport[Symbol.dispose]();
  }
}
