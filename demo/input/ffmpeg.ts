/**
 * Decodes files with ffmpeg, to Y4M.
 *
 * @module
 */

import { basename } from "node:path";
import type { Feed, FeedOrigin } from "./feed.ts";
import { MediaError } from "./media_error.ts";

/** How much of ffmpeg's stderr is kept, in characters. */
const STDERR_TAIL = 4096;

/** A file that ffmpeg decodes, in a process of its own for each pass.
 *
 * @param path a file that exists
 * @param size the size to which ffmpeg scales the video; `undefined` for its own
 * @param program the ffmpeg executable: a name on the PATH, or a path */
export function ffmpegOrigin(
  path: string,
  size: { width: number; height: number } | undefined,
  program = "ffmpeg",
): FeedOrigin {
  const arguments_ = ffmpegArguments(path, size);
  return {
    name: basename(path),
    notes: ["decoded by ffmpeg"],
    matrix: "bt601",
    open: () => Promise.resolve(new FfmpegFeed(path, program, arguments_)),
  };
}

/** Returns ffmpeg's arguments: the first video stream of `path`, as Y4M with BT.601 in the video range, to standard output. */
export function ffmpegArguments(
  path: string,
  size: { width: number; height: number } | undefined,
): string[] {
  // A Y4M header does not name the matrix, so ffmpeg is told which to use.
  const colours = "out_color_matrix=bt601:out_range=tv";
  const scale = size === undefined
    ? `scale=${colours}`
    : `scale=${size.width}:${size.height}:${colours}`;
  return [
    ...["-nostdin", "-hide_banner", "-loglevel", "error"],
    // Without the prefix, ffmpeg takes a name with a colon for a protocol.
    ...["-i", `file:${path}`, "-map", "0:v:0"],
    ...["-vf", scale, "-pix_fmt", "yuv420p"],
    ...["-f", "yuv4mpegpipe", "pipe:1"],
  ];
}

class FfmpegFeed implements Feed {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #path: string;
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;

  constructor(path: string, program: string, arguments_: string[]) {
    this.#path = path;
    try {
      this.#child = new Deno.Command(program, {
        args: arguments_,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new MediaError(
        "ffmpeg_not_found",
        `Cannot decode ${JSON.stringify(path)}: ${
          JSON.stringify(program)
        } is not installed, ` +
          "and without it only Y4M (*.y4m) can be read; install ffmpeg, or give a Y4M file",
        { cause: error },
      );
    }
    this.stream = this.#child.stdout;
    this.#stderr = tailOf(this.#child.stderr);
  }

  async failure(readError: unknown): Promise<unknown> {
    // ffmpeg was ended only because the reader had stopped.
    if (
      readError instanceof MediaError && readError.code === "unsupported_video"
    ) return readError;
    const [status, said] = await Promise.all([
      this.#child.status,
      this.#stderr,
    ]);
    if (status.success && readError === null) return null;
    const lastLine = said.trimEnd().split("\n").at(-1) ?? "";
    return new MediaError(
      "ffmpeg_failed",
      `Cannot decode ${
        JSON.stringify(this.#path)
      }: ffmpeg ended with status ${status.code} and ${
        lastLine === "" ? "no word" : JSON.stringify(lastLine)
      }; is the file a video or a picture, and whole?`,
      { cause: readError },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await Promise.all([this.#child.status, this.#stderr]);
  }
}

/** Reads `stream` to its end and returns the last of its text, so that the writer never waits for a reader. */
async function tailOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  let tail = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    tail = (tail + text).slice(-STDERR_TAIL);
  }
  return tail;
}
