/**
 * The folder in which a client finds its broker's socket, if the broker is in no
 * bootstrap.
 *
 * @module
 */

import { dirname } from "node:path";
import type { Bootstrap } from "../../ffi/bootstrap.ts";
import { Native } from "../../ffi/native.ts";
import {
  BOOTSTRAP_ISOLATED,
  BOOTSTRAP_VARIABLE,
} from "../../proto/bootstrap.ts";
import { permittedEnvironment } from "../../ffi/environment.ts";

const PATH_BYTES = 512;

/**
 * Returns the folder; `undefined` if the client needs none, because it inherits the
 * channel of a bootstrap that knows the broker.
 *
 * @param bootstrap the one with the broker's name, if there is one
 */
export function servicesFolder(
  bridgeEnv: Readonly<Record<string, string>>,
  bootstrap: Bootstrap | undefined,
): string | undefined {
  if (bootstrap !== undefined) return undefined;
  const channel = permittedEnvironment().get(BOOTSTRAP_VARIABLE);
  if (channel?.endsWith(BOOTSTRAP_ISOLATED)) return undefined; // unknown names are looked for nowhere else
  const service = bridgeEnv["STREAMLIB_BROKER_XPC_SERVICE"];
  if (service === undefined) return undefined;
  using native = Native.open();
  const name = new TextEncoder().encode(service);
  const text = new Uint8Array(PATH_BYTES);
  const length = native.symbols.slb_service_path_copy(
    name,
    name.length,
    text,
    text.length,
  );
  return length === 0
    ? undefined
    : dirname(new TextDecoder().decode(text.subarray(0, length)));
}
