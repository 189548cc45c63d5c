/**
 * The golden files of lanes, `tests/golden/lane/`: data that every implementation
 * of lanes reads. Their bytes never change as long as the version is 1.
 *
 * A file of frames has their `schemas`, the first one is the frames'; `frames` in
 * the form of `tests/helpers/frame_json.ts` with their payloads, and the minor
 * version that both sides have, if it is not the schema's; and payloads that are
 * `refused`, with the message of the misfit.
 */

import { assert, assertEquals } from "@std/assert";
import { compileLane } from "../../../../proto/lane/lane_codec.ts";
import { laneBytes } from "../../../../proto/lane/lane_memory.ts";
import {
  readEnd,
  readRelease,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RecordHeader,
  type ReleasedUse,
  writeEnd,
  writeFrameHeader,
  writeRelease,
  writeSkip,
} from "../../../../proto/lane/record.ts";
import { parseSchemas } from "../../../../proto/schema/json/schema_json.ts";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import {
  payloadOf,
  readPayload,
} from "../../../helpers/lane/fake_lane_memory.ts";
import {
  fromHex,
  jsonOfValues,
  NamedMemory,
  toHex,
  valuesOfJson,
} from "../../../helpers/frame_json.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const FOLDER = new URL("../../../golden/lane/", import.meta.url);

/** The files of frames. */
const FRAMES = [
  "arrays",
  "audio_frame",
  "bool_and_enum",
  "eight_numbers",
  "memory",
  "minor_versions",
  "no_fields",
  "numbers",
  "optional",
  "references",
  "structs",
  "text_and_bytes",
  "video_frame",
];

type JsonObject = Parameters<typeof valuesOfJson>[1];

interface FrameFile {
  readonly schemas: readonly { readonly name: string }[];
  readonly frames: readonly {
    readonly minor?: number;
    readonly frame: JsonObject;
    readonly bytes: string;
  }[];
  readonly refused?: readonly {
    readonly minor?: number;
    readonly bytes: string;
    readonly message: string;
  }[];
}

async function read<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(`${name}.json`, FOLDER)));
}

for (const name of FRAMES) {
  permittedTest(`golden frames: ${name}`, { read: true }, async () => {
    const { schemas, frames, refused = [] } = await read<FrameFile>(name);
    const schema = parseSchemas(schemas).get(schemas[0]!.name)!;
    for (const { minor, frame, bytes } of frames) {
      const codec = compileLane(schema, minor === undefined ? {} : { minor });
      const memory = new NamedMemory();
      const values = valuesOfJson(schema.fields, frame, memory);
      assertEquals(toHex(payloadOf(codec, values, memory)), bytes);
      const found = readPayload(codec, fromHex(bytes), memory);
      assert(!(found instanceof Misfit), (found as Misfit).message);
      const fields = found as Record<string, unknown>;
      assertEquals(jsonOfValues(schema.fields, fields, memory), frame);
    }
    for (const { minor, bytes, message } of refused) {
      const codec = compileLane(schema, minor === undefined ? {} : { minor });
      const misfit = readPayload(codec, fromHex(bytes), new NamedMemory());
      assert(misfit instanceof Misfit, `${bytes} is a frame`);
      assertEquals(misfit.message, message);
    }
  });
}

permittedTest(
  "every golden file of lanes is read",
  { read: true },
  async () => {
    const found: string[] = [];
    for await (const { name } of Deno.readDir(FOLDER)) found.push(name);
    const known = [...FRAMES, "records"].map((name) => `${name}.json`);
    assertEquals(found.sort(), known.sort());
  },
);

interface GoldenRecord {
  readonly kind: keyof typeof RECORD_KIND;
  readonly after: number;
  readonly port?: number;
  readonly slots: number;
  readonly frame?: number;
  readonly payload?: string;
  readonly dropped?: number;
  readonly pieces?: readonly ReleasedUse[];
  readonly frames?: readonly number[];
  readonly bytes: string;
}

/** Writes a record. Returns its bytes. */
function written(record: GoldenRecord, length: number): string {
  const into = laneBytes(new Uint8Array(length));
  const { kind, after, port = 0, slots, frame = 0, dropped = 0 } = record;
  if (kind === "frame") {
    const payload = fromHex(record.payload ?? "");
    writeFrameHeader(into, 0, after, port, slots, frame, payload.length);
    into.bytes.set(payload, RECORD_HEADER_BYTES);
  } else if (kind === "release") {
    const { pieces = [], frames = [] } = record;
    writeRelease(into, 0, after, dropped, pieces, frames);
  } else if (kind === "end") writeEnd(into, 0, after, port, dropped);
  else writeSkip(into, 0, after, slots);
  return toHex(into.bytes);
}

permittedTest("golden records", { read: true }, async () => {
  const { records } = await read<{ records: GoldenRecord[] }>("records");
  for (const record of records) {
    const { kind, slots, port = 0, frame = 0, after, dropped } = record;
    const bytes = fromHex(record.bytes);
    assertEquals(written(record, bytes.length), record.bytes);
    const from = laneBytes(bytes);
    const header = new RecordHeader();
    const wrong = slots === 0
      ? header.readMessage(from)
      : header.readSlot(from, 0, 0, slots, 256);
    assertEquals(wrong, undefined);
    const size = bytes.length - RECORD_HEADER_BYTES;
    assertEquals({ ...header }, {
      after,
      port,
      kind: RECORD_KIND[kind],
      slots,
      frame,
      bytes: size,
    });
    if (kind === "end") {
      assertEquals(readEnd(from, RECORD_HEADER_BYTES, size), dropped);
    }
    if (kind === "release") {
      const pieces: ReleasedUse[] = [];
      const frames: number[] = [];
      readRelease(from, RECORD_HEADER_BYTES, size, {
        dropped: (count) => assertEquals(count, dropped),
        piece: (id, generation) => pieces.push({ id, generation }),
        frame: (id) => frames.push(id),
      });
      assertEquals(pieces, record.pieces);
      assertEquals(frames, record.frames);
    }
  }
});
