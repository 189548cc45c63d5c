/**
 * `streamlib`, the command line.
 *
 * ```console
 * $ deno task streamlib broker status
 * $ deno install --global --name streamlib … jsr:@streamlib/bridge/cli
 * ```
 *
 * docs/cli.md lists the commands and the permissions that they need.
 *
 * @module
 */

import { surviveFileSizeLimit } from "../ffi/file_size_limit.ts";
import { runCommandLine } from "./cli.ts";
import { systemConsole } from "./terminal/system_console.ts";

if (import.meta.main) {
  // `run` looks first which signals are ignored: see cli/tree/signals.ts.
  if (Deno.args[0] !== "run") surviveFileSizeLimit(); // also for Deno's own caches
  Deno.exit(await runCommandLine(Deno.args, systemConsole()));
}
