import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type Feed,
  type FeedOrigin,
  plainFeed,
} from "../../../../demo/input/feed.ts";
import { MediaError } from "../../../../demo/input/media_error.ts";
import { openOrigin, openSource } from "../../../../demo/input/source.ts";
import { type Ended, run } from "../../../helpers/child.ts";
import { pictureOf, rgbaOf } from "../../../helpers/demo_pictures.ts";
import { permittedTest } from "../../../helpers/permitted.ts";
import { soon } from "../../../helpers/soon.ts";
import { chunked, joined } from "./streams.ts";

/** A mono video of one grey per frame. */
function video(
  greys: number[],
  header = "YUV4MPEG2 W2 H1 F50:1 Cmono",
): Uint8Array {
  return joined(
    `${header}\n`,
    ...greys.flatMap((grey) => ["FRAME\n", [grey, grey]]),
  );
}

/** An origin of that video, which counts what it opened and what was disposed of. */
function origin(
  bytes: Uint8Array,
  rewinds = true,
): FeedOrigin & { opened: number; disposed: number } {
  const counted = {
    name: "test",
    notes: ["a note"],
    rewinds,
    opened: 0,
    disposed: 0,
    open: (): Promise<Feed> => {
      counted.opened++;
      return Promise.resolve({
        ...plainFeed(chunked(bytes, 5)),
        [Symbol.asyncDispose]: () => {
          counted.disposed++;
          return Promise.resolve();
        },
      });
    },
  };
  return counted;
}

/** The first channel of the first pixel of up to `limit` frames. */
async function greys(
  source: Awaited<ReturnType<typeof openOrigin>>,
  limit: number,
): Promise<number[]> {
  const picture = pictureOf(source);
  const found: number[] = [];
  while (found.length < limit && await source.next(picture)) {
    found.push(rgbaOf(source, picture)[0]!);
  }
  return found;
}

Deno.test("a source gives each frame once, and leaves the target alone at the end", async () => {
  const from = origin(video([16, 235]));
  {
    await using source = await openOrigin(from);
    assertEquals(source.name, "test");
    assertEquals(source.notes, ["a note"]);
    assertEquals([source.width, source.height, source.frameRate], [2, 1, 50]);
    assertEquals(await greys(source, 10), [0, 255]);
    const picture = pictureOf(source);
    assertEquals(await source.next(picture), false);
    assertEquals(await source.next(picture), false);
    assert(picture.pixels.every((byte) => byte === 0xee));
  }
  assertEquals([from.opened, from.disposed], [1, 1]);
});

Deno.test("a looping source begins again, and ends each pass", async () => {
  const from = origin(video([16, 126, 235]));
  {
    await using source = await openOrigin(from, { loop: true });
    assertEquals(await greys(source, 7), [0, 128, 255, 0, 128, 255, 0]);
  }
  assertEquals([from.opened, from.disposed], [3, 3]);
});

Deno.test("a source that cannot be rewound is not repeated, and says so", async () => {
  const once = origin(video([16, 235]), false);
  await using source = await openOrigin(once, { loop: true });
  assertEquals(
    source.notes[1],
    "it can be read only once, so a video is not repeated",
  );
  assertEquals(await greys(source, 9), [0, 255]);
  assertEquals(once.opened, 1);
});

Deno.test("a looping still is read once", async () => {
  const from = origin(video([235]));
  await using source = await openOrigin(from, {
    loop: true,
    size: { width: 4, height: 4 },
  });
  assertEquals(await greys(source, 5), [255, 255, 255, 255, 255]);
  assertEquals(from.opened, 1);
});

Deno.test("another size is scaled to, and said so", async () => {
  const wide = origin(video([16, 235]));
  await using source = await openOrigin(wide, {
    size: { width: 6, height: 4 },
    loop: true,
  });
  assertEquals([source.width, source.height], [6, 4]);
  assertEquals(source.notes, ["a note", "scaled from 2x1"]);
  assertEquals(await greys(source, 3), [0, 255, 0]);
  const picture = pictureOf(source, 2);
  await source.next(picture);
  assertEquals([...picture.pixels.subarray(3 * 8 + 5)], [235, 0xee, 0xee]);
});

Deno.test("the planes of 4:2:0 and of luma alone are kept; other pictures are RGBA", async () => {
  const kept = async (
    chroma: string,
    bytes: number[],
    extra = "",
  ): Promise<readonly unknown[]> => {
    const head = `YUV4MPEG2 W2 H1 F50:1 C${chroma}${extra}`;
    const from = origin(joined(`${head}\nFRAME\n`, bytes));
    await using source = await openOrigin(from);
    const picture = pictureOf(source, 4);
    assert(await source.next(picture));
    const { pixel_format, color } = source;
    return [
      pixel_format,
      color && [color.matrix, color.full_range],
      [...picture.copyTo()],
    ];
  };
  const bt601 = ["smpte170m", false] as const;
  assertEquals(await kept("420", [1, 2, 3, 4]), ["i420", bt601, [1, 2, 3, 4]]);
  assertEquals(await kept("mono", [1, 2], " XCOLORRANGE=FULL"), [
    "gray8",
    ["smpte170m", true],
    [1, 2],
  ]);
  // Ten bits of Y, Cb, Cr; then Y, and Cb and Cr in turn, in the highest bits.
  assertEquals(await kept("420p10", [1, 2, 255, 3, 4, 1, 5, 0]), [
    "p010",
    bt601,
    [64, 128, 192, 255, 0, 65, 64, 1],
  ]);
  assertEquals(await kept("mono10", [1, 2, 255, 3]), [
    "gray16",
    bt601,
    [64, 128, 192, 255],
  ]);
  for (const [chroma, samples] of [["422", 4], ["444", 6]] as const) {
    const grey = new Array(samples).fill(128);
    grey[0] = 16;
    grey[1] = 235;
    assertEquals(await kept(chroma, grey), [
      "rgba8",
      null,
      [0, 0, 0, 255, 255, 255, 255, 255],
    ]);
  }
});

