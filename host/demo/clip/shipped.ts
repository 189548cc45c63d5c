/**
 * The clip that the project made itself, as it is shipped.
 *
 * @module
 */

import { brotliDecompressSync } from "node:zlib";
import { MediaError } from "../media_error.ts";

/** Where the clip is kept: beside this module, on disk or where the module was fetched from. */
export const CLIP_FILE: URL = new URL("./clip.y4m.br", import.meta.url);

/** Reads the clip: an uncompressed Y4M file of about 20 MB.
 *
 * @throws {MediaError} `clip_unavailable` if it is not where it is kept */
export async function readClip(): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(brotliDecompressSync(await load(CLIP_FILE)));
  } catch (error) {
    throw new MediaError(
      "clip_unavailable",
      `Cannot read the shipped clip ${CLIP_FILE}: ${
        error instanceof Error ? error.message : String(error)
      }; give the demo a file of your own`,
      { cause: error },
    );
  }
}

async function load(url: URL): Promise<Uint8Array> {
  if (url.protocol === "file:") return await Deno.readFile(url);
  const response = await fetch(url);
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the server answered ${response.status}`);
  }
  return await response.bytes();
}
