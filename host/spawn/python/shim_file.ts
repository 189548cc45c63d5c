/**
 * The shim as a file for Python.
 *
 * A client in Deno loads the shim as its host does, and in the published package
 * that one is in no file. Python needs a path. Not the host's file in memory: its
 * path, `/proc/<host>/fd/<number>`, ends with the host, and is closed to a client
 * that is confined or in a pid namespace of its own; on macOS there is none. Python
 * could not inherit its descriptor either, which is closed when a program is started.
 *
 * @module
 */

import { chosenShim, LIBRARY_NAME } from "../../../ffi/library/library.ts";
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
