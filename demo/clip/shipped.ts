/**
 * The clip that the project made itself, as it is shipped.
 *
 * A JSON module, as that is the one kind of data that Deno fetches and keeps
 * with the modules of a package: the demo then needs neither the net nor the
 * permission to use it, wherever it was loaded from.
 *
 * @module
 */

import { brotliDecompressSync } from "node:zlib";
import { MediaError } from "../input/media_error.ts";

/** Reads the clip: an uncompressed Y4M file of about 20 MB.
 *
 * @throws {MediaError} `clip_unavailable` if it is not where it is kept, or not what it has to be */
export async function readClip(): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // Only now: it is not needed where the demo is given a file.
    const { default: base64 } = await import("./clip.json", {
      with: { type: "json" },
    });
    const file = Uint8Array.fromBase64(base64);
    return new Uint8Array(brotliDecompressSync(file));
  } catch (error) {
    throw new MediaError(
      "clip_unavailable",
      `Cannot read the shipped clip ${import.meta.resolve("./clip.json")}: ${
        error instanceof Error ? error.message : String(error)
      }; give the demo a file of your own`,
      { cause: error },
    );
  }
}
