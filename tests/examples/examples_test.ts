import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Ended, onlyVariables, run } from "../helpers/child.ts";
import {
  commandsOf,
  exampleEnvironment,
  exampleVariables,
} from "../helpers/example_commands.ts";
import { folderForHomes } from "../helpers/home.ts";
import {
  ffmpegOnPath,
  HAS_PACKAGES,
  hasFfmpeg,
} from "../../tools/install/ffmpeg.ts";
import { hasPython } from "../../tools/install/python.ts";
import { ROOT } from "../../tools/checkout.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { prepare } from "../helpers/preparation.ts";

/** The examples, run by the commands of their READMEs; what they write is read. */

const NEEDS = { run: true, read: true, write: true, env: true } as const;
const EXAMPLES = [
  "audio-reverb",
  "camera-python-display",
  "chain",
  "detector",
  "detector-python",
  "file-to-file",
  "streams",
  "tee",
];
/** Those with a processor in Python, and packages of its own. */
const IN_PYTHON = ["camera-python-display", "detector-python"];
const HAS_PYTHON = hasPython();
const MAX_LINES = 60;

if (HAS_PACKAGES) prepare("ffmpeg", ffmpegOnPath);
prepare("the examples' npm packages", async () => {
  const args = ["cache", "--quiet", "examples/detector/host.ts"];
  const options = { args, cwd: ROOT, limitMs: 1_800_000 }; // 35 MB
  const { code, stderr } = await run(Deno.execPath(), options);
  assertEquals(code, 0, stderr);
});

if (HAS_PYTHON) {
  for (const example of IN_PYTHON) {
    prepare(
      `the Python packages of ${example}`,
      () => exampleEnvironment(example),
    );
  }
}

/** Runs an example as its README says, with other files: they replace the last words. */
async function runExample(
  example: string,
  folder: string,
  ...files: string[]
): Promise<Ended> {
  const words = (await commandsOf(example)).at(-1)!;
  return await runWords(
    [...words.slice(0, words.length - files.length), ...files],
    folder,
  );
}

/** Runs Deno with the words of an example's command. */
async function runWords(words: string[], folder: string): Promise<Ended> {
  const args = words.toSpliced(1, 0, "--no-prompt", "--quiet");
  const ended = await run(Deno.execPath(), {
    args,
    cwd: ROOT,
    ...exampleVariables(folder),
  });
  assertEquals(ended.code, 0, ended.stdout + ended.stderr);
  return ended;
}

