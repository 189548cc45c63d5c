/**
 * Where the bytes of a Y4M video come from.
 *
 * @module
 */

import { basename } from "node:path";
import { readClip } from "../clip/shipped.ts";
import { MediaError } from "./media_error.ts";
import type { Matrix } from "./yuv_to_rgba.ts";

/** One pass over a video, from its first byte; disposing it ends whatever produces the bytes. */
export interface Feed extends AsyncDisposable {
  /** The video as Y4M; whoever reads it owns it. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Settles once the stream has ended: what stopped its producer early, or null if nothing did.
   *
   * @param readError what the reader made of the bytes, if it could not read them */
  failure(readError: unknown): Promise<unknown>;
}

/** A video that can be fed from its beginning any number of times. */
export interface FeedOrigin {
  /** What to call the video. */
  readonly name: string;
  /** What its user should know about it. */
  readonly notes: readonly string[];
  /** The video's matrix, if this origin knows it. */
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

/** A feed whose bytes are simply there. The reader, which owns the stream, also closes it. */
export function plainFeed(stream: ReadableStream<Uint8Array>): Feed {
  return {
    stream,
    failure: (readError) => Promise.resolve(readError),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Checks that `path` is there and no folder, before anybody works on it.
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
