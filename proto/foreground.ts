/**
 * The command line that runs a broker by hand, for use in messages.
 *
 * @module
 */

/**
 * Runs a broker in the foreground: the task in a checkout, else the module of
 * the package. The permissions are not narrowed to paths and names, so that the
 * line works on any machine, also when the shim must be written first. The
 * broker gives up the permissions that only its start needs.
 */
export const FOREGROUND_BROKER: string = import.meta.url.startsWith("file:")
  ? "deno task broker"
  : "deno run --allow-ffi --allow-env --allow-read --allow-write jsr:@streamlib/bridge/broker/main";
