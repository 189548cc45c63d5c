/**
 * Paths that a user gives, in the form in which the client's Deno takes them.
 *
 * @module
 */

import { resolve } from "node:path";
import { BridgeError } from "../../proto/errors.ts";

/**
 * Returns the path of a file URL, or the path itself, relative to `folder`.
 *
 * @param what names the path in errors
 * @param folder the folder of relative paths; `undefined` leaves them as they are
 * @throws {BridgeError} `bad_argument` if it is empty, no file URL, or has control characters
 */
export function givenPath(
  given: string | URL,
  what: string,
  folder: string | undefined,
): string {
  const path = given instanceof URL ? pathOf(given, what) : given;
  if (path === "") {
    throw new BridgeError("bad_argument", `Cannot use ${what}: it is empty`);
  }
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(path)) {
    throw new BridgeError(
      "bad_argument",
      `Cannot use ${what} ${
        JSON.stringify(path)
      }: it has control characters, such as a line feed`,
    );
  }
  return folder === undefined ? path : resolve(folder, path);
}

function pathOf(url: URL, what: string): string {
  if (url.protocol !== "file:") {
    throw new BridgeError(
      "bad_argument",
      `Cannot use ${what} ${url}: it is not a file: URL`,
    );
  }
  try {
    return decodeURIComponent(url.pathname);
  } catch (cause) {
    throw new BridgeError(
      "bad_argument",
      `Cannot use ${what} ${url}: a percent sign in a URL is written %25`,
      { cause },
    );
  }
}
