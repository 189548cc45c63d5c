/**
 * Where the shim looks for sockets if no variable names a directory.
 *
 * @module
 */

import { Native } from "./native.ts";

/** Any name: only the directory of its socket is of interest. */
const NAME = "any";
const PATH_BYTES = 512;

/**
 * Returns the user's private directory for sockets, `/run/user/<uid>`, as the shim has
 * found it; `undefined` if there is none. For processes with ffi, which may not be
 * permitted to read the user's id or the file system.
 */
export function userRuntimeOfShim(): string | undefined {
  using native = Native.open();
  const name = new TextEncoder().encode(NAME);
  const text = new Uint8Array(PATH_BYTES);
  const length = native.symbols.slb_service_path_copy(
    name,
    name.length,
    text,
    text.length,
  );
  const path = new TextDecoder().decode(text.subarray(0, length));
  const end = `/streamlib/${NAME}.xpc`;
  return path.endsWith(end) ? path.slice(0, -end.length) : undefined;
}