/** Registers a test that gets a folder of its own. */
function exampleTest(
  name: string,
  body: (folder: string) => Promise<void>,
  { ffmpeg = false, python = false }: {
    readonly ffmpeg?: boolean;
    readonly python?: boolean;
  } = {},
): void {
  const lacking = ffmpeg && !HAS_PACKAGES && !hasFfmpeg()
    ? "no ffmpeg"
    : python && !HAS_PYTHON
    ? "no python3 with venv"
    : undefined;
  permittedTest(
    name,
    { ...NEEDS, service: true, lacking },
    async () => {
      const folder = folderForHomes();
      try {
        await body(folder);
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  );
}

permittedTest(
  "each file of an example is short, and each example has a README that says how to run it",
  { read: true },
  async () => {
    const folders: string[] = [];
    for await (const entry of Deno.readDir(new URL("examples/", ROOT))) {
      if (!entry.isDirectory) continue;
      folders.push(entry.name);
      const folder = new URL(`examples/${entry.name}/`, ROOT);
      for await (const { name } of Deno.readDir(folder)) {
        if (!/\.(ts|py)$/.test(name)) continue;
        const text = await Deno.readTextFile(new URL(name, folder));
        const lines = text.split("\n").length - 1;
        assert(lines < MAX_LINES, `${entry.name}/${name} has ${lines} lines`);
      }
      assert((await commandsOf(entry.name)).length > 0, entry.name);
    }
    assertEquals(folders.sort(), EXAMPLES);
  },
);

permittedTest(
  "the tests of the examples' processors pass without permissions",
  { run: true, read: true, env: true },
  async () => {
    const { PATH = "", HOME = "", DENO_DIR } = Deno.env.toObject();
    const { code, stdout, stderr } = await run(Deno.execPath(), {
      args: ["test", "--no-prompt", "--no-check", "examples"],
      cwd: ROOT,
      ...onlyVariables({
        PATH,
        HOME,
        ...(DENO_DIR !== undefined && { DENO_DIR }),
        NO_COLOR: "1",
      }),
    });
    assertEquals(code, 0, stdout + stderr);
    assertStringIncludes(stdout, "| 0 failed");
  },
);

// ---- pictures ----

/** A PGM or PPM file. */
interface Picture {
  readonly width: number;
  readonly height: number;
  /** The value of a component of a pixel. */
  at(x: number, y: number, component?: number): number;
}

function readPicture(path: string): Picture {
  const bytes = Deno.readFileSync(path);
  const end = bytes.indexOf(0x0a);
  const head = new TextDecoder().decode(bytes.subarray(0, end)).split(" ");
  const [width, height, most] = head.slice(1).map(Number);
  const components = head[0] === "P6" ? 3 : 1;
  assertEquals([most, bytes.length - end - 1], [
    255,
    width! * height! * components,
  ]);
  return {
    width: width!,
    height: height!,
    at: (x, y, component = 0) =>
      bytes[end + 1 + (y * width! + x) * components + component]!,
  };
}

exampleTest(
  "chain: both clients see every picture, nothing is copied, and the last picture has its rings",
  async (folder) => {
    const target = `${folder}/out.ppm`;
    const { stdout, stderr } = await runExample("chain", folder, target);
    assertEquals(stdout, "100 of 100 pictures, 0 bytes of pixels copied\n");
    assertStringIncludes(stderr, "green: 127.");
    const { width, height, at } = readPicture(target);
    assertEquals([width, height], [960, 540]);
    const wrong: string[] = [];
    for (let y = 0; y < height; y += 7) {
      for (let x = 0; x < width; x += 11) {
        const gray = Math.round(255 * y / height);
        const radius = Math.hypot(x - width / 2, y - height / 2);
        const expected = (radius - 99) % 80 > 60 ? 255 - gray : gray;
        const found = [0, 1, 2].map((component) => at(x, y, component));
        if (found.some((value) => value !== expected)) {
          wrong.push(`${x},${y}: ${found}, not ${expected}`);
        }
      }
    }
    assertEquals(wrong, []);
  },
);

exampleTest(
  "tee: each of three clients gets every picture, nothing is copied, and each writes its color",
  async (folder) => {
    const { stdout } = await runExample("tee", folder, folder);
    assertEquals(
      stdout,
      "100,100,100 of 100 pictures, 0 bytes of pixels copied\n",
    );
    const [red, green, blue] = ["red", "green", "blue"].map((color) =>
      readPicture(`${folder}/${color}.pgm`)
    );
    for (const { width, height } of [red!, green!, blue!]) {
      assertEquals([width, height], [640, 360]);
    }
    for (let y = 0; y < 360; y += 13) {
      for (let x = 0; x < 640; x += 17) {
        const bar = x >= 396 && x < 496 ? 255 : 0;
        assertEquals(
          [red!.at(x, y), green!.at(x, y), blue!.at(x, y)],
          [Math.floor(256 * x / 640), Math.floor(256 * y / 360), bar],
          `${x},${y}`,
        );
      }
    }
  },
);

exampleTest(
  "streams: every second picture goes through the graph, and is inverted",
  async (folder) => {
    const target = `${folder}/out.pgm`;
    const { stdout } = await runExample("streams", folder, target);
    assertEquals(stdout, "50 of 100 pictures, 0 bytes of pixels copied\n");
    const { width, height, at } = readPicture(target);
    assertEquals([width, height], [320, 180]);
    for (let y = 0; y < 180; y += 13) {
      for (let x = 0; x < 320; x += 17) {
        assertEquals(at(x, y), 255 - (x + 98) % 256, `${x},${y}`);
      }
    }
  },
);

/** What the detectors find, with both thresholds. */
const FOUND_SPOTS =
  "threshold 0.25: 0.59 at 40,60; 0.31 at 136,60; 0.43 at 88,120\n" +
  "threshold 0.05: 0.59 at 40,60; 0.31 at 136,60; 0.14 at 232,60; " +
  "0.43 at 88,120; 0.22 at 184,120; 0.08 at 280,120\n";

exampleTest(
  "detector-python: the model finds what it finds in TypeScript",
  async (folder) => {
    const { stdout, stderr } = await runExample("detector-python", folder);
    assertEquals(stderr, "");
    assertEquals(stdout, FOUND_SPOTS);
  },
  { python: true },
);

exampleTest(
  "detector: a lower threshold finds the faint spots too, and the snapshot has a box around each spot",
  async (folder) => {
    const target = `${folder}/out.ppm`;
    const { stdout, stderr } = await runExample("detector", folder, target);
    assertEquals(stdout, FOUND_SPOTS);
    assertEquals(stderr, "");
    const { width, height, at } = readPicture(target);
    assertEquals([width, height], [320, 180]);
    const spots = [150, 110, 80, 55, 35, 20].map((brighter, n) => ({
      brighter,
      x: 40 + 48 * n,
      y: n % 2 === 0 ? 60 : 120,
    }));
    const wrong: string[] = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const near = spots.find((spot) =>
          Math.max(Math.abs(x - spot.x), Math.abs(y - spot.y)) <= 9
        );
        const [u, v] = near ? [x - near.x, y - near.y] : [99, 99];
        const inSpot = near && Math.hypot(u, v) <= 4 ? near.brighter : 0;
        const gray = Math.floor(20 + x / 4) + inSpot;
        const isBox = Math.max(Math.abs(u), Math.abs(v)) === 9;
        const expected = isBox ? [255, 0, 0] : [gray, gray, gray];
        const found = [0, 1, 2].map((component) => at(x, y, component));
        if (found.some((value, i) => value !== expected[i])) {
          wrong.push(`${x},${y}: ${found}, not ${expected}`);
        }
      }
    }
    assertEquals(wrong, []);
  },
);

