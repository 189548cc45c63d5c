/**
 * How a broker is run by hand: a command line for messages to name.
 *
 * @module
 */

/**
 * Runs a broker in the foreground: in a checkout its task, else the package's
 * own module. Its flags are not narrowed to paths and names, so that the line
 * works on any machine, the first time too, when the shim has to be written;
 * what only the start needed the broker gives up once it serves.
 */
export const FOREGROUND_BROKER: string = import.meta.url.startsWith("file:")
  ? "deno task broker"
  : "deno run --allow-ffi --allow-env --allow-read --allow-write jsr:@streamlib/bridge/broker/main";
