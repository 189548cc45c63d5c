/**
 * The shim as a file: for clients in Python, and as the launcher of confined clients.
 *
 * The published package has the shim in no file: Deno loads it from a file in memory.
 * The others need a path. That of the host's file in memory, `/proc/<host>/fd/<number>`,
 * ends with the host. A client that is confined, or in a pid namespace of its own,
 * cannot open it, and macOS has no such path. Nor can its descriptor be inherited: it
 * is closed when a program is started.
 *
 * @module
 */

import { chosenShim, LIBRARY_NAME } from "../../ffi/library/library.ts";
import { keepFiles, type KeepPlace } from "./kept_files.ts";

/**
 * Returns the path of the shim that this process has loaded. That of the package is
 * written below STREAMLIB_HOME.
 *
 * @throws {BridgeError} as `chosenShim` and {@link keepFiles}
 */
export async function shimFile(place: KeepPlace): Promise<string> {
  const shim = chosenShim();
  if (shim.source !== "package") return shim.path;
  const { sha256, base64 } = shim.prebuilt;
  const folder = await keepFiles(place, {
    sha256,
    executable: true, // it is the launcher of a client that is confined, too
    files: new Map([[LIBRARY_NAME, Uint8Array.fromBase64(base64)]]),
  });
  return `${folder}/${LIBRARY_NAME}`;
}