/** What the cartoonist makes of a value of a component, with 4 colors. */
function cartoonOf(value: number): number {
  return Math.floor(value * 4 / 256) * 85;
}

exampleTest(
  "camera-python-display: no pixel is copied, and the last picture is a cartoon with black lines",
  async (folder) => {
    const target = `${folder}/out.ppm`;
    const { stdout, stderr } = await runExample(
      "camera-python-display",
      folder,
      target,
    );
    assertEquals(stderr, "");
    assertEquals(stdout, "100 pictures, 0 bytes of pixels copied\n");
    const { width, height, at } = readPicture(target);
    assertEquals([width, height], [640, 360]);
    // The ball of picture 99, at 555,176.
    const isBall = (x: number, y: number): boolean =>
      (x - 555) ** 2 + (y - 80 - 49 ** 2 / 25) ** 2 < 50 ** 2;
    const wrong: string[] = [];
    let lines = 0;
    for (let y = 5; y < 220; y += 3) {
      for (let x = 5; x < width; x++) {
        const found = [0, 1, 2].map((component) => at(x, y, component));
        const isLine = isBall(x, y) !== isBall(x - 1, y) ||
          isBall(x, y) !== isBall(x, y - 1);
        const color = isBall(x, y)
          ? [230, 90, 20]
          : [90, 150, Math.floor(255 - y / 4)];
        const expected = isLine ? [0, 0, 0] : color.map(cartoonOf);
        if (isLine) lines++;
        if (`${found}` !== `${expected}`) {
          wrong.push(`${x},${y}: ${found}, not ${expected}`);
        }
      }
    }
    assertEquals(wrong, []);
    assert(lines > 20, `${lines} pixels are black`);
  },
  { python: true },
);

exampleTest(
  "camera-python-display: a camera that is quicker than its reader is read by ffmpeg, and ends with the program",
  async (folder) => {
    const target = `${folder}/out.ppm`;
    const [, command] = await commandsOf("camera-python-display");
    const { stdout } = await runWords(
      [...command!.slice(0, -1), target, "-f", "lavfi", "-i", "testsrc"],
      folder,
    );
    const pixelBytes = 100 * 4 * 640 * 360;
    assertEquals(
      stdout,
      `100 pictures, ${pixelBytes} bytes of pixels copied\n`,
    );
    const { width, height } = readPicture(target);
    assertEquals([width, height], [640, 360]);
  },
  { python: true, ffmpeg: true },
);

// ---- sound ----

const RATE = 44_100;
const CHANNELS = 2;

/** A WAV file with a click of one moment, and silence after it. */
function clickWav(moments: number): Uint8Array {
  const bytes = new Uint8Array(44 + 2 * CHANNELS * moments);
  const view = new DataView(bytes.buffer);
  const text = (at: number, word: string): void =>
    bytes.set(new TextEncoder().encode(word), at);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, CHANNELS, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * CHANNELS * 2, true);
  view.setUint16(32, CHANNELS * 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, bytes.length - 44, true);
  view.setInt16(44, 16_384, true);
  return bytes;
}

