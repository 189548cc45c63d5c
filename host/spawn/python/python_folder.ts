/**
 * The folder that Python runs: it has `__main__.py`, and the package
 * `streamlib_bridge` of this version of the library.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { BridgeError } from "../../../proto/errors.ts";
import { PACKAGE_ROOT } from "../../../proto/package_root.ts";
import { keepFiles, type KeepPlace } from "../kept_files.ts";

/** Where Python keeps the bytecode of the package. It is made with the folder, whatever the umask of a client. */
const BYTECODE = "streamlib_bridge/__pycache__";

/**
 * Returns the path of the folder. The published package has it as text, which is
 * written below STREAMLIB_HOME: a folder and not a zip, from which Python starts in
 * half the time.
 *
 * @throws {BridgeError} as {@link keepFiles}; `native_failure` if there is none
 */
export async function pythonFolder(place: KeepPlace): Promise<string> {
  // Loaded on demand: in the package it has the whole text.
  const { PACKAGE_TEXT } = await import("./package_text.ts");
  if (PACKAGE_TEXT !== undefined) {
    const { sha256, files } = PACKAGE_TEXT;
    const encoder = new TextEncoder();
    return await keepFiles(place, {
      sha256,
      cache: BYTECODE,
      files: new Map(
        Object.entries(files).map(([path, text]) => [
          path,
          encoder.encode(text),
        ]),
      ),
    });
  }
  const folder = new URL("client/python", PACKAGE_ROOT);
  if (folder.protocol === "file:") return fileURLToPath(folder);
  throw new BridgeError(
    "native_failure",
    `Cannot start a client in Python: this package, ${PACKAGE_ROOT}, was published ` +
      "without its part for Python",
  );
}
