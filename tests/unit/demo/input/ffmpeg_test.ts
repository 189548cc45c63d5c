import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ffmpegArguments,
  ffmpegOrigin,
} from "../../../../demo/input/ffmpeg.ts";
import { MediaError } from "../../../../demo/input/media_error.ts";
import type { MediaInput } from "../../../../demo/input/media_input.ts";
import { type FrameSource, openOrigin } from "../../../../demo/input/source.ts";
import { run } from "../../../helpers/child.ts";
import { pictureOf, rgbaOf } from "../../../helpers/demo_pictures.ts";
import { permittedTest } from "../../../helpers/permitted.ts";
import { lapse, soon } from "../../../helpers/soon.ts";
import { chunked, endless, joined } from "./streams.ts";

Deno.test("ffmpeg is told to scale, and never takes a name for an option or a protocol", () => {
  const scaled = ffmpegArguments("-y:1.mp4", { width: 64, height: 36 });
  assertEquals(scaled[scaled.indexOf("-i") + 1], "file:-y:1.mp4");
  assert(scaled[scaled.indexOf("-vf") + 1]!.startsWith("scale=64:36:"));
  assertEquals(scaled[scaled.indexOf("-protocol_whitelist") + 1], "file");
  const piped = ffmpegArguments(undefined, undefined);
  assertEquals(piped[piped.indexOf("-i") + 1], "pipe:0");
  assertEquals(piped[piped.indexOf("-protocol_whitelist") + 1], "pipe");
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

/** An input of that name; it is a file, unless it has `bytes`, which can be read once. */
function input(path: string, bytes?: ReadableStream<Uint8Array>): MediaInput {
  return {
    path,
    name: path.replace(/.*\//, ""),
    shown: JSON.stringify(path),
    isFile: bytes === undefined,
    head: new Uint8Array(1),
    open: () => Promise.resolve(bytes!),
  };
}

/** Opens that program as a source. */
function open(
  program: string,
  { path = "film.mp4", loop = false, bytes, silenceMs, stop }: {
    path?: string;
    loop?: boolean;
    bytes?: ReadableStream<Uint8Array>;
    silenceMs?: number;
    stop?: AbortSignal;
  } = {},
): Promise<FrameSource> {
  const origin = ffmpegOrigin(input(path, bytes), {
    obstacle: "it is not Y4M",
    program,
    stop,
    ...(silenceMs !== undefined && { silenceMs }),
  });
  return soon(openOrigin(origin, { loop }), "the source");
}

/** Reads one frame, of one pixel, into `pixel` as RGBA. */
async function next(
  source: FrameSource,
  pixel = new Uint8Array(4),
): Promise<boolean> {
  const picture = pictureOf(source);
  const came = await soon(source.next(picture), "a frame");
  if (came) pixel.set(rgbaOf(source, picture));
  return came;
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
  "a broken file is told with the decoder's reason, safe to print",
  NEEDS,
  async () => {
    const script = [
      "printf '[mov @ 0x55] moov atom\\033[31m not found\\n' >&2",
      "echo 'Error opening input files: Invalid data' >&2",
      "exit 3",
    ];
    await withProgram(script.join("\n"), async (program) => {
      const error = await assertRejects(
        () => open(program),
        MediaError,
        '"moov atom\\u001b[31m not found" (ffmpeg ended with status 3)',
      );
      assertEquals(error.code, "ffmpeg_failed");
    });
  },
);

permittedTest(
  "a decoder that was killed is told as killed",
  NEEDS,
  async () => {
    const script = [HEADER, FRAME, "kill -9 $$"].join("\n");
    await withProgram(script, async (program) => {
      await using source = await open(program);
      assert(await next(source));
      await assertRejects(
        () => next(source),
        MediaError,
        "ffmpeg was ended by SIGKILL and no word",
      );
    });
  },
);

permittedTest("a decoder that hangs is ended, and told", NEEDS, async () => {
  for (const said of [[], [HEADER, FRAME]]) {
    // Not exec: the shell's child still has stdout and stderr when it is killed.
    const script = [
      ...said,
      'sh -c \'echo $$ > "$0.pid"; exec sleep 600\' "$0" &',
      "wait",
    ];
    await withProgram(script.join("\n"), async (program) => {
      const error = await assertRejects(
        async () => {
          await using source = await open(program, { silenceMs: 1000 });
          for (let i = 0; i < 2; i++) await next(source);
        },
        MediaError,
        "ffmpeg has done nothing for 1 s",
      );
      assertEquals(error.code, "ffmpeg_failed");
      const pid = await Deno.readTextFile(`${program}.pid`).catch(() => "");
      if (pid !== "") Deno.kill(Number(pid), "SIGKILL");
    });
  }
});

permittedTest(
  "a wait for a decoder ends when it is stopped",
  NEEDS,
  async () => {
    await withProgram(`${HEADER}\nexec sleep 600`, async (program) => {
      const stop = new AbortController();
      await using source = await open(program, { stop: stop.signal });
      const waiting = assertRejects(() => next(source), Error, "enough");
      stop.abort(new Error("enough"));
      await waiting;
    });
  },
);

permittedTest(
  "an input that can be read once is piped to the decoder, whole",
  NEEDS,
  async () => {
    const video = joined("YUV4MPEG2 W1 H1 F25:1 Cmono\n", "FRAME\n", [16]);
    await withProgram("exec cat", async (program) => {
      const bytes = chunked(video, 3);
      await using source = await open(program, { bytes, loop: true });
      assertEquals(source.notes, [
        "decoded by ffmpeg",
        "it can be read only once, so a video is not repeated",
      ]);
      for (let i = 0; i < 3; i++) assert(await next(source)); // a still is repeated
    });
    await withProgram("exec cat", async (program) => {
      const two = joined([...video], "FRAME\n", [235]);
      const bytes = chunked(two, 1000);
      await using source = await open(program, { bytes, loop: true });
      for (let i = 0; i < 2; i++) assert(await next(source));
      assertEquals(await next(source), false);
    });
  },
);

permittedTest(
  "a decoder that waits for its slow input is not ended, and one that leaves its input is no error",
  NEEDS,
  async () => {
    const slow = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await lapse(500);
        controller.enqueue(
          joined("YUV4MPEG2 W1 H1 F25:1 Cmono\nFRAME\n", [16]),
        );
        controller.close();
      },
    }, { highWaterMark: 0 });
    await withProgram("exec cat", async (program) => {
      const options = { bytes: slow, silenceMs: 50 };
      await using source = await open(program, options);
      assert(await next(source));
    });
    const { stream, cancelled } = endless(new Uint8Array(100_000));
    const script = [HEADER, FRAME, "exec <&-", FRAME].join("\n");
    await withProgram(script, async (program) => {
      await using source = await open(program, { bytes: stream });
      for (let i = 0; i < 2; i++) assert(await next(source));
      assertEquals(await next(source), false);
    });
    assert(cancelled());
  },
);

permittedTest(
  "an input that fails on the way is the error",
  NEEDS,
  async () => {
    const bytes = new ReadableStream<Uint8Array>({
      pull: () => Promise.reject(new MediaError("input_unreadable", "EIO")),
    });
    await withProgram("exec cat", async (program) => {
      const error = await assertRejects(
        () => open(program, { bytes }),
        MediaError,
        "EIO",
      );
      assertEquals(error.code, "input_unreadable");
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
