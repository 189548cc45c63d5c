/**
 * `streamlib demo`.
 *
 * @module
 */

import type { Command, Invocation } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT } from "../exit.ts";
import { argumentsFor, demoProgram } from "../own_programs.ts";

/** The main job, on real input. */
export const demo: Command = {
  path: ["demo"],
  summary:
    "Sends a video to a processor in a process of its own, and verifies what comes back.",
  details: [
    "What follows it goes to the demo as it is, --help included. It needs no broker: where none runs, it has one of its own.",
  ],
  operands: [{
    label: "ARGUMENT",
    count: "any",
    meaning: "what the demo takes: see `streamlib demo --help`",
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

async function run({ args, console }: Invocation): Promise<ExitCode> {
  // Ctrl-C is the demo's to answer.
  using _ = console.interruptible();
  const ran = await console.runProgram(
    Deno.execPath(),
    argumentsFor(demoProgram(), args.operands),
    { inherit: true },
  );
  return (ran?.code ?? EXIT.failed) as ExitCode;
}
