/**
 * `streamlib help`.
 *
 * @module
 */

import { usageError } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { commandHelp, groupHelp, isWithin } from "../text/help.ts";

/** What another command does. */
export const help: Command = {
  path: ["help"],
  summary: "Says what a command does, and what can follow it.",
  operands: [{
    label: "COMMAND",
    count: "any",
    meaning: "its words; all commands if none is given",
  }],
  options: [],
  examples: ["help broker connections", "help broker"],
  run,
};

/** Without a broker, and without a moment's wait: nobody asks for help at leisure. */
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
