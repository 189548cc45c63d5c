/**
 * Opens the bytes of a Y4M video.
 *
 * @module
 */

import { basename } from "node:path";
import { readClip } from "../clip/shipped.ts";
import { MediaError } from "./media_error.ts";
import type { Matrix } from "./yuv_to_rgba.ts";

/** One pass over a video, from its first byte; disposing it ends the process or stream that produces the bytes. */
export interface Feed extends AsyncDisposable {
  /** The video as Y4M; its reader owns it. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Settles once the stream has ended: what stopped its producer early, or null if nothing did.
   *
   * @param readError what the reader made of the bytes, if it could not read them */
  failure(readError: unknown): Promise<unknown>;
}

/** A video that can be read from its beginning any number of times. */
export interface FeedOrigin {
  /** The name of the video. */
  readonly name: string;
  /** Notes about the video for the user. */
  readonly notes: readonly string[];
  /** The video's matrix; `undefined` if it is not known. */
  readonly matrix?: Matrix;
  /** Starts a pass. */
  open(): Promise<Feed>;
}

/** The shipped clip, which is read and decompressed once. */
export function clipOrigin(): FeedOrigin {
  let clip: Promise<Blob> | undefined;
  return {
    name: "the shipped clip",
    notes: [],
    open: async () => {
      clip ??= readClip().then((bytes) => new Blob([bytes]));
      return plainFeed((await clip).stream());
    },
  };
}

/** A Y4M file. */
export function fileOrigin(path: string): FeedOrigin {
  return {
    name: basename(path),
    notes: [],
    open: async () => plainFeed((await Deno.open(path)).readable),
  };
}

/** A feed of bytes that are in memory or in a file. The reader, which owns the stream, closes it. */
export function plainFeed(stream: ReadableStream<Uint8Array>): Feed {
  return {
    stream,
    failure: (readError) => Promise.resolve(readError),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Checks that `path` exists and is not a folder.
 *
 * @throws {MediaError} `input_not_found` */
export async function checkInput(path: string): Promise<void> {
  let found: string;
  try {
    if (!(await Deno.stat(path)).isDirectory) return;
    found = "it is a folder";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    found = "there is no such file";
  }
  throw new MediaError(
    "input_not_found",
    `Cannot open ${
      JSON.stringify(path)
    }: ${found}; give a video or a picture, or nothing for the shipped clip`,
  );
}