/** The loudness of moments of the left channel: the root of the mean square. */
function loudness(wav: Uint8Array, from: number, to: number): number {
  const view = new DataView(wav.buffer);
  let sum = 0;
  for (let moment = from; moment < to; moment++) {
    sum += view.getInt16(44 + 2 * CHANNELS * moment, true) ** 2;
  }
  return Math.sqrt(sum / (to - from));
}

exampleTest(
  "audio-reverb: the result has the source, and two seconds more, in which it fades",
  async (folder) => {
    const moments = RATE / 2 + 7; // the last block is short
    Deno.writeFileSync(`${folder}/in.wav`, clickWav(moments));
    const files = [`${folder}/in.wav`, `${folder}/out.wav`];
    const { stdout } = await runExample("audio-reverb", folder, ...files);
    assertEquals(stdout, "0.50 s in, 2.50 s out\n");
    const wav = Deno.readFileSync(files[1]!);
    const all = moments + 2 * RATE;
    assertEquals(wav.length, 44 + 2 * CHANNELS * all);
    const view = new DataView(wav.buffer);
    // The click itself, in the left channel alone, and its first echo.
    assertEquals(
      [0, 1, 2, 2 * 1423].map((n) => view.getInt16(44 + 2 * n, true)),
      [
        16_384,
        0,
        0,
        3_277,
      ],
    );
    const early = loudness(wav, moments, moments + RATE / 10);
    const late = loudness(wav, all - RATE / 10, all);
    assert(early > 1 && late < early / 10, `${early} at first, then ${late}`);
    for (let moment = 0; moment < all; moment++) {
      assertEquals(view.getInt16(46 + 2 * CHANNELS * moment, true), 0); // the right channel
    }
  },
);

// ---- video ----

/** Runs ffmpeg or ffprobe. */
async function ffmpeg(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, {
    args: ["-loglevel", "error", ...args],
  });
  assertEquals(code, 0, stderr);
  return stdout;
}

/** The mean luminance of each frame of a video. */
async function brightness(file: string): Promise<number[]> {
  const shown = await ffmpeg(
    "ffprobe",
    ...["-f", "lavfi", "-i", `movie=${file},signalstats`],
    ...["-show_entries", "frame_tags=lavfi.signalstats.YAVG", "-of", "csv=p=0"],
  );
  return shown.trim().split("\n").map(parseFloat);
}

/** The largest difference of a frame to the one before it. */
function largestStep(levels: readonly number[]): number {
  return Math.max(
    ...levels.slice(1).map((level, i) => Math.abs(level - levels[i]!)),
  );
}

exampleTest(
  "file-to-file: every frame arrives, in its place, and the flicker is gone",
  async (folder) => {
    const files = [`${folder}/in.mp4`, `${folder}/out.mp4`];
    // Every third frame is dark; 854 pixels give rows that are padded.
    await ffmpeg(
      "ffmpeg",
      ...["-nostdin", "-f", "lavfi", "-i"],
      "testsrc2=size=854x480:rate=25:duration=2",
      ...["-vf", "eq=brightness='-0.15*eq(mod(n,3),0)':eval=frame"],
      ...["-pix_fmt", "yuv420p", "-c:v", "mpeg4", "-q:v", "2", files[0]!],
    );
    const { stdout } = await runExample("file-to-file", folder, ...files);
    assertEquals(stdout, "50 sent, 50 received, 0 lost\n");
    const before = await brightness(files[0]!);
    const after = await brightness(files[1]!);
    assertEquals([before.length, after.length], [50, 50]);
    assert(largestStep(before) > 20, `steps of ${largestStep(before)}`);
    assert(largestStep(after) < 5, `steps of ${largestStep(after)}`);
    // Frame by frame it is the same video: similar in structure, more than to its neighbours.
    const similarity = async (shift: number): Promise<number> => {
      const path = `${folder}/similar`;
      await ffmpeg(
        "ffmpeg",
        ...["-nostdin", "-i", files[0]!, "-i", files[1]!, "-lavfi"],
        `[0]trim=start_frame=${shift},setpts=PTS-STARTPTS[a];[a][1]ssim=${path}:shortest=1`,
        ...["-f", "null", "-"],
      );
      const rows = Deno.readTextFileSync(path).trim().split("\n");
      const found = rows.map((row) => Number(/All:([\d.]+)/.exec(row)![1]));
      return found.reduce((sum, one) => sum + one) / found.length;
    };
    const [same, next] = [await similarity(0), await similarity(1)];
    assert(same > 0.8 && same > next, `${same}, to the next frame ${next}`);
  },
  { ffmpeg: true },
);
