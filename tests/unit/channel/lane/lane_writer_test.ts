import { assert, assertEquals, assertThrows } from "@std/assert";
import { LaneWriter } from "../../../../channel/lane/lane_writer.ts";
import type { RecordOutlet } from "../../../../channel/lane/outgoing_records.ts";
import type { SentMemory } from "../../../../channel/transport.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { compileLane } from "../../../../proto/lane/lane_codec.ts";
import { laneBytes } from "../../../../proto/lane/lane_memory.ts";
import { RECORD_HEADER_BYTES } from "../../../../proto/lane/record.ts";
import * as types from "../../../../proto/schema/field_type.ts";
import type { Frame } from "../../../../proto/schema/field_type.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import { readPayload } from "../../../helpers/lane/fake_lane_memory.ts";
import { NO_MEMORY } from "../../../helpers/lane/lane_end.ts";

const Note = schema({
  name: "Note",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { count: types.UInt32, text: types.String },
});
const CODEC = compileLane(Note);
const AT = 64;

/** A writer, and what it does. */
class Written {
  /** Where the ring has room; `undefined`: nowhere. */
  room: number | undefined = AT;
  codecs = 0;
  readonly did: string[] = [];
  readonly #ring = laneBytes(new Uint8Array(1024));
  readonly writer: LaneWriter<typeof Note>;

  constructor() {
    const outlet: RecordOutlet = {
      ring: this.#ring,
      reserve: () => this.room,
      commit: (port, at, bytes) => {
        const payload = this.#ring.bytes.slice(at, at + bytes);
        return this.#sent("ring", port, payload);
      },
      abandon: () => void this.did.push("abandon"),
      sendRecord: (port, { bytes }) =>
        this.#sent("message", port, bytes.slice(RECORD_HEADER_BYTES)),
      end: (port, name) => void this.did.push(`end ${port} ${name}`),
    };
    this.writer = new LaneWriter(3, "notes", () => {
      this.codecs++;
      return CODEC;
    }, outlet);
  }

  #sent(how: string, port: number, payload: Uint8Array): number {
    const { count, text } = readPayload(CODEC, payload) as Frame<typeof Note>;
    this.did.push(`${how} ${port}: ${count} ${text}`);
    return this.did.length;
  }
}

Deno.test("lane writer: a frame is written into the ring, or into a message if the ring has no room", () => {
  const written = new Written();
  const { writer, did } = written;
  const one = writer.send({ count: 1, text: "a" }, NO_MEMORY);
  written.room = undefined;
  const other = writer.send({ count: 2, text: "b" }, NO_MEMORY);
  writer.end();
  assertEquals(did, ["ring 3: 1 a", "message 3: 2 b", "end 3 notes"]);
  assertEquals([one.id, other.id, one.cost], [1, 2, other.cost]);
  assertEquals(written.codecs, 1); // made for the first frame
});

Deno.test("lane writer: a kept frame is sent as it was, whatever the ring has room for then", () => {
  const written = new Written();
  const { writer, did } = written;
  for (const room of [AT, undefined]) {
    written.room = room === AT ? undefined : AT;
    const frame = { count: 1, text: "kept" };
    const kept = writer.keep(frame, NO_MEMORY);
    frame.text = "changed";
    written.room = room;
    assertEquals(kept.send().id, did.length);
  }
  assertEquals(did, ["ring 3: 1 kept", "message 3: 1 kept"]);
});

Deno.test("lane writer: a frame that does not fit, or is beyond a message, is refused before anything is written", () => {
  const { writer, did } = new Written();
  const wrong = { count: -1, text: "" };
  assert(writer.check(wrong)?.message.includes("count"));
  assertEquals(writer.check({ count: 1, text: "" }), undefined);
  const long = { count: 1, text: "x".repeat(1 << 20) };
  for (const send of ["send", "keep"] as const) {
    const codes = [wrong, long].map((frame) =>
      assertThrows(() => writer[send](frame, NO_MEMORY), BridgeError).code
    );
    assertEquals(codes, ["schema_mismatch", "bad_argument"]);
  }
  assertEquals(did, []);
});

Deno.test("lane writer: what was reserved is abandoned if the memory cannot be offered", () => {
  const { writer, did } = new Written();
  const failing: SentMemory = {
    ...NO_MEMORY,
    offerPieces: () => {
      throw new Error("no offer");
    },
  };
  assertThrows(
    () => writer.send({ count: 1, text: "" }, failing),
    Error,
    "no offer",
  );
  assertEquals(did, ["abandon"]);
  writer.send({ count: 2, text: "" }, NO_MEMORY);
  assertEquals(did.at(-1), "ring 3: 2 ");
});
