import { assert, assertEquals } from "@std/assert";
import {
  type LaneBytes,
  laneBytes,
} from "../../../../proto/lane/lane_memory.ts";
import { LANE_SLOT_BYTES } from "../../../../proto/lane/layout.ts";
import {
  END_PAYLOAD_BYTES,
  MAX_RECORD_SLOTS,
  readEnd,
  readRelease,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RecordHeader,
  releaseBytes,
  slotsOf,
  writeEnd,
  writeFrameHeader,
  writeRelease,
  writeSkip,
} from "../../../../proto/lane/record.ts";
import { HostileBytes } from "../../../helpers/hostile_bytes.ts";
import { Prng } from "../../../helpers/prng.ts";

const SLOTS = 16;

function ring(): LaneBytes {
  return laneBytes(new Uint8Array(LANE_SLOT_BYTES * SLOTS));
}

/** Reads the header in a slot. Returns it, or what is wrong with it. */
function headerAt(
  lane: LaneBytes,
  slot: number,
  ready = SLOTS - slot,
): Partial<RecordHeader> | string {
  const header = new RecordHeader();
  const wrong = header.readSlot(
    lane,
    LANE_SLOT_BYTES * slot,
    slot,
    ready,
    SLOTS,
  );
  return wrong ?? { ...header };
}

/** What a release says, as a list of calls. */
function releaseIn(lane: LaneBytes, at: number, bytes: number): unknown {
  const said: unknown[] = [];
  const wrong = readRelease(lane, at, bytes, {
    dropped: (count) => said.push(["dropped", count]),
    piece: (id, generation) => said.push(["piece", id, generation]),
    frame: (id) => said.push(["frame", id]),
  });
  return wrong === undefined ? said : [wrong, ...said];
}

Deno.test("a frame's header is read as it was written, at any slot", () => {
  const lane = ring();
  for (const slot of [0, 3, 15]) {
    const [after, port, frame, bytes] = [2 ** 32 - 1, 65535, 2 ** 31, 48];
    writeFrameHeader(lane, 64 * slot, after, port, 1, frame, bytes);
    assertEquals(headerAt(lane, slot), {
      after,
      port,
      kind: RECORD_KIND.frame,
      slots: 1,
      frame,
      bytes,
    });
  }
});

Deno.test("a record takes the slots of its header and payload", () => {
  assertEquals(slotsOf(0), 1);
  assertEquals(slotsOf(48), 1);
  assertEquals(slotsOf(49), 2);
  assertEquals(slotsOf(64 * MAX_RECORD_SLOTS - RECORD_HEADER_BYTES), 255);
});

