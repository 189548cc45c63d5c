/**
 * YUV4MPEG2 ("Y4M"), the uncompressed video format that needs no decoder: one
 * header line, then for each frame a line and its planes.
 *
 * @module
 */

import { ByteReader } from "./byte_reader.ts";
import { MediaError } from "./media_error.ts";
import { quoted } from "./quoted.ts";

/** How the two chroma planes are subsampled against luma; `mono` has none. */
export type Chroma = "420" | "422" | "444" | "mono";

/** The bits of a sample. Ten are in two bytes, little-endian. */
export type Depth = 8 | 10;

/** The planes of one frame, which follow each other without a gap: luma, then Cb, then Cr. */
export interface PlaneLayout {
  /** Luma columns. */
  readonly width: number;
  /** Luma rows. */
  readonly height: number;
  /** How chroma is subsampled. */
  readonly chroma: Chroma;
  /** Columns of each chroma plane, rounded up; 0 if there is none. */
  readonly chromaWidth: number;
  /** Rows of each chroma plane, rounded up; 0 if there is none. */
  readonly chromaHeight: number;
  /** The bits of each sample. */
  readonly depth: Depth;
  /** Bytes of a whole frame. */
  readonly frameBytes: number;
}

/** What a Y4M header says. */
export interface Y4mHeader {
  /** Size and planes of every frame. */
  readonly layout: PlaneLayout;
  /** Frames per second; 25 if the header does not say, or says what no video has. */
  readonly frameRate: number;
  /** Whether rows were taken at two moments; they are shown woven, as stored. */
  readonly interlaced: boolean;
  /** Whether luma and chroma use all of 0 to 255 rather than the video range 16 to 235. */
  readonly fullRange: boolean;
}

const MAGIC = "YUV4MPEG2";
/** The largest header or frame line, in bytes; a comment in the header may be long. */
export const MAX_LINE = 4096;
/** Frames per second. */
const MIN_RATE = 1 / 3600;
const MAX_RATE = 100_000;
const DEFAULT_RATE = 25;
/** How much of a wrong value is shown, in characters. */
const SHOWN = 32;
/** The largest width and height of a frame, in pixels. */
export const MAX_SIDE = 16384;

/** The colour spaces that are supported, by their tag. The 4:2:0 ones differ in
 * where chroma is sampled, by less than a pixel. */
const COLOURS: ReadonlyMap<string, readonly [Chroma, Depth]> = new Map([
  ["420", ["420", 8]],
  ["420jpeg", ["420", 8]],
  ["420mpeg2", ["420", 8]],
  ["420paldv", ["420", 8]],
  ["420p10", ["420", 10]],
  ["422", ["422", 8]],
  ["444", ["444", 8]],
  ["mono", ["mono", 8]],
  ["mono10", ["mono", 10]],
]);

/** The planes of a `width` by `height` frame, in pixels. */
export function planeLayout(
  width: number,
  height: number,
  chroma: Chroma,
  depth: Depth = 8,
): PlaneLayout {
  const chromaWidth = chroma === "mono"
    ? 0
    : chroma === "444"
    ? width
    : (width + 1) >> 1;
  const chromaHeight = chroma === "mono"
    ? 0
    : chroma === "420"
    ? (height + 1) >> 1
    : height;
  const samples = width * height + 2 * chromaWidth * chromaHeight;
  const frameBytes = depth === 8 ? samples : 2 * samples;
  return {
    width,
    height,
    chroma,
    chromaWidth,
    chromaHeight,
    depth,
    frameBytes,
  };
}

/** Whether a file that begins with these bytes is Y4M; true as well if they are too few to tell. */
export function isY4m(head: Uint8Array): boolean {
  return head.subarray(0, MAGIC.length).every((byte, at) =>
    byte === MAGIC.charCodeAt(at)
  );
}

/** Returns the header line of the file that begins with these bytes, without its line end; all of them if there is no line end. */
export function y4mHeaderLine(head: Uint8Array): string {
  const end = head.indexOf(0x0a);
  const line = head.subarray(0, end < 0 ? undefined : end);
  return String.fromCharCode(...line.subarray(0, MAX_LINE));
}

/**
 * Parses the header line, without its line end.
 *
 * ```ts
 * import { parseY4mHeader } from "./y4m.ts";
 *
 * const header = parseY4mHeader("YUV4MPEG2 W640 H360 F30000:1001 Ip C420jpeg");
 * console.assert(header.layout.frameBytes === 345600);
 * ```
 *
 * @throws {MediaError} `malformed_video` if this is not a Y4M header,
 * `unsupported_colours` if this reader does not support its colour space,
 * `unsupported_video` if the video is too large */
export function parseY4mHeader(line: string): Y4mHeader {
  const [magic, ...tags] = line.split(" ");
  if (magic !== MAGIC) {
    throw new MediaError(
      "malformed_video",
      `Cannot read Y4M: the file starts with ${
        quoted(line, SHOWN)
      } instead of "${MAGIC} "`,
    );
  }
  if (line.length >= MAX_LINE) {
    throw new MediaError(
      "malformed_video",
      `Cannot read Y4M: the header has no end within ${MAX_LINE} bytes`,
    );
  }
  const value = (letter: string): string | undefined =>
    tags.find((tag) => tag.startsWith(letter))?.slice(1);
  const layout = planeLayout(
    side("width", "W", value("W")),
    side("height", "H", value("H")),
    ...coloursOf(value("C") ?? "420jpeg"),
  );
  const interlacing = value("I") ?? "p";
  return {
    layout,
    frameRate: frameRateOf(value("F") ?? "0:0"),
    interlaced: interlacing !== "p" && interlacing !== "?",
    fullRange: tags.includes("XCOLORRANGE=FULL"),
  };
}

