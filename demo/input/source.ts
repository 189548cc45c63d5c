/**
 * The demo's source: decodes a file, or the shipped clip, frame by frame. The
 * planes of the video are kept where there is a pixel format for them.
 *
 * @module
 */

import { clipOrigin, type Feed, type FeedOrigin, y4mOrigin } from "./feed.ts";
import { ffmpegOrigin } from "./ffmpeg.ts";
import { HighBits } from "./high_bits.ts";
import { MediaError } from "./media_error.ts";
import { openInput } from "./media_input.ts";
import { quoted } from "./quoted.ts";
import { FrameScaler } from "./scale.ts";
import {
  type Chroma,
  type Depth,
  isY4m,
  MAX_SIDE,
  parseY4mHeader,
  type PlaneLayout,
  samplesOf,
  y4mHeaderLine,
  Y4mReader,
} from "./y4m.ts";
import type { Surface, VideoFrame } from "../../host/mod.ts";
import type { DemoFormat } from "../filter/rgba_pictures.ts";
import { guessMatrix, packedPlanes, YuvToRgba } from "./yuv_to_rgba.ts";

/** The format of planes with 8 bits and with ten. 4:2:2 and 4:4:4 have none here. */
const FORMATS: Readonly<
  Record<Chroma, Readonly<Record<Depth, DemoFormat>>>
> = {
  "420": { 8: "i420", 10: "p010" },
  "422": { 8: "rgba8", 10: "rgba8" },
  "444": { 8: "rgba8", 10: "rgba8" },
  mono: { 8: "gray8", 10: "gray16" },
};

/** A picture's size in pixels. */
export interface Size {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** A sequence of frames of one size; disposing it ends the decoder. */
export interface FrameSource extends AsyncDisposable, Size {
  /** Frames per second. */
  readonly frameRate: number;
  /** The name of the source. */
  readonly name: string;
  /** Notes for the user, for instance that the video is scaled or decoded by ffmpeg. */
  readonly notes: readonly string[];

  /** The format of the frames: that of the video's planes, or opaque `rgba8`. */
  readonly pixel_format: DemoFormat;
  /** What the values of the frames mean as colours. */
  readonly color: VideoFrame["color"];

  /** Writes the next frame into `into`; false at the end, with `into` untouched.
   *
   * `into` is borrowed until the promise settles; one call at a time.
   *
   * @param into a surface of the source's size and format; the padding of its rows is left alone
   * @throws {MediaError} if the video is malformed or its decoder failed */
  next(into: Surface): Promise<boolean>;
}

/** The options of a source. */
export interface SourceOptions {
  /** The size of the frames. Default: the size of the video. */
  readonly size?: Size;
  /** Whether to begin again at the end of the video, without limit. A video that can be read only once is not repeated, but a still picture is. */
  readonly loop?: boolean;
  /** Ends a wait for bytes when it aborts, with its reason. */
  readonly stop?: AbortSignal;
}

/**
 * Opens a source: Y4M by itself, any other video or picture through ffmpeg, and
 * the shipped clip if no input is given. What an input is shows in its first
 * bytes; its name does not matter. Y4M in a colour space that is not supported
 * here is decoded by ffmpeg as well.
 *
 * Needs permission to read the file, and to run ffmpeg if that decodes it.
 *
 * ```ts ignore
 * import { openSource } from "./source.ts";
 *
 * await using source = await openSource(undefined, { loop: true });
 * const { width, height, pixel_format } = source;
 * using frame = port.acquire({ pixel_buffer: { width, height, pixel_format } });
 * await source.next(frame.pixel_buffer);
 * ```
 *
 * @param input the path, or `-` for standard input
 * @param options size and looping
 * @throws {MediaError} if the input is missing or not readable, or if it needs ffmpeg and that is missing */
export async function openSource(
  input: string | undefined,
  options: SourceOptions = {},
): Promise<FrameSource> {
  if (options.size !== undefined) checkSize(options.size);
  if (input === undefined) return await openOrigin(clipOrigin(), options);
  const opened = await openInput(input, options.stop);
  const obstacle = whyFfmpeg(opened.head);
  const origin = obstacle === undefined
    ? y4mOrigin(opened)
    : ffmpegOrigin(opened, {
      size: options.size,
      stop: options.stop,
      obstacle,
    });
  return await openOrigin(origin, options);
}

/** Returns why this reader leaves an input with these first bytes to ffmpeg; `undefined` if it reads it itself, or reports what is wrong with it. */
function whyFfmpeg(head: Uint8Array): string | undefined {
  if (!isY4m(head)) return "it is not Y4M";
  try {
    parseY4mHeader(y4mHeaderLine(head));
  } catch (error) {
    if (
      error instanceof MediaError && error.code === "unsupported_colours"
    ) return error.message.replace(/^.*?: /, "");
  }
  return undefined;
}

/** Opens the source that `origin` feeds.
 *
 * @throws {MediaError} if its first bytes are no Y4M */
export async function openOrigin(
  origin: FeedOrigin,
  options: SourceOptions = {},
): Promise<FrameSource> {
  const pass = await Pass.open(origin, options.size);
  return new Y4mSource(origin, options.loop ?? false, pass);
}

class Y4mSource implements FrameSource {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly name: string;
  readonly notes: readonly string[];
  readonly pixel_format: DemoFormat;
  readonly color: VideoFrame["color"];
  readonly #origin: FeedOrigin;
  readonly #loop: boolean;
  #pass: Pass;

