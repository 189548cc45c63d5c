/**
 * The address of a broker's gRPC control plane.
 *
 * @module
 */

import { VARIABLES } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";

/** The absolute path of a Unix socket, or a port on the loopback interface. */
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
 * Throws BridgeError `bad_argument` for any other text.
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

/** Returns the address as text, in the form that gRPC uses. */
export function formatAddress(address: Address): string {
  return address.transport === "unix"
    ? `unix:${address.path}`
    : `${address.hostname}:${address.port}`;
}
