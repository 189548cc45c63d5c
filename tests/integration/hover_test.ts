import { assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import { isolatedHome } from "../helpers/home.ts";
import { LanguageServer } from "../helpers/language_server.ts";
import { permittedTest } from "../helpers/permitted.ts";

/** What an editor shows of the fields of a frame. */

const ROOT = new URL("../../", import.meta.url);

/** The places that are asked are those of `^` in the line below. */
const SOURCE = `
import { call, field, Float32, reactive, schema, setting, UInt32, VideoFrame } from "@streamlib/bridge/client";

const Pose = schema({
  name: "Pose",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    /** Metres above the origin. */
    y: field(Float32, "Metres above the origin"),
    /** How often it was seen. */
    seen: UInt32,
  },
});

export default reactive({
  inputs: { video: VideoFrame, pose: Pose },
  outputs: { video: VideoFrame },
  settings: {
    /** How much of it is shown. */
    amount: setting(Float32, { default: 1 }),
  },
  calls: {
    amount: call({ reply: { amount: Float32 } }, (_, { input, settings }) => {
      input.pose.get()!.y;
      //                ^
      return { amount: settings.amount };
      //                        ^
    }),
  },
  process({ input, output }) {
    using frame = input.video.get()!;
    frame.width;
    //    ^
    frame.color?.primaries;
    //           ^
    using pose = input.pose.get()!;
    pose.y;
    //   ^
    pose.seen;
    //   ^
    using out = output.video.acquire({ width: 1, height: 1, pixel_format: "rgba8" });
    //                                 ^
    out.frame_number;
    //  ^
  },
});
`;

permittedTest(
  "an editor shows the fields of frames with their comments",
  { run: true, read: true, write: true, env: true, exhaustive: true },
  async () => {
    using home = isolatedHome();
    const project = pathToFileURL(`${home.path}/`);
    const client = new URL("client/mod.ts", ROOT).href;
    Deno.writeTextFileSync(
      new URL("deno.json", project),
      JSON.stringify({ imports: { "@streamlib/bridge/client": client } }),
    );
    await using server = await LanguageServer.start(project);
    const uri = new URL("hover.ts", project).href;
    await server.open(uri, SOURCE);
    const shown: string[] = [];
    const lines = SOURCE.split("\n");
    for (const [index, line] of lines.entries()) {
      const mark = /^ +\/\/ +\^$/.test(line) ? line.indexOf("^") : -1;
      if (mark < 0) continue;
      const text = await server.hover(uri, index - 1, mark);
      shown.push(text.trim().split("\n").at(-1)!);
    }
    assertEquals(shown, [
      "Metres above the origin.",
      "How much of it is shown.",
      "Pixels per row.",
      "The red, green and blue that the values mean.",
      "Metres above the origin.",
      "How often it was seen.",
      "Pixels per row.",
      "How many came before it.",
    ]);
  },
);
