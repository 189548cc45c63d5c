import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  counterAt,
  RingReader,
  RingWriter,
} from "../../../../channel/lane/rings.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { LANE_HEAD, LANE_TAIL } from "../../../../proto/lane/layout.ts";
import {
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RecordHeader,
  slotsOf,
  writeFrameHeader,
} from "../../../../proto/lane/record.ts";
import { Prng } from "../../../helpers/prng.ts";
import { FakeLane } from "../../../helpers/lane/fake_lane.ts";

const SLOTS = 16;

/** The two ends of direction 0. */
function ends(): { lane: FakeLane; writer: RingWriter; reader: RingReader } {
  const [host, client] = FakeLane.pair(SLOTS);
  return {
    lane: host,
    writer: new RingWriter(host.native, host.views, 0),
    reader: new RingReader(client.native, client.views, 0),
  };
}

/** Writes a record whose id is `id`. Returns whether there was room. */
function write(
  lane: FakeLane,
  writer: RingWriter,
  id: number,
  bytes: number,
): boolean {
  const slots = slotsOf(bytes);
  const at = writer.reserve(slots);
  if (at === undefined) return false;
  writeFrameHeader(lane.views, at, 0, 0, slots, id, bytes);
  writer.commit(at, slots, 0);
  writer.publish();
  return true;
}

/** Reads all records. Returns the ids of the frames. */
function read(lane: FakeLane, reader: RingReader): number[] {
  const ids: number[] = [];
  const header = new RecordHeader();
  for (let left = reader.look(); left > 0; left -= header.slots) {
    const { at, slot } = reader;
    assertEquals(header.readSlot(lane.views, at, slot, left, SLOTS), undefined);
    if (header.kind === RECORD_KIND.frame) ids.push(header.frame);
    reader.advance(header.slots);
  }
  reader.publish();
  return ids;
}

Deno.test("rings: records of random sizes come out as they went in, past the ring's end", () => {
  const prng = new Prng(7);
  const { lane, writer, reader } = ends();
  const sent: number[] = [], came: number[] = [];
  for (let round = 0; round < 20_000; round++) {
    const bytes = Math.floor(prng.next() * (writer.maxPayload + 1));
    if (write(lane, writer, round, bytes)) sent.push(round);
    if (prng.next() < 0.4) came.push(...read(lane, reader));
  }
  came.push(...read(lane, reader));
  assertEquals(came, sent);
  assert(sent.length > 5_000);
});

Deno.test("rings: a ring is full when its slots are written, and has room again when they are read", () => {
  const { lane, writer, reader } = ends();
  const one = RECORD_HEADER_BYTES;
  for (let n = 0; n < SLOTS; n++) assert(write(lane, writer, n, one));
  assert(!write(lane, writer, 99, one));
  assertEquals(read(lane, reader).length, SLOTS);
  assert(write(lane, writer, 100, one));
  assertEquals(read(lane, reader), [100]);
});

Deno.test("rings: what would cross the end begins at the start, and what is skipped counts as room", () => {
  const { lane, writer, reader } = ends();
  const four = writer.maxPayload; // a quarter of the ring
  for (let n = 0; n < 3; n++) assert(write(lane, writer, n, four));
  assert(write(lane, writer, 3, 100)); // two slots: two are left
  assertEquals(read(lane, reader).length, 4);
  assert(write(lane, writer, 4, four));
  assertEquals(lane.views.counters[counterAt(0, LANE_HEAD)], SLOTS + 4);
  assertEquals(read(lane, reader), [4]);
});

Deno.test("rings: a tail or a head that cannot be is an error", () => {
  const { lane, writer, reader } = ends();
  for (let n = 0; n < 4; n++) {
    assert(write(lane, writer, n, writer.maxPayload)); // there is room without a look at the tail
  }
  lane.views.counters[counterAt(0, LANE_TAIL)] = SLOTS + 1;
  assertThrows(
    () => writer.reserve(1),
    RangeError,
    "head = 16, tail = 17, in a ring of 16",
  );
  lane.views.counters[counterAt(0, LANE_HEAD)] = SLOTS + 1;
  assertThrows(
    () => reader.look(),
    RangeError,
    "head = 17, tail = 0, in a ring of 16",
  );
});

Deno.test("rings: a place that was taken by another record cannot be committed", () => {
  const { lane, writer } = ends();
  const outer = writer.reserve(1)!;
  assert(write(lane, writer, 1, 8));
  const error = assertThrows(() => writer.commit(outer, 1, 0), BridgeError);
  assertEquals(error.code, "bad_argument");
});