  constructor(origin: FeedOrigin, loop: boolean, first: Pass) {
    const { layout, frameRate, interlaced } = first.reader.header;
    this.width = first.size.width;
    this.height = first.size.height;
    this.frameRate = frameRate;
    this.name = origin.name;
    this.pixel_format = first.pixel_format;
    this.color = first.color;
    this.notes = [
      ...origin.notes,
      ...(interlaced ? ["interlaced: shown woven, as stored"] : []),
      ...(first.scaled ? [`scaled from ${layout.width}x${layout.height}`] : []),
      ...(loop && !origin.rewinds
        ? ["it can be read only once, so a video is not repeated"]
        : []),
    ];
    this.#origin = origin;
    this.#loop = loop;
    this.#pass = first;
  }

  async next(into: Surface): Promise<boolean> {
    while (!await this.#pass.next(into)) {
      if (!this.#loop) return false;
      if (this.#pass.count === 1) {
        // A still picture need not be decoded again for every frame.
        this.#pass.repeat(into);
        return true;
      }
      if (!this.#origin.rewinds) return false;
      await this.#pass[Symbol.asyncDispose]();
      this.#pass = await Pass.open(this.#origin, this);
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pass[Symbol.asyncDispose]();
  }
}

/** One pass over the video, with the scaler of its frames to `size`, and the converter of those that have no format of their own. */
class Pass implements AsyncDisposable {
  /** The number of frames that it has returned. */
  count = 0;
  readonly size: Size;
  readonly #scaler: FrameScaler | undefined;
  readonly #layout: PlaneLayout;
  readonly #converter: YuvToRgba | undefined;
  readonly #highBits: HighBits | undefined;
  readonly pixel_format: DemoFormat;
  readonly color: VideoFrame["color"];
  readonly #name: string;
  #frame: Uint8Array | Uint16Array = new Uint8Array(0);

  private constructor(
    readonly feed: Feed,
    readonly reader: Y4mReader,
    origin: FeedOrigin,
    size: Size | undefined,
  ) {
    this.#name = origin.name;
    const { layout, fullRange } = reader.header;
    this.size = size ?? layout;
    if (
      this.size.width !== layout.width || this.size.height !== layout.height
    ) {
      this.#scaler = new FrameScaler(layout, this.size.width, this.size.height);
    }
    this.#layout = this.#scaler?.layout ?? layout;
    const matrix = origin.matrix ?? guessMatrix(layout.height);
    this.pixel_format = FORMATS[layout.chroma][layout.depth];
    if (layout.depth === 10) this.#highBits = new HighBits(this.#layout);
    if (this.pixel_format === "rgba8") {
      this.#converter = new YuvToRgba(this.#layout, { matrix, fullRange });
      this.color = null;
    } else {
      this.color = {
        primaries: null,
        transfer: null,
        matrix: matrix === "bt709" ? "bt709" : "smpte170m",
        full_range: fullRange,
      };
    }
  }

  static async open(origin: FeedOrigin, size: Size | undefined): Promise<Pass> {
    const feed = await origin.open();
    try {
      const reader = await Y4mReader.open(feed.stream);
      return new Pass(feed, reader, origin, size);
    } catch (error) {
      const failure = await feed.failure(error);
      await feed[Symbol.asyncDispose]();
      throw failure;
    }
  }

  get scaled(): boolean {
    return this.#scaler !== undefined;
  }

  /** Writes the next frame; false at the end of the video. */
  async next(into: Surface): Promise<boolean> {
    const frame = await this.#read();
    if (frame === null) return false;
    this.count++;
    const samples = samplesOf(frame, this.reader.header.layout);
    this.#frame = this.#scaler?.scale(samples) ?? samples;
    this.repeat(into);
    return true;
  }

  /** Writes the last frame once more; reader and scaler still hold it unchanged. */
  repeat(into: Surface): void {
    const frame = this.#frame;
    if (!(frame instanceof Uint8Array)) {
      return into.copyFrom(this.#highBits!.of(frame));
    }
    if (!this.#converter) return into.copyFrom(frame);
    const planes = packedPlanes(frame, this.#layout);
    this.#converter.convert(planes, into.pixels, into.bytes_per_row);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader[Symbol.asyncDispose]();
    await this.feed[Symbol.asyncDispose]();
  }

  async #read(): Promise<Uint8Array | null> {
    let frame: Uint8Array | null = null;
    let failure: unknown = null;
    try {
      frame = await this.reader.next();
    } catch (error) {
      failure = error;
      // Nothing reads the stream any more, so a decoder that is still writing must be ended.
      await this.reader[Symbol.asyncDispose]();
    }
    if (frame !== null) return frame;
    failure = await this.feed.failure(failure);
    if (failure !== null) throw failure;
    if (this.count > 0) return null;
    throw new MediaError(
      "malformed_video",
      `Cannot read ${quoted(this.#name)}: it has no frame`,
    );
  }
}

function checkSize({ width, height }: Size): void {
  for (const side of [width, height]) {
    if (Number.isInteger(side) && side >= 1 && side <= MAX_SIDE) continue;
    throw new MediaError(
      "bad_argument",
      `Cannot scale to ${width}x${height}: each side takes a whole number of 1 to ${MAX_SIDE} pixels`,
    );
  }
}
