import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MediaError } from "../../demo/input/media_error.ts";
import { openSource } from "../../demo/input/source.ts";
import { hasFfmpeg } from "../../tools/install/ffmpeg.ts";
import { run } from "../helpers/child.ts";
import { pictureOf, rgbaOf } from "../helpers/demo_pictures.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, type Needs, permittedTest } from "../helpers/permitted.ts";

/** The demo with the ffmpeg of this machine. */

const ROOT = new URL("../../", import.meta.url);
const FRAMES = 5;

const lacking = hasFfmpeg(["ffmpeg"]) ? undefined : "no ffmpeg";

/** Has ffmpeg make a file of its test picture, or of its test tone. */
async function make(path: string, ...options: string[]): Promise<void> {
  const source = options.includes("-vn")
    ? "sine=duration=1"
    : `testsrc=size=64x48:rate=10:duration=${FRAMES / 10}`;
  const { code, stderr } = await run("ffmpeg", {
    args: [
      ...["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", source],
      ...options,
      path,
    ],
  });
  assertEquals(code, 0, stderr);
}

/** The number of frames that the demo's source has of an input, and its notes. */
async function framesOf(
  path: string,
): Promise<{ frames: number; notes: readonly string[] }> {
  await using source = await openSource(path);
  assertEquals([source.width, source.height], [64, 48]);
  const picture = pictureOf(source);
  let frames = 0;
  while (await source.next(picture)) {
    frames++;
    assert(
      new Set(rgbaOf(source, picture)).size > 10,
      "the picture is all of one colour",
    );
  }
  return { frames, notes: source.notes };
}

/** The message of the error that an input gives. */
async function errorOf(path: string): Promise<string> {
  try {
    await framesOf(path);
  } catch (error) {
    assert(error instanceof MediaError, String(error));
    assertEquals(error.code, "ffmpeg_failed");
    return error.message;
  }
  throw new Error(`${path} was read`);
}

function ffmpegTest(
  name: string,
  body: (folder: string) => Promise<void>,
  needs: Needs = {},
): void {
  permittedTest(
    name,
    { ...HOST_NEEDS, ...needs, lacking },
    async () => {
      using home = isolatedHome();
      await body(home.path);
    },
  );
}

ffmpegTest(
  "a file is taken for what is in it, whatever its extension",
  async (folder) => {
    const decoded = ["decoded by ffmpeg"];
    await make(`${folder}/film.y4m`, "-c:v", "mpeg4", "-f", "mp4");
    assertEquals(await framesOf(`${folder}/film.y4m`), {
      frames: FRAMES,
      notes: decoded,
    });
    await make(`${folder}/film.wav`, "-c:v", "mpeg4", "-f", "matroska");
    assertEquals((await framesOf(`${folder}/film.wav`)).frames, FRAMES);
    await make(
      `${folder}/film`,
      "-frames:v",
      "1",
      "-f",
      "image2",
      "-c:v",
      "png",
    );
    assertEquals(await framesOf(`${folder}/film`), {
      frames: 1,
      notes: decoded,
    });
    await make(
      `${folder}/film.mp4`,
      "-pix_fmt",
      "yuv420p",
      "-f",
      "yuv4mpegpipe",
    );
    assertEquals(await framesOf(`${folder}/film.mp4`), {
      frames: FRAMES,
      notes: [],
    });
  },
);

ffmpegTest("ten bits stay ten bits, and eight stay eight", async (folder) => {
  const formatOf = async (name: string, format: string): Promise<string> => {
    const path = `${folder}/${name}`;
    await make(path, "-pix_fmt", format, "-c:v", "ffv1");
    await using source = await openSource(path);
    const picture = pictureOf(source);
    assert(await source.next(picture));
    assert(new Set(rgbaOf(source, picture)).size > 10);
    return source.pixel_format;
  };
  assertEquals(await formatOf("ten.mkv", "yuv420p10"), "p010");
  assertEquals(await formatOf("twelve.mkv", "yuv444p12"), "p010");
  assertEquals(await formatOf("eight.mkv", "yuv420p"), "i420");
  assertEquals(await formatOf("rgb.mkv", "bgr0"), "i420");
});

ffmpegTest(
  "a file that cannot be decoded gives ffmpeg's reason",
  async (folder) => {
    await make(`${folder}/whole.mp4`, "-c:v", "mpeg4");
    const whole = await Deno.readFile(`${folder}/whole.mp4`);
    const half = whole.subarray(0, whole.length / 2);
    await Deno.writeFile(`${folder}/half.mp4`, half);
    assertStringIncludes(
      await errorOf(`${folder}/half.mp4`),
      '"moov atom not found',
    );
    await Deno.writeTextFile(`${folder}/text.mp4`, "\x1b[2Jhello\n".repeat(99));
    const text = await errorOf(`${folder}/text.mp4`);
    assertStringIncludes(text, "Invalid data found when processing input");
    assert(!text.includes("\x1b"));
    await make(`${folder}/sound.mp4`, "-vn", "-f", "wav");
    assertStringIncludes(
      await errorOf(`${folder}/sound.mp4`),
      "it has no video stream",
    );
  },
);

ffmpegTest(
  "a pipe is decoded too; one that is broken gives ffmpeg's reason",
  async (folder) => {
    await make(`${folder}/film.mkv`, "-c:v", "mpeg4");
    await make(`${folder}/film.mp4`, "-c:v", "mpeg4");
    const whole = await Deno.readFile(`${folder}/film.mp4`);
    const half = whole.subarray(0, whole.length / 2);
    await Deno.writeFile(`${folder}/half.mp4`, half);
    const piped = (name: string) =>
      run("/bin/sh", {
        args: [
          "-c",
          'cat "$1" | "$0" task --quiet demo --input - --json',
          Deno.execPath(),
          `${folder}/${name}`,
        ],
        cwd: ROOT,
      });
    const good = await piped("film.mkv");
    assertEquals(good.code, 0, good.stderr);
    assertEquals(JSON.parse(good.stdout).frames_verified, FRAMES);
    assertStringIncludes(good.stderr, "decoded by ffmpeg");
    const bad = await piped("half.mp4"); // its index is missing
    assertEquals(bad.code, 1, bad.stderr);
    const { error } = JSON.parse(bad.stdout);
    assertEquals(error.code, "ffmpeg_failed");
    assertStringIncludes(
      error.message,
      "not every format can be read from a pipe",
    );
    assertStringIncludes(error.message, '"moov atom not found');
  },
  { exhaustive: true },
);
