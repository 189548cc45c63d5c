/**
 * Permissions of a client whose runtime has none of its own: they are the system's
 * to enforce. This is the only place that knows whether it can.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { ClientPermissions } from "./client_arguments.ts";
import type { ClientLine } from "./client_kind.ts";

/**
 * Checks that permissions can be enforced: they are never ignored.
 *
 * @param permissions `undefined` if the user gave none: then nothing confines the
 * client. No permissions, `{}`, is a confinement
 * @throws {BridgeError} `not_permitted` if they cannot
 */
export function checkEnforceable(
  permissions: ClientPermissions | undefined,
): void {
  if (permissions === undefined) return;
  throw new BridgeError(
    "not_permitted",
    "Cannot launch a client in Python with the option `permissions`: Python has no " +
      "permissions of its own, and this version of the library does not have the " +
      "system enforce them; leave the option out to run the client with all rights of this user",
  );
}

/**
 * Returns the command that runs a client with no more than these permissions.
 *
 * @param _reads the files and folders that it must read whatever its permissions
 * @throws {BridgeError} as {@link checkEnforceable}
 */
export function confined(
  command: ClientLine,
  permissions: ClientPermissions | undefined,
  _reads: readonly string[],
): ClientLine {
  checkEnforceable(permissions);
  return command;
}
