import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { hasPython } from "../../tools/install/python.ts";
import { type Ended, run } from "../helpers/child.ts";
import { FakePrograms } from "../helpers/fake_python.ts";
import { guidePython } from "../helpers/guide_project.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { prepare } from "../helpers/preparation.ts";

/** The demo with its processor in Python: it must give the same pixels as the one in TypeScript. */

const ROOT = new URL("../../", import.meta.url);
const NEEDS = {
  ...HOST_NEEDS,
  ...(hasPython() ? {} : { lacking: "no python3 with venv" }),
};

if (hasPython()) prepare("numpy", guidePython);

/** Runs the demo. */
function demo(...args: string[]): Promise<Ended> {
  return run(Deno.execPath(), {
    args: ["task", "--quiet", "demo", "--json", ...args],
    cwd: ROOT,
  });
}

/** A Y4M video of odd size, whose samples have all values. `bits` is 8 or 10. */
function video(tags: string, planes: readonly number[], bits = 8): Uint8Array {
  const parts: Uint8Array[] = [];
  const text = (line: string) => parts.push(new TextEncoder().encode(line));
  text(`YUV4MPEG2 W67 H49 F25:1 Ip ${tags}\n`);
  for (let frame = 0; frame < 3; frame++) {
    text("FRAME\n");
    for (const samples of planes) {
      let state = samples + frame;
      const next = () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return state >>> 16;
      };
      const plane = Array.from({ length: samples }, next);
      parts.push(
        bits === 8
          ? Uint8Array.from(plane)
          : new Uint8Array(Uint16Array.from(plane, (x) => x & 1023).buffer),
      );
    }
  }
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

const LUMA = 67 * 49;
const CHROMA = 34 * 25;
const VIDEOS: Readonly<Record<string, Uint8Array>> = {
  "i420": video("C420jpeg", [LUMA, CHROMA, CHROMA]),
  "i420 of full range": video("C420jpeg XCOLORRANGE=FULL", [
    ...[LUMA, CHROMA, CHROMA],
  ]),
  "p010": video("C420p10", [LUMA, CHROMA, CHROMA], 10),
  "gray8": video("Cmono", [LUMA]),
  "gray16": video("Cmono10", [LUMA], 10),
  "rgba8": video("C444", [LUMA, LUMA, LUMA]),
};

permittedTest(
  "demo --python gives the same picture as the demo, and verifies every frame",
  NEEDS,
  async () => {
    using home = isolatedHome();
    const python = `--python=${await guidePython()}`;
    const pictures: Uint8Array[] = [];
    for (const [language, args] of [["deno", []], ["python", [python]]]) {
      const file = `${home.path}/${language}.png`;
      const { code, stdout, stderr } = await demo(
        ...["--frames", "61", "--snapshot", file],
        ...args!,
      );
      assertEquals(code, 0, stderr);
      const summary = JSON.parse(stdout);
      assertEquals(summary.client, language);
      assertEquals(summary.frames_verified, 61);
      assertEquals(summary.frames_recomputed, 2);
      assertEquals(summary.pixel_bytes_copied_per_frame, 0);
      pictures.push(Deno.readFileSync(file));
    }
    assertEquals(pictures[0], pictures[1]);
  },
);

permittedTest(
  "demo --python: pixels of every format are as in TypeScript",
  NEEDS,
  async () => {
    using home = isolatedHome();
    const python = `--python=${await guidePython()}`;
    for (const [format, bytes] of Object.entries(VIDEOS)) {
      const file = `${home.path}/film.y4m`;
      Deno.writeFileSync(file, bytes);
      const { code, stdout, stderr } = await demo("--input", file, python);
      assertEquals(code, 0, `${format}: ${stderr}`);
      const { frames_verified, frames_recomputed } = JSON.parse(stdout);
      assertEquals([frames_verified, frames_recomputed], [3, 1], format);
    }
  },
);

permittedTest(
  "demo --python: without numpy it says which Python needs it",
  { ...HOST_NEEDS, ...(hasPython() ? {} : { lacking: "no python3" }) },
  async () => {
    using _ = isolatedHome();
    using fake = new FakePrograms();
    // An interpreter that sees no packages but its own.
    const bare = fake.python("bare", 'exec python3 -S -I "$@"');
    const { code, stdout, stderr } = await demo(`--python=${bare}`);
    assertEquals(code, 1, stderr);
    const { error } = JSON.parse(stdout);
    assertStringIncludes(error.message, "there is no module 'numpy' for ");
    assertStringIncludes(stderr, "install it for this Python");
    assertStringIncludes(stderr, fileURLToPath(new URL("demo/python/", ROOT)));
  },
);
