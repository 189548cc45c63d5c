/**
 * Where a broker's gRPC control plane is.
 *
 * @module
 */

import { VARIABLES } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";

/** A Unix socket by its absolute path, or a port of this machine. */
export type Address =
  | { readonly transport: "unix"; readonly path: string }
  | {
    readonly transport: "tcp";
    readonly hostname: string;
    readonly port: number;
  };

/**
 * Reads `unix:/absolute/path` or `127.0.0.1:50051`.
 *
 * Throws BridgeError `bad_argument` that says what was expected.
 *
 * ```ts ignore
 * parseAddress("127.0.0.1:50051"); // { transport: "tcp", hostname: "127.0.0.1", port: 50051 }
 * ```
 */
export function parseAddress(text: string): Address {
  const { parse, expects } = VARIABLES.STREAMLIB_BROKER_ENDPOINT;
  const address = parse(text);
  if (address === undefined) {
    throw new BridgeError(
      "bad_argument",
      `Cannot use ${
        JSON.stringify(text)
      } as the broker's address: expected ${expects}`,
    );
  }
  if (address.startsWith("unix:")) {
    return { transport: "unix", path: address.slice("unix:".length) };
  }
  const colon = address.lastIndexOf(":");
  return {
    transport: "tcp",
    hostname: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
  };
}

/** The text of an address, as gRPC takes it. */
export function formatAddress(address: Address): string {
  return address.transport === "unix"
    ? `unix:${address.path}`
    : `${address.hostname}:${address.port}`;
}
