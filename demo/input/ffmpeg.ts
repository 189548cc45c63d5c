/**
 * Decodes inputs with ffmpeg, to Y4M.
 *
 * @module
 */

import type { Feed, FeedOrigin } from "./feed.ts";
import { ffmpegReason } from "./ffmpeg_words.ts";
import { MediaError } from "./media_error.ts";
import { type MediaInput, systemReason } from "./media_input.ts";
import { quoted } from "./quoted.ts";
import { watched } from "./watched.ts";

/** How much of ffmpeg's stderr is kept, in characters: the first lines say the reason. */
const KEPT_WORDS = 16_384;
/** How long ffmpeg may neither read nor write while the demo waits for it, in milliseconds. */
const SILENCE_MS = 30_000;
/** How long an ffmpeg may take to end that has nothing to do any more, in milliseconds. */
const END_MS = 10_000;

/** The options of {@link ffmpegOrigin}. */
export interface FfmpegOptions {
  /** The size to which ffmpeg scales the video; `undefined` for its own. */
  readonly size?:
    | { readonly width: number; readonly height: number }
    | undefined;
  /** Why the demo does not read the input itself, for an error: "it is not Y4M". */
  readonly obstacle: string;
  /** The ffmpeg executable: a name on the PATH, or a path. */
  readonly program?: string;
  /** How long it may be silent, in milliseconds; 30 seconds by default. */
  readonly silenceMs?: number;
  /** Ends a wait for ffmpeg when it aborts, with its reason. */
  readonly stop?: AbortSignal | undefined;
}

/** An input that ffmpeg decodes, in a process of its own for each pass. */
export function ffmpegOrigin(
  input: MediaInput,
  options: FfmpegOptions,
): FeedOrigin {
  return {
    name: input.name,
    notes: ["decoded by ffmpeg"],
    matrix: "bt601",
    rewinds: input.isFile,
    open: async () => {
      const bytes = input.isFile ? undefined : await input.open();
      return new FfmpegFeed(input, options, bytes);
    },
  };
}

/**
 * Returns ffmpeg's arguments: the first video stream of its input, as Y4M with
 * BT.601 in the video range, to standard output. More than 8 bits become ten.
 *
 * @param path the file; `undefined` for standard input
 * @param size the size to scale to; `undefined` for the video's own
 */
export function ffmpegArguments(
  path: string | undefined,
  size: { width: number; height: number } | undefined,
): string[] {
  // A Y4M header does not name the matrix, so ffmpeg is told which to use.
  const colours = "out_color_matrix=bt601:out_range=tv";
  const scale = size === undefined
    ? `scale=${colours}`
    : `scale=${size.width}:${size.height}:${colours}`;
  // ffmpeg takes the one that loses less, and the first if neither loses.
  const filter = `${scale},format=yuv420p|yuv420p10`;
  return [
    ...["-nostdin", "-hide_banner", "-loglevel", "error"],
    // A playlist can name other files and addresses: only local files are opened.
    ...["-protocol_whitelist", path === undefined ? "pipe" : "file"],
    // Without the prefix, ffmpeg takes a name with a colon for a protocol.
    ...["-i", path === undefined ? "pipe:0" : `file:${path}`],
    ...["-map", "0:v:0", "-vf", filter],
    // Y4M of ten bits is not in its standard, and needs to be allowed.
    ...["-strict", "-1", "-f", "yuv4mpegpipe", "pipe:1"],
  ];
}

class FfmpegFeed implements Feed {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #input: MediaInput;
  readonly #child: Deno.ChildProcess;
  readonly #words: Words;
  readonly #obstacle: string;
  readonly #supply: Supply | undefined;

