/**
 * How a broker is run by hand: a command line for messages to name.
 *
 * @module
 */

/** Runs a broker in the foreground: in a checkout its task, else the package's own module. */
export const FOREGROUND_BROKER: string = import.meta.url.startsWith("file:")
  ? "deno task broker"
  : "deno run --allow-ffi --allow-env --allow-read --allow-write jsr:@streamlib/bridge/broker/main";
