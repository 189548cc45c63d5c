import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MediaError } from "../../../../demo/input/media_error.ts";
import { prepended } from "../../../../demo/input/watched.ts";
import {
  formatY4mHeader,
  isY4m,
  parseY4mHeader,
  planeLayout,
  samplesOf,
  y4mHeaderLine,
  Y4mReader,
} from "../../../../demo/input/y4m.ts";
import { chunked, endless, joined } from "./streams.ts";

Deno.test("a header is read in full", () => {
  assertEquals(
    parseY4mHeader("YUV4MPEG2 W640 H360 F30000:1001 Ip A1:1 C420mpeg2"),
    {
      layout: {
        width: 640,
        height: 360,
        chroma: "420",
        chromaWidth: 320,
        chromaHeight: 180,
        depth: 8,
        frameBytes: 345600,
      },
      frameRate: 30000 / 1001,
      interlaced: false,
      fullRange: false,
    },
  );
});

Deno.test("every supported colour space has its planes, and odd sides round up", () => {
  const bytes = (tag: string): number =>
    parseY4mHeader(`YUV4MPEG2 W5 H3 F25:1${tag}`).layout.frameBytes;
  for (const tag of ["", " C420", " C420jpeg", " C420mpeg2", " C420paldv"]) {
    assertEquals(bytes(tag), 15 + 2 * 3 * 2, tag);
  }
  assertEquals(bytes(" C422"), 15 + 2 * 3 * 3);
  assertEquals(bytes(" C444"), 45);
  assertEquals(bytes(" Cmono"), 15);
});

Deno.test("interlacing and range are told, and an unknown rate is 25", () => {
  const parse = (rest: string): ReturnType<typeof parseY4mHeader> =>
    parseY4mHeader(`YUV4MPEG2 W2 H2 ${rest}`);
  for (const tag of ["It", "Ib", "Im"]) {
    assert(parse(`F25:1 ${tag}`).interlaced, tag);
  }
  for (const tag of ["Ip", "I?", ""]) {
    assert(!parse(`F25:1 ${tag}`).interlaced, tag);
  }
  assert(parse("F25:1 XYSCSS=420JPEG XCOLORRANGE=FULL").fullRange);
  assert(!parse("F25:1 XCOLORRANGE=LIMITED").fullRange);
  assertEquals(parse("F0:0").frameRate, 25);
  assertEquals(parse("F60:0").frameRate, 25);
  assertEquals(parse(`F1:${"9".repeat(30)}`).frameRate, 25);
  assertEquals(parse(`F${"9".repeat(400)}:1`).frameRate, 25);
  assertEquals(parse("Ip").frameRate, 25);
});

Deno.test("what is no Y4M, or not supported, is refused by name", () => {
  const cases: [header: string, code: string, says: string][] = [
    ["RIFF\x00\x00", "malformed_video", "RIFF"],
    ["", "malformed_video", '""'],
    ["YUV4MPEG2", "malformed_video", "width, W, is missing"],
    ["YUV4MPEG2 W4", "malformed_video", "height, H, is missing"],
    ["YUV4MPEG2 W-4 H4", "malformed_video", '"-4"'],
    ["YUV4MPEG2 W0 H4", "malformed_video", '"0"'],
    ["YUV4MPEG2 W4 H4.5", "malformed_video", '"4.5"'],
    ["YUV4MPEG2 W4 H4 F30", "malformed_video", "30000:1001"],
    ["YUV4MPEG2 W99999 H4", "unsupported_video", "16384"],
    ["YUV4MPEG2 W65535 H65535", "unsupported_video", "65535"],
    ["YUV4MPEG2 W99999999999 H4", "malformed_video", '"99999999999"'],
    ["YUV4MPEG2 W4 H4 F-1:1", "malformed_video", '"-1:1"'],
    [`YUV4MPEG2 W4 H4 X${"x".repeat(5000)}`, "malformed_video", "no end"],
    ["YUV4MPEG2 W\x1b[31m\x9b H4", "malformed_video", '"\\u001b[31m\\u009b"'],
    [`YUV4MPEG2 W${"9".repeat(99)} H4`, "malformed_video", '99…"'],
    ["YUV4MPEG2 W4 H4 C420p12", "unsupported_colours", "C420p12"],
    ["YUV4MPEG2 W4 H4 C444alpha", "unsupported_colours", "Cmono"],
    ["YUV4MPEG2 W4 H4 C411", "unsupported_colours", "C420p10"],
    ["YUV4MPEG2 W4 H4 C420jpeg\r", "unsupported_colours", '"C420jpeg\\r"'],
  ];
  for (const [header, code, says] of cases) {
    const error = assertThrows(() => parseY4mHeader(header), MediaError, says);
    assertEquals(error.code, code, header);
  }
});

