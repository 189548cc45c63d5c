/**
 * Fills surfaces from a pipe.
 *
 * @module
 */

import { BridgeError } from "../errors.ts";
import type { Surface } from "./surface.ts";
import { packedBytes } from "./surface_layout.ts";
import { SurfaceView } from "./surface_view.ts";

/** A source that fills memory: `Deno.FsFile`, `Deno.Conn`, `Deno.stdin`. */
export interface FillingReader {
  /** Reads up to `into.length` bytes. Returns their number, or null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** The bytes that are read at once from a stream. */
const CHUNK_BYTES = 65_536;

/**
 * Fills `surface` with the next packed picture of a pipe: the planes one after
 * the other, the rows of each without padding.
 *
 * A stream is locked while this call reads, and not longer; nothing is read
 * beyond the picture.
 *
 * @param surface the surface to fill, which has to stay valid until then
 * @param reader a byte stream, such as the `stdout` of a `Deno.ChildProcess`, or
 * anything with Deno's `read`
 * @returns false if the pipe has ended before the picture; the surface is then
 * as it was
 * @throws {BridgeError} `bad_argument` if the pipe ends within the picture, or
 * the stream is not a byte stream or is locked. What `reader` throws
 *
 * ```ts
 * import { readInto, type Surface } from "@streamlib/bridge";
 *
 * async function fill(surface: Surface, file: string): Promise<boolean> {
 *   const ffmpeg = new Deno.Command("ffmpeg", {
 *     args: ["-i", file, "-f", "rawvideo", "-pix_fmt", "rgba", "-"],
 *     stdout: "piped",
 *   }).spawn();
 *   return await readInto(surface, ffmpeg.stdout);
 * }
 * ```
 */
export async function readInto(
  surface: Surface,
  reader: ReadableStream<Uint8Array> | FillingReader,
): Promise<boolean> {
  if (!(surface instanceof SurfaceView)) {
    throw new BridgeError(
      "bad_argument",
      "Cannot read into an object that is not a surface of a frame",
    );
  }
  const expected = packedBytes(surface);
  const found = reader instanceof ReadableStream
    ? await fillFromStream(surface, reader)
    : await fill(surface, fromReader(reader));
  if (found === expected) return true;
  if (found === 0) return false;
  throw new BridgeError(
    "bad_argument",
    `Cannot read a picture of ${surface.width} x ${surface.height} ` +
      `${surface.pixel_format}: the pipe ended after ${found} of its ` +
      `${expected} bytes`,
  );
}

/** Reads at most so many bytes. Undefined at the end. */
type Next = (most: number) => Promise<Uint8Array | undefined>;

/**
 * Returns the number of bytes that came. They pass through memory of their own:
 * a stream takes the memory that it reads into, and the lease on the surface may
 * end while it is read.
 */
async function fill(surface: SurfaceView, next: Next): Promise<number> {
  const expected = packedBytes(surface);
  let found = 0;
  while (found < expected) {
    const bytes = await next(expected - found);
    if (!bytes) break;
    surface.writePacked(found, bytes);
    found += bytes.length;
  }
  return found;
}

function fromReader(reader: FillingReader): Next {
  const memory = new Uint8Array(CHUNK_BYTES);
  return async (most) => {
    const count = await reader.read(memory.subarray(0, most));
    return count === null ? undefined : memory.subarray(0, count);
  };
}

async function fillFromStream(
  surface: SurfaceView,
  stream: ReadableStream<Uint8Array>,
): Promise<number> {
  const reader = readerOf(stream);
  let memory = new Uint8Array(CHUNK_BYTES);
  try {
    return await fill(surface, async (most) => {
      const { value, done } = await reader.read(memory.subarray(0, most));
      if (done) return undefined;
      memory = new Uint8Array(value.buffer);
      return value;
    });
  } finally {
    reader.releaseLock();
  }
}

function readerOf(
  stream: ReadableStream<Uint8Array>,
): ReadableStreamBYOBReader {
  try {
    return stream.getReader({ mode: "byob" });
  } catch (cause) {
    throw new BridgeError(
      "bad_argument",
      `Cannot read pictures from this stream: ${
        stream.locked
          ? "it is locked: another reader has it"
          : 'it is not a byte stream: give one of the `type` "bytes", or ' +
            "an object with a `read` as a file has it"
      }`,
      { cause },
    );
  }
}
