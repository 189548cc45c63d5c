/**
 * `streamlib help`.
 *
 * @module
 */

import { usageError } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { commandHelp, groupHelp, isWithin } from "../text/help.ts";

/** Shows the help of a command. */
export const help: Command = {
  path: ["help"],
  summary: "Shows what a command does, and its arguments and options.",
  operands: [{
    label: "COMMAND",
    count: "any",
    meaning: "the words of the command; without them, all commands are listed",
  }],
  options: [],
  examples: ["help broker connections", "help broker"],
  run,
};

function run({ args, console, commands }: Invocation): Promise<ExitCode> {
  const path = args.operands;
  const exact = commands.find((command) =>
    command.path.length === path.length && isWithin(command, path)
  );
  if (exact) console.out.write(commandHelp(exact));
  else if (commands.some((command) => isWithin(command, path))) {
    console.out.write(groupHelp(commands, path));
  } else {
    return Promise.reject(
      usageError(["help"], `there is no command '${path.join(" ")}'`),
    );
  }
  return Promise.resolve(EXIT.done);
}