Deno.test("a skip, an end and releases are read as they were written", () => {
  const lane = ring();
  writeSkip(lane, 64 * 14, 5, 2);
  const skip = { after: 5, port: 0, kind: RECORD_KIND.skip, slots: 2 };
  assertEquals(headerAt(lane, 14), { ...skip, frame: 0, bytes: 0 });

  for (const dropped of [0, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    writeEnd(lane, 64, 6, 3, dropped);
    const bytes = END_PAYLOAD_BYTES;
    const end = { after: 6, port: 3, kind: RECORD_KIND.end, slots: 1 };
    assertEquals(headerAt(lane, 1), { ...end, frame: 0, bytes });
    assertEquals(readEnd(lane, 64 + 16, bytes), dropped);

    const pieces = [{ id: 2 ** 32 - 1, generation: 1 }, {
      id: 2,
      generation: 2 ** 32 - 1,
    }];
    const frames = [7, 2 ** 32 - 1, 8, 9];
    writeRelease(lane, 128, 7, dropped, pieces, frames);
    const size = releaseBytes(2, 4);
    assertEquals(size, 12 + 16 + 16);
    const release = { after: 7, port: 0, kind: RECORD_KIND.release, slots: 1 };
    assertEquals(headerAt(lane, 2), { ...release, frame: 0, bytes: size });
    assertEquals(releaseIn(lane, 128 + 16, size), [
      ["dropped", dropped],
      ["piece", 2 ** 32 - 1, 1],
      ["piece", 2, 2 ** 32 - 1],
      ["frame", 7],
      ["frame", 2 ** 32 - 1],
      ["frame", 8],
      ["frame", 9],
    ]);
  }
  writeRelease(lane, 0, 0, 0, [], []);
  assertEquals(releaseIn(lane, 16, releaseBytes(0, 0)), [["dropped", 0]]);
});

Deno.test("a header that cannot be is refused with what is wrong", () => {
  const lane = ring();
  const refused = (
    what: string,
    change: (view: DataView) => void,
    slot = 0,
    ready = SLOTS - slot,
  ): void => {
    writeFrameHeader(lane, 64 * slot, 1, 2, 2, 3, 100);
    change(new DataView(lane.bytes.buffer, 64 * slot));
    assertEquals(headerAt(lane, slot, ready), what);
  };
  const nothing = (): void => {};
  refused(
    "a record with kind = 0 (allowed: 1 to 4)",
    (view) => view.setUint8(6, 0),
  );
  refused(
    "a record with kind = 5 (allowed: 1 to 4)",
    (view) => view.setUint8(6, 5),
  );
  refused(
    "a record with slots = 0 (allowed: at least 1)",
    (view) => view.setUint8(7, 0),
  );
  refused(
    "a record with slots = 2 (allowed: up to 1, the slots that were published)",
    nothing,
    0,
    1,
  );
  refused(
    "a record with slots = 2 (allowed: up to 1, the slots from slot 15 to the end of the ring)",
    nothing,
    15,
    4,
  );
  refused(
    "a record with bytes = 113 (allowed: up to 112 in 2 slots)",
    (view) => view.setUint32(12, 113, true),
  );
  refused(
    "a record with bytes = 4294967295 (allowed: up to 112 in 2 slots)",
    (view) => view.setUint32(12, 2 ** 32 - 1, true),
  );
  refused(
    "a record with frame = 3 (allowed: 0 for kind 3)",
    (view) => view.setUint8(6, RECORD_KIND.end),
  );
  refused("a record with port = 2 (allowed: 0 for kind 2)", (view) => {
    view.setUint8(6, RECORD_KIND.release);
    view.setUint32(8, 0, true);
  });
  refused("a record with bytes = 100 (allowed: 0 for kind 4)", (view) => {
    view.setUint8(6, RECORD_KIND.skip);
    view.setUint16(4, 0, true);
    view.setUint32(8, 0, true);
  });
});

Deno.test("the record of a message is a frame without slots that fills it", () => {
  const message = (
    bytes: number,
    change: (view: DataView) => void = () => {},
  ): unknown => {
    const data = laneBytes(new Uint8Array(bytes));
    if (bytes >= RECORD_HEADER_BYTES) {
      writeFrameHeader(data, 0, 9, 2, 0, 3, bytes - RECORD_HEADER_BYTES);
      change(data.view);
    }
    const header = new RecordHeader();
    return header.readMessage(data) ?? { ...header };
  };
  const frame = {
    after: 9,
    port: 2,
    kind: RECORD_KIND.frame,
    slots: 0,
    frame: 3,
  };
  assertEquals(message(16), { ...frame, bytes: 0 });
  // More than any number of slots has.
  assertEquals(message(100_016), { ...frame, bytes: 100_000 });
  assertEquals(
    message(15),
    "a record of 15 bytes in a message (allowed: at least 16, its header)",
  );
  assertEquals(
    message(0),
    "a record of 0 bytes in a message (allowed: at least 16, its header)",
  );
  assertEquals(
    message(20, (view) => view.setUint8(6, RECORD_KIND.end)),
    "a record in a message with kind = 3 (allowed: 1, a frame)",
  );
  assertEquals(
    message(20, (view) => view.setUint8(7, 1)),
    "a record with slots = 1 (allowed: 0 in a message)",
  );
  for (const bytes of [3, 5, 2 ** 32 - 1]) {
    assertEquals(
      message(20, (view) => view.setUint32(12, bytes, true)),
      `a record with bytes = ${bytes} (allowed: 4, the rest of the message)`,
    );
  }
});

Deno.test("an end and a release that cannot be are refused, and nothing of them is taken", () => {
  const lane = ring();
  assertEquals(readEnd(lane, 16, 7), "an end with bytes = 7 (allowed: 8)");
  assertEquals(readEnd(lane, 16, 9), "an end with bytes = 9 (allowed: 8)");
  lane.view.setUint32(20, 2 ** 21, true);
  const tooMany =
    "a record with dropped = 9007199254740992 (allowed: up to 9007199254740991)";
  assertEquals(readEnd(lane, 16, 8), tooMany);
  assertEquals(releaseIn(lane, 16, 11), [
    "a release with bytes = 11 (allowed: at least 12)",
  ]);
  assertEquals(releaseIn(lane, 16, 12), [tooMany]);
  assertEquals(releaseIn(ring(), 16, 13), [
    "a release with bytes = 13 (allowed: 12 for 0 pieces and 0 frames)",
  ]);
  lane.view.setUint32(20, 0, true);
  lane.view.setUint16(24, 65535, true);
  lane.view.setUint16(26, 65535, true);
  assertEquals(releaseIn(lane, 16, 44), [
    "a release with bytes = 44 (allowed: 786432 for 65535 pieces and 65535 frames)",
  ]);
});

Deno.test("whatever bytes are there and however they change, a record is read within its bytes, each once", () => {
  const prng = new Prng(77);
  let read = 0;
  for (let n = 0; n < 20_000; n++) {
    const bytes = prng.bytes(64);
    bytes[6] = prng.below(6);
    bytes[7] = prng.below(3);
    if (prng.below(8)) bytes.fill(0, 13, 16);
    if (prng.below(2)) bytes.fill(0, 8, 12);
    if (prng.below(2)) bytes.fill(0, 4, 6);
    if (prng.below(2)) bytes[12] = prng.pick([0, 8, 12, 24]);
    const slot = prng.below(SLOTS);
    const hostile = new HostileBytes(bytes, 0, 64, prng);
    const header = new RecordHeader();
    const wrong = header.readSlot(hostile, 0, slot, 1, SLOTS);
    hostile.check();
    if (wrong !== undefined) continue;
    read++;
    const payload = new HostileBytes(bytes, 16, 16 + header.bytes, prng);
    if (header.kind === RECORD_KIND.end) readEnd(payload, 16, header.bytes);
    if (header.kind === RECORD_KIND.release) {
      releaseIn(payload, 16, header.bytes);
    }
    payload.check();
  }
  assert(read > 500, `${read}`);
});
