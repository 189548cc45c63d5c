import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ffmpegArguments,
  ffmpegOrigin,
} from "../../../../demo/input/ffmpeg.ts";
import { MediaError } from "../../../../demo/input/media_error.ts";
import { type FrameSource, openOrigin } from "../../../../demo/input/source.ts";
import { run } from "../../../helpers/child.ts";
import { permittedTest } from "../../../helpers/permitted.ts";
import { soon } from "../../../helpers/soon.ts";

Deno.test("ffmpeg is told to scale, and never takes a name for an option or a protocol", () => {
  const scaled = ffmpegArguments("-y:1.mp4", { width: 64, height: 36 });
  assertEquals(scaled[scaled.indexOf("-i") + 1], "file:-y:1.mp4");
  assert(scaled[scaled.indexOf("-vf") + 1]!.startsWith("scale=64:36:"));
  const plain = ffmpegArguments("a.mp4", undefined);
  assert(plain[plain.indexOf("-vf") + 1]!.startsWith("scale=out_color"));
});

/**
 * Runs `body` with a shell script in place of ffmpeg. Another process writes the
 * script's file: if this process did, a child that another thread starts at that
 * time could inherit the open file, and the script could not be executed.
 */
async function withProgram(
  script: string,
  body: (program: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const program = `${folder}/ffmpeg`;
  try {
    const { code, stderr } = await run("/bin/sh", {
      args: ["-c", 'cat > "$0" && chmod 700 "$0"', program],
      input: `#!/bin/sh\n${script}\n`,
    });
    assertEquals([code, stderr], [0, ""]);
    await body(program);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Opens that program as a source. */
function open(
  program: string,
  { path = "film.mp4", loop = false } = {},
): Promise<FrameSource> {
  const origin = ffmpegOrigin(path, undefined, program);
  return soon(openOrigin(origin, { loop }), "the source");
}

/** Reads one frame, of one pixel. */
function next(
  source: FrameSource,
  pixel = new Uint8Array(4),
): Promise<boolean> {
  return soon(source.next(pixel, 4), "a frame");
}

const HEADER = "printf 'YUV4MPEG2 W1 H1 F25:1 Cmono\\n'";
const FRAME = "printf 'FRAME\\n\\020'";
const NEEDS = { read: true, run: true, write: true } as const;

permittedTest("what the decoder writes is the video", NEEDS, async () => {
  await withProgram([HEADER, FRAME, FRAME].join("\n"), async (program) => {
    await using source = await open(program, { path: "dir/film.mp4" });
    assertEquals(source.name, "film.mp4");
    assertEquals(source.notes, ["decoded by ffmpeg"]);
    const pixel = new Uint8Array(4).fill(9);
    assertEquals(await next(source, pixel), true);
    assertEquals([...pixel], [0, 0, 0, 255]);
    assertEquals(await next(source, pixel), true);
    assertEquals(await next(source, pixel), false);
  });
});

permittedTest("a looping source runs the decoder again", NEEDS, async () => {
  await withProgram([HEADER, FRAME, FRAME].join("\n"), async (program) => {
    await using source = await open(program, { loop: true });
    for (let i = 0; i < 5; i++) assert(await next(source));
  });
});

permittedTest(
  "a broken file is told in the decoder's last words",
  NEEDS,
  async () => {
    const script =
      "echo first >&2; echo 'film.mp4: moov atom not found' >&2; exit 3";
    await withProgram(script, async (program) => {
      const error = await assertRejects(
        () => open(program),
        MediaError,
        '"film.mp4: moov atom not found"',
      );
      assertEquals(error.code, "ffmpeg_failed");
      assert(error.message.includes("status 3"));
      assert(!error.message.includes("first"));
    });
  },
);

permittedTest(
  "a decoder that fails on the way ends the video with its error",
  NEEDS,
  async () => {
    const script = [
      HEADER,
      FRAME,
      "printf 'FRAME\\n'",
      "echo lost >&2",
      "exit 1",
    ];
    await withProgram(script.join("\n"), async (program) => {
      await using source = await open(program);
      assert(await next(source));
      await assertRejects(() => next(source), MediaError, '"lost"');
    });
  },
);

permittedTest(
  "a decoder that writes something else does not hang its reader",
  NEEDS,
  async () => {
    const script = [HEADER, "exec tr '\\0' x < /dev/zero"];
    await withProgram(script.join("\n"), async (program) => {
      await using source = await open(program);
      await assertRejects(() => next(source), MediaError);
    });
  },
);

permittedTest(
  "disposing ends a decoder that goes on, however much it says",
  NEEDS,
  async () => {
    const endless = `while :; do ${FRAME}; echo noise noise noise >&2; done`;
    await withProgram(`${HEADER}\n${endless}`, async (program) => {
      await using source = await open(program);
      for (let i = 0; i < 3; i++) assert(await next(source));
      // The test's sanitizer reports a process that was not ended.
    });
  },
);

permittedTest(
  "disposing ends a decoder that says nothing any more",
  NEEDS,
  async () => {
    const script = [HEADER, FRAME, "exec sleep 600"].join("\n");
    await withProgram(script, async (program) => {
      await using source = await open(program);
      assert(await next(source));
    });
  },
);

permittedTest(
  "a missing ffmpeg is named, with what works without it",
  NEEDS,
  async () => {
    const error = await assertRejects(
      () => open("no-such-ffmpeg"),
      MediaError,
      "Y4M",
    );
    assertEquals(error.code, "ffmpeg_not_found");
    assert(error.message.includes("not installed"));
  },
);
