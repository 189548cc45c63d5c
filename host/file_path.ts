/**
 * Paths of the files that a host is given as URLs.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { BridgeError, describeError } from "../proto/errors.ts";
import { show } from "../proto/schema/schema_place.ts";

/**
 * Returns the path of a file's URL.
 *
 * @param purpose what the path is for, after "Cannot"
 * @throws {BridgeError} `bad_argument` if it is no URL of a file, or if a "%" in it is not encoded
 */
export function filePath(url: URL, purpose: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new BridgeError(
      "bad_argument",
      `Cannot ${purpose} ${show(url.href)}: ${
        describeError(cause)
      }; give the path as a string, or write a '%' of a file's name as '%25' in its URL`,
      { cause },
    );
  }
}
