/**
 * The clip that ships with the package.
 *
 * It is a JSON module, because Deno fetches and caches that with the modules of a
 * package: the demo then needs no network and no permission for it.
 *
 * @module
 */

import { brotliDecompressSync } from "node:zlib";
import { PACKAGE_ROOT } from "../../proto/package_root.ts";
import { MediaError } from "../input/media_error.ts";

/** Reads the clip: an uncompressed Y4M file of about 20 MB.
 *
 * @throws {MediaError} `clip_unavailable` if the clip is missing or damaged */
export async function readClip(): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // Loaded here, because a demo with --input does not need it.
    const { default: base64 } = await import("./clip.json", {
      with: { type: "json" },
    });
    const file = Uint8Array.fromBase64(base64);
    return new Uint8Array(brotliDecompressSync(file));
  } catch (error) {
    throw new MediaError(
      "clip_unavailable",
      `Cannot read the shipped clip ${new URL(
        "demo/clip/clip.json",
        PACKAGE_ROOT,
      )}: ${
        error instanceof Error ? error.message : String(error)
      }; give the demo a file of your own`,
      { cause: error },
    );
  }
}