/** The header line of a video with these frames, with its line end. */
export function formatY4mHeader(
  layout: PlaneLayout,
  framesPerSecond: number,
): string {
  const { width, height, chroma, depth } = layout;
  const tag = depth === 10
    ? (chroma === "420" ? "420p10" : `${chroma}10`)
    : chroma === "420"
    ? "420jpeg"
    : chroma;
  return `${MAGIC} W${width} H${height} F${framesPerSecond}:1 Ip A1:1 C${tag}\n`;
}

/** The line before each frame, with its line end. */
export const Y4M_FRAME_LINE = "FRAME\n";

/**
 * Reads the frames of a Y4M stream, one after the other, into one buffer.
 *
 * ```ts
 * import { Y4mReader } from "./y4m.ts";
 *
 * const video = new Blob(["YUV4MPEG2 W2 H1 F25:1 Cmono\nFRAME\nab"]);
 * await using reader = await Y4mReader.open(video.stream());
 * for await (const frame of reader.frames()) {
 *   console.assert(frame.length === 2); // luma only
 * }
 * ```
 */
export class Y4mReader implements AsyncDisposable {
  readonly #bytes: ByteReader;
  #frame: Uint8Array = new Uint8Array(0);
  #count = 0;

  private constructor(
    /** What the header said. */
    readonly header: Y4mHeader,
    bytes: ByteReader,
  ) {
    this.#bytes = bytes;
  }

  /** Takes `stream`, reads the header, and cancels the stream if that fails.
   *
   * @throws {MediaError} as {@link parseY4mHeader} does */
  static async open(stream: ReadableStream<Uint8Array>): Promise<Y4mReader> {
    const bytes = new ByteReader(stream);
    try {
      const header = parseY4mHeader(await bytes.line(MAX_LINE) ?? "");
      return new Y4mReader(header, bytes);
    } catch (error) {
      await bytes[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Borrows the next frame, valid until the next call, laid out as the header's `layout`; null at the end.
   *
   * @throws {MediaError} `malformed_video` if the stream ends within a frame or has something else in its place */
  async next(): Promise<Uint8Array | null> {
    const line = await this.#bytes.line(MAX_LINE);
    if (line === null) return null;
    if (line !== "FRAME" && !line.startsWith("FRAME ")) {
      throw new MediaError(
        "malformed_video",
        `Cannot read frame ${this.#count}: found ${
          quoted(line, SHOWN)
        } instead of "FRAME"`,
      );
    }
    // Not earlier: a header alone can claim a frame of 800 MB.
    if (this.#frame.length === 0) {
      this.#frame = frameBuffer(this.header.layout);
    }
    const got = await this.#bytes.fill(this.#frame);
    if (got < this.#frame.length) {
      throw new MediaError(
        "malformed_video",
        `Cannot read frame ${this.#count}: the video ends after ${got} of its ${this.#frame.length} bytes`,
      );
    }
    this.#count++;
    return this.#frame;
  }

  /** Iterates over the frames that are left, each borrowed until the next is asked for. */
  async *frames(): AsyncGenerator<Uint8Array, void, void> {
    for (
      let frame = await this.next();
      frame !== null;
      frame = await this.next()
    ) {
      yield frame;
    }
  }

  /** Cancels the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bytes[Symbol.asyncDispose]();
  }
}

function frameBuffer({ width, height, frameBytes }: PlaneLayout): Uint8Array {
  try {
    return new Uint8Array(frameBytes);
  } catch (cause) {
    throw new MediaError(
      "unsupported_video",
      `Cannot read Y4M: there is no memory for a frame of ${width}x${height}, ${frameBytes} bytes`,
      { cause },
    );
  }
}

function side(name: string, tag: string, text: string | undefined): number {
  if (text === undefined || !/^[1-9][0-9]{0,5}$/.test(text)) {
    throw new MediaError(
      "malformed_video",
      `Cannot read Y4M: the header's ${name}, ${tag}, is ${
        text === undefined ? "missing" : quoted(text, SHOWN)
      } instead of a number of pixels`,
    );
  }
  const pixels = Number(text);
  if (pixels > MAX_SIDE) {
    throw new MediaError(
      "unsupported_video",
      `Cannot read Y4M: the ${name} is ${pixels}, and at most ${MAX_SIDE} pixels are supported`,
    );
  }
  return pixels;
}

function coloursOf(tag: string): readonly [Chroma, Depth] {
  const colours = COLOURS.get(tag);
  if (colours === undefined) {
    throw new MediaError(
      "unsupported_colours",
      `Cannot read Y4M: the colour space is ${
        quoted(`C${tag}`, SHOWN)
      }; without ffmpeg, only ${
        [...COLOURS.keys()].map((known) => `C${known}`).join(", ")
      } are supported`,
    );
  }
  return colours;
}

/** The samples of a frame of the layout, which begins its own buffer. */
export function samplesOf(
  frame: Uint8Array,
  { depth }: PlaneLayout,
): Uint8Array | Uint16Array {
  return depth === 8
    ? frame
    : new Uint16Array(frame.buffer, frame.byteOffset, frame.length / 2);
}

/** The format writes an unknown rate as 0:0. A rate that no video has counts as unknown too. */
function frameRateOf(text: string): number {
  const match = /^([0-9]+):([0-9]+)$/.exec(text);
  if (match === null) {
    throw new MediaError(
      "malformed_video",
      `Cannot read Y4M: the header's frame rate, F, is ${
        quoted(text, SHOWN)
      } instead of a ratio such as 30000:1001`,
    );
  }
  const rate = Number(match[1]) / Number(match[2]);
  return rate >= MIN_RATE && rate <= MAX_RATE ? rate : DEFAULT_RATE;
}
