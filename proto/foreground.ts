/**
 * The command lines that run a broker, for use in messages.
 *
 * @module
 */

import { PACKAGE_ROOT } from "./package_root.ts";

/**
 * Runs a broker in the foreground: the task in a checkout, else the module of
 * the package. The permissions are not narrowed to paths and names, so that the
 * line works on any machine: the package's shim has no path. The broker gives up
 * the permissions that only its start needs.
 */
export const FOREGROUND_BROKER: string = PACKAGE_ROOT.protocol === "file:"
  ? "deno task broker"
  : "deno run --allow-ffi --allow-env jsr:@streamlib/bridge/broker/main";

/** The command that gets a broker. On macOS a broker in the foreground could not serve its XPC name, which only launchd can give. */
export function brokerCommand(
  os: typeof Deno.build.os = Deno.build.os,
): string {
  return os === "darwin" ? "streamlib broker install" : FOREGROUND_BROKER;
}