Deno.test("a header that is written reads back", () => {
  for (const chroma of ["420", "422", "444", "mono"] as const) {
    const layout = planeLayout(6, 4, chroma);
    const header = parseY4mHeader(formatY4mHeader(layout, 30).trimEnd());
    assertEquals(header.layout, layout);
    assertEquals(header.frameRate, 30);
  }
});

Deno.test("ten bits a sample are two bytes", () => {
  for (const [chroma, samples] of [["420", 36], ["mono", 24]] as const) {
    const layout = planeLayout(6, 4, chroma, 10);
    assertEquals(layout.frameBytes, 2 * samples);
    const header = parseY4mHeader(formatY4mHeader(layout, 30).trimEnd());
    assertEquals(header.layout, layout);
    const frame = new Uint8Array(layout.frameBytes);
    frame.set([0xff, 3, 1, 2]);
    const numbers = samplesOf(frame, layout);
    assertEquals([numbers.length, numbers[0], numbers[1]], [
      samples,
      1023,
      513,
    ]);
  }
});

const VIDEO = joined(
  "YUV4MPEG2 W2 H2 F25:1\n",
  ...["FRAME\n", [1, 2, 3, 4, 5, 6]],
  ...["FRAME Ip\n", [10, 10, 10, 10, 10, 10]],
);

Deno.test("frames come one after the other, in one buffer", async () => {
  for (const size of [1, 5, 1000]) {
    await using reader = await Y4mReader.open(chunked(VIDEO, size));
    const frames: number[][] = [];
    const buffers = new Set<ArrayBufferLike>();
    for await (const frame of reader.frames()) {
      frames.push([...frame]);
      buffers.add(frame.buffer);
    }
    assertEquals(frames, [[1, 2, 3, 4, 5, 6], [10, 10, 10, 10, 10, 10]]);
    assertEquals(buffers.size, 1);
    assertEquals(await reader.next(), null);
  }
});

Deno.test("bytes of a line end within a frame are pixels", async () => {
  const video = joined("YUV4MPEG2 W2 H1 F25:1 Cmono\nFRAME\n\n\nFRAME\nab");
  await using reader = await Y4mReader.open(chunked(video, 3));
  assertEquals([...(await reader.next())!], [10, 10]);
  assertEquals([...(await reader.next())!], [97, 98]);
});

Deno.test("a video that ends in a frame, or goes astray, says where", async () => {
  await using short = await Y4mReader.open(chunked(VIDEO.slice(0, -1), 64));
  await short.next();
  const cut = await assertRejects(() => short.next(), MediaError, "frame 1");
  assertEquals(cut.code, "malformed_video");
  assert(cut.message.includes("5 of its 6 bytes"));

  const astray = joined("YUV4MPEG2 W1 H1 F25:1 Cmono\nFRAMES\n", [1]);
  await using reader = await Y4mReader.open(chunked(astray, 64));
  await assertRejects(() => reader.next(), MediaError, '"FRAMES"');
});

Deno.test("a header with a long comment is read, and a frame line without end is refused", async () => {
  const comment = `X${"x".repeat(3000)}`;
  const header = `YUV4MPEG2 W2 H1 F25:1 Cmono ${comment}\n`;
  await using long = await Y4mReader.open(
    chunked(joined(header, "FRAME\n", [7, 8]), 100),
  );
  assertEquals([...(await long.next())!], [7, 8]);
  const { stream } = endless(joined("FRAMEFRAME"));
  await using reader = await Y4mReader.open(prepended(joined(header), stream));
  await assertRejects(() => reader.next(), MediaError, "FRAMEFRAME");
});

Deno.test("first bytes tell Y4M from other files", () => {
  assert(isY4m(joined("YUV4MPEG2 W2 H1\nFRAME\n")));
  assert(isY4m(joined("YUV4")));
  assert(!isY4m(joined("YUV5")));
  assert(!isY4m(joined("RIFF____WEBP")));
  assertEquals(y4mHeaderLine(joined("YUV4MPEG2 W2\nFRAME\n")), "YUV4MPEG2 W2");
  assertEquals(y4mHeaderLine(joined("YUV4MPEG2 W2")), "YUV4MPEG2 W2");
  const endlessLine = joined("YUV4MPEG2 ", "X".repeat(100_000));
  assertThrows(
    () => parseY4mHeader(y4mHeaderLine(endlessLine)),
    MediaError,
    "no end",
  );
});

Deno.test("a stream with a bad header is cancelled", async () => {
  const { stream, cancelled } = endless(joined("garbage "));
  await assertRejects(() => Y4mReader.open(stream), MediaError, "garbage");
  assert(cancelled());
});