  constructor(
    input: MediaInput,
    { size, obstacle, program = "ffmpeg", silenceMs = SILENCE_MS, stop }:
      FfmpegOptions,
    bytes: ReadableStream<Uint8Array> | undefined,
  ) {
    this.#input = input;
    this.#obstacle = obstacle;
    try {
      this.#child = new Deno.Command(program, {
        args: ffmpegArguments(bytes ? undefined : input.path, size),
        stdin: bytes ? "piped" : "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (cause) {
      void bytes?.cancel().catch(() => {});
      throw cannotStart(input, obstacle, program, cause);
    }
    this.#supply = bytes && new Supply(bytes, this.#child.stdin);
    this.#words = new Words(this.#child.stderr);
    this.stream = watched(this.#child.stdout, {
      stop,
      silence: {
        ms: silenceMs,
        error: () => this.#silence(silenceMs),
      },
    });
  }

  async failure(readError: unknown): Promise<unknown> {
    // ffmpeg ended, or was ended, because of this error.
    if (this.#supply?.error !== undefined) return this.#supply.error;
    const isOwn = readError instanceof MediaError &&
      readError.code === "malformed_video";
    if (readError !== null && !isOwn) return readError;
    const status = await within(END_MS, this.#child.status);
    if (readError === null && (status?.success ?? true)) return null;
    await within(END_MS, this.#words.ended);
    const reason = ffmpegReason(this.#words.text) ??
      (status?.success ? "there is no picture in it" : undefined);
    const end = status === undefined
      ? "ffmpeg wrote no Y4M"
      : status.signal === null
      ? `ffmpeg ended with status ${status.code}`
      : `ffmpeg was ended by ${status.signal}`;
    const found = reason === undefined
      ? `${end} and no word`
      : `${reason} (${end})`;
    const advice = this.#input.isFile
      ? "give a video or a picture that is whole"
      : "give a video or a picture that is whole, as a file: not every format can be read from a pipe";
    return new MediaError(
      "ffmpeg_failed",
      `Cannot decode ${this.#input.shown}: ${found}; ${this.#obstacle}; ${advice}`,
      { cause: readError },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#supply?.end();
    // A process that it has started may still have its stderr.
    await this.#words.cancel();
    await this.#child.status;
  }

  /** Returns the error of an ffmpeg that does nothing; `undefined` if it waits for its input, or has read some since the last call. */
  #silence(ms: number): MediaError | undefined {
    if (this.#supply?.isWaiting || this.#supply?.hasMoved()) return undefined;
    return new MediaError(
      "ffmpeg_failed",
      `Cannot decode ${this.#input.shown}: ffmpeg has done nothing for ${
        ms / 1000
      } s, and was ended`,
    );
  }
}

function cannotStart(
  input: MediaInput,
  obstacle: string,
  program: string,
  cause: unknown,
): MediaError {
  const name = quoted(program);
  const isMissing = cause instanceof Deno.errors.NotFound;
  const found = isMissing
    ? `${name} is not installed`
    : cause instanceof Deno.errors.NotCapable
    ? `Deno does not permit to run ${name}`
    : `${name} cannot be started: ${systemReason(cause)}`;
  return new MediaError(
    "ffmpeg_not_found",
    `Cannot decode ${input.shown}: ${obstacle}, so it needs ffmpeg, and ${found}; ${
      isMissing ? "install ffmpeg, or give" : "give"
    } a Y4M file of 4:2:0 with 8 or 10 bits`,
    { cause },
  );
}

/** Writes an input to ffmpeg's standard input. */
class Supply {
  /** What the input failed with. */
  error: unknown;
  /** Whether ffmpeg has taken all that came, and the input has not ended. */
  isWaiting = true;
  #moved = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #done: Promise<void>;

  constructor(
    from: ReadableStream<Uint8Array>,
    to: WritableStream<Uint8Array>,
  ) {
    this.#reader = from.getReader();
    this.#writer = to.getWriter();
    this.#writer.closed.catch(() => {}); // ffmpeg may end before its input does
    this.#done = this.#run();
  }

  /** Whether bytes were taken since the last call. */
  hasMoved(): boolean {
    const moved = this.#moved;
    this.#moved = false;
    return moved;
  }

  /** Gives up the input. ffmpeg must have been ended. */
  async end(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    await this.#done;
  }

  async #run(): Promise<void> {
    while (true) {
      let chunk: Uint8Array | undefined;
      this.isWaiting = true;
      try {
        chunk = (await this.#reader.read()).value;
      } catch (error) {
        this.error = error;
      }
      this.isWaiting = false;
      try {
        if (chunk === undefined) return await this.#writer.close();
        await this.#writer.write(chunk);
        this.#moved = true;
      } catch {
        // ffmpeg has ended, or has closed its standard input.
        return await this.#reader.cancel().catch(() => {});
      }
    }
  }
}

/** Keeps the first words of a program, and reads the others, so that it never waits. */
class Words {
  text = "";
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.ended = this.#read();
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    await this.ended;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      while (true) {
        const { done, value } = await this.#reader.read();
        if (done) return;
        if (this.text.length >= KEPT_WORDS) continue;
        this.text += decoder.decode(value, { stream: true });
        this.text = this.text.slice(0, KEPT_WORDS);
      }
    } catch {
      // What came before is still of use.
    }
  }
}

/** Waits for a promise, but no longer than that many milliseconds. */
async function within<T>(
  ms: number,
  promise: Promise<T>,
): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