Deno.test("interlaced video is accepted, and said so", async () => {
  const header = "YUV4MPEG2 W2 H1 F50:1 It Cmono";
  await using source = await openOrigin(origin(video([16], header)));
  assertEquals(source.notes, ["a note", "interlaced: shown woven, as stored"]);
});

Deno.test("a video without frames is refused, looping or not", async () => {
  for (const loop of [false, true]) {
    await using source = await openOrigin(origin(video([])), { loop });
    await assertRejects(() => greys(source, 1), MediaError, "no frame");
  }
});

Deno.test("a video that ends in a frame is refused there", async () => {
  await using source = await openOrigin(origin(video([16, 16]).slice(0, -1)));
  await assertRejects(() => greys(source, 3), MediaError, "frame 1");
});

Deno.test("what is no Y4M is refused when opened, and its feed disposed of", async () => {
  const from = origin(joined("RIFF____WEBP"));
  await assertRejects(() => openOrigin(from), MediaError, "RIFF");
  assertEquals(from.disposed, 1);
});

Deno.test("a size that cannot be is refused", async () => {
  for (
    const [width, height] of [[0, 4], [4, -1], [4.5, 4], [4, 20000]] as const
  ) {
    const error = await assertRejects(
      () => openSource(undefined, { size: { width, height } }),
      MediaError,
      `${width}x${height}`,
    );
    assertEquals(error.code, "bad_argument");
  }
});

permittedTest("the shipped clip opens by default", { read: true }, async () => {
  await using source = await openSource(undefined);
  assertEquals([source.width, source.height, source.frameRate], [640, 360, 30]);
  assertEquals(source.pixel_format, "i420");
  const picture = pictureOf(source);
  let frames = 0;
  while (await source.next(picture)) frames++;
  assertEquals(frames, 60);
});

permittedTest(
  "Y4M is read as it is under any name, and closed",
  { read: true, write: true },
  async () => {
    const path = await Deno.makeTempFile({ suffix: ".mp4" });
    try {
      await Deno.writeFile(path, video([16, 235]));
      await using whole = await openSource(path);
      assertEquals(await greys(whole, 9), [0, 255]);
      assert(path.endsWith(whole.name));
      // The test's sanitizer reports a file that was not closed.
      await using part = await openSource(path, { loop: true });
      assertEquals(await greys(part, 3), [0, 255, 0]);
    } finally {
      await Deno.remove(path);
    }
  },
);

permittedTest(
  "an input that is not there, empty, or a folder, is refused",
  { read: true, write: true },
  async () => {
    const empty = await Deno.makeTempFile();
    const cases: [path: string, code: string, says: string][] = [
      ["no-such-file.mp4", "input_not_found", "there is no such file"],
      ["no-such-file.y4m", "input_not_found", "there is no such file"],
      ["http://a/b.mp4", "input_not_found", "not addresses"],
      [".", "input_unreadable", "it is a folder"],
      ["deno.json/x", "input_unreadable", "Not a directory"],
      ["x".repeat(300), "input_unreadable", "File name too long"],
      [empty, "input_unreadable", "it is empty"],
    ];
    try {
      for (const [path, code, says] of cases) {
        const error = await assertRejects(
          () => openSource(path),
          MediaError,
          says,
        );
        assertEquals(error.code, code);
        assertStringIncludes(error.message, path.slice(0, 200));
      }
    } finally {
      await Deno.remove(empty);
    }
  },
);

permittedTest(
  "a FIFO gives its bytes once; a wait for its writer ends when it is stopped",
  { read: true, write: true, run: true },
  async () => {
    const folder = await Deno.makeTempDir();
    const fifo = `${folder}/fifo`;
    const sh = (script: string): Promise<Ended> =>
      run("/bin/sh", { args: ["-c", script, fifo] });
    try {
      assertEquals((await sh('mkfifo "$0"')).code, 0);
      const stop = new AbortController();
      const waiting = assertRejects(
        () => openSource(fifo, { stop: stop.signal }),
        Error,
        "enough",
      );
      stop.abort(new Error("enough"));
      await soon(waiting, "the end of the wait");
      // Ends the open that nobody waits for any more, if it has begun.
      assertEquals((await sh(': <> "$0"')).code, 0);
      const written = sh(
        "printf 'YUV4MPEG2 W2 H1 F50:1 Cmono\\nFRAME\\n\\020\\020FRAME\\n\\353\\353' > \"$0\"",
      );
      await using source = await soon(
        openSource(fifo, { loop: true }),
        "the source",
      );
      assertEquals(await greys(source, 9), [0, 255]);
      assertEquals((await written).code, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
  // An open that waits for a writer cannot be called off.
  { sanitizeOps: false, sanitizeResources: false },
);
