/**
 * `streamlib demo`.
 *
 * @module
 */

import type { Command, Invocation } from "../command.ts";
import { EXIT } from "../exit.ts";
import { argumentsFor, demoProgram } from "../own_programs.ts";

/** Runs the demo. */
export const demo: Command = {
  path: ["demo"],
  summary:
    "Sends a video to a processor in another process, and verifies the result.",
  details: [
    "All arguments are passed to the demo, --help included. It needs no broker: if none is running, it runs its own.",
  ],
  operands: [{
    label: "ARGUMENT",
    count: "any",
    meaning: "an argument of the demo: see `streamlib demo --help`",
  }],
  options: [],
  passesOn: true,
  needs: ["run"],
  examples: [
    "demo",
    "demo --snapshot out.png",
    "demo --frames 600 --size 1920x1080 --json",
  ],
  run,
};

async function run({ args, console }: Invocation): Promise<number> {
  // The demo handles Ctrl-C; this process only waits for its end.
  using _ = console.interruptible();
  const ran = await console.runProgram(
    Deno.execPath(),
    argumentsFor(demoProgram(), args.operands),
    { inherit: true },
  );
  return ran?.code ?? EXIT.failed;
}
