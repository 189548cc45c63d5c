/**
 * The folders of Python files. The client's is what Python runs: it has `__main__.py`,
 * and the package `streamlib_bridge` of this version of the library.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { BridgeError } from "../../../proto/errors.ts";
import { PACKAGE_ROOT } from "../../../proto/package_root.ts";
import {
  keepFiles,
  type KeepPlace,
  type KeptText,
  OWN_PLACE,
} from "../kept_files.ts";
import type { PythonSource } from "./python_texts.ts";

/** Where Python keeps the bytecode of the package. It is made with the folder, whatever the umask of a client. */
const BYTECODE: Partial<Record<PythonSource, string>> = {
  "client/python": "streamlib_bridge/__pycache__",
};

/**
 * Returns the path of a folder. The published package has it as text, which is
 * written below STREAMLIB_HOME: a folder and not a zip, from which Python starts in
 * half the time.
 *
 * @throws {BridgeError} as {@link keepFiles}; `native_failure` if there is none
 */
export async function pythonFolder(
  source: PythonSource,
  place: KeepPlace = OWN_PLACE,
): Promise<string> {
  // Loaded on demand: in the package it has the whole text.
  const { PYTHON_TEXTS } = await import("./python_texts.ts");
  if (PYTHON_TEXTS !== undefined) {
    return await keepText(place, PYTHON_TEXTS[source], BYTECODE[source]);
  }
  const folder = new URL(source, PACKAGE_ROOT);
  if (folder.protocol === "file:") return fileURLToPath(folder);
  throw new BridgeError(
    "native_failure",
    `Cannot start a client in Python: this package, ${PACKAGE_ROOT}, was published ` +
      "without its part for Python",
  );
}

async function keepText(
  place: KeepPlace,
  { sha256, files }: KeptText,
  cache: string | undefined,
): Promise<string> {
  const encoder = new TextEncoder();
  return await keepFiles(place, {
    sha256,
    files: new Map(
      Object.entries(files).map(([path, text]) => [path, encoder.encode(text)]),
    ),
    ...(cache !== undefined && { cache }),
  });
}
