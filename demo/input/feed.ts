/**
 * Opens the bytes of a Y4M video.
 *
 * @module
 */

import { readClip } from "../clip/shipped.ts";
import type { MediaInput } from "./media_input.ts";
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

/** A video, read from its beginning once or any number of times. */
export interface FeedOrigin {
  /** The name of the video. */
  readonly name: string;
  /** Notes about the video for the user. */
  readonly notes: readonly string[];
  /** The video's matrix; `undefined` if it is not known. */
  readonly matrix?: Matrix;
  /** Whether there can be a second pass. */
  readonly rewinds: boolean;
  /** Starts a pass. */
  open(): Promise<Feed>;
}

/** The shipped clip, which is read and decompressed once. */
export function clipOrigin(): FeedOrigin {
  let clip: Promise<Blob> | undefined;
  return {
    name: "the shipped clip",
    notes: [],
    rewinds: true,
    open: async () => {
      clip ??= readClip().then((bytes) => new Blob([bytes]));
      return plainFeed((await clip).stream());
    },
  };
}

/** A Y4M input. */
export function y4mOrigin(input: MediaInput): FeedOrigin {
  return {
    name: input.name,
    notes: [],
    rewinds: input.isFile,
    open: async () => plainFeed(await input.open()),
  };
}

/** A feed of bytes that need no decoder. The reader, which owns the stream, closes it. */
export function plainFeed(stream: ReadableStream<Uint8Array>): Feed {
  return {
    stream,
    failure: (readError) => Promise.resolve(readError),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
