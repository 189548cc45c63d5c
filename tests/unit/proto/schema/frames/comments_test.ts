import { assertEquals } from "@std/assert";
import { AudioFrame } from "../../../../../proto/schema/frames/audio_frame.ts";
import { DataFrame } from "../../../../../proto/schema/frames/data_frame.ts";
import {
  ColorSpace,
  VideoFrame,
} from "../../../../../proto/schema/frames/video_frame.ts";
import type { Fields } from "../../../../../proto/schema/field_type.ts";
import { permittedTest } from "../../../../helpers/permitted.ts";

/** What an editor shows of a field is its comment, since a description is a value. */
const FRAMES: readonly [file: string, fields: readonly Fields[]][] = [
  ["audio_frame", [AudioFrame.fields]],
  ["data_frame", [DataFrame.fields]],
  ["video_frame", [ColorSpace.fields, VideoFrame.fields]],
];

permittedTest(
  "each field of a shipped frame has its description as its comment",
  { read: true },
  async () => {
    for (const [file, fields] of FRAMES) {
      const source = await Deno.readTextFile(
        new URL(
          `../../../../../proto/schema/frames/${file}.ts`,
          import.meta.url,
        ),
      );
      const found = [
        ...source.matchAll(/\/\*\* (.*)\. \*\/\n +readonly (\w+):/g),
      ]
        .map(([, comment, name]) => [name, comment]);
      const described = fields.flatMap((one) =>
        Object.entries(one).map(([name, field]) => [name, field.description])
      );
      assertEquals(found, described, file);
    }
  },
);
