/**
 * Runs a command line and returns its exit code.
 *
 * @module
 */

import { versionInfo } from "../broker/version.ts";
import { readArguments, usageError } from "./arguments.ts";
import { closestCommand } from "./text/closest.ts";
import { type Command, lineOf, PROGRAM } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { type Console, OutputClosed, RIGHTS, say } from "./terminal/console.ts";
import { CommandError, EXIT, type ExitCode, exitCodeOf } from "./exit.ts";
import { commandHelp, groupHelp, isWithin } from "./text/help.ts";

/**
 * Runs one command line.
 *
 * @param args the arguments, without the program's name
 * @param console the machine that the command runs on
 * @returns the exit code. An unexpected error is thrown
 */
export async function runCommandLine(
  args: readonly string[],
  console: Console,
): Promise<number> {
  try {
    return await dispatch(args, console);
  } catch (error) {
    if (error instanceof OutputClosed) return EXIT.done;
    const code = exitCodeOf(error);
    if (code === undefined) throw error;
    say(console.err, `${PROGRAM}: ${(error as Error).message}`);
    if (error instanceof CommandError) {
      for (const line of error.more) say(console.err, line);
      say(console.err, `Try: ${error.next}`);
    }
    return code;
  }
}

async function dispatch(
  args: readonly string[],
  console: Console,
): Promise<number> {
  const command = COMMANDS.find(({ path }) =>
    path.every((word, at) => args[at] === word)
  );
  if (command !== undefined) {
    const read = readArguments(command, args.slice(command.path.length));
    if (read !== "help") {
      const { needs = [] } = command;
      console.giveUp(RIGHTS.filter((right) => !needs.includes(right)));
      return await command.run({ args: read, console, commands: COMMANDS });
    }
    console.out.write(commandHelp(command));
    return EXIT.done;
  }
  const at = args.findIndex((arg) => arg.startsWith("-"));
  const words = at < 0 ? args : args.slice(0, at);
  const option = at < 0 ? undefined : args[at];
  return answerGroup(words, option, console);
}

/** Handles words that are no complete command: none at all, the first words of commands, or a mistake. */
function answerGroup(
  words: readonly string[],
  option: string | undefined,
  console: Console,
): ExitCode {
  if (!COMMANDS.some((command) => isWithin(command, words))) {
    throw unknownCommand(words);
  }
  if (option === "--help" || option === "-h") {
    console.out.write(groupHelp(COMMANDS, words));
    return EXIT.done;
  }
  if (words.length === 0 && (option === "--version" || option === "-V")) {
    const { version, git_commit } = versionInfo();
    console.out.write(`${PROGRAM} ${version} (${git_commit})\n`);
    return EXIT.done;
  }
  if (option !== undefined) {
    throw usageError(
      words,
      `a command is expected in place of '${option}'; options follow the command`,
    );
  }
  console.err.write(groupHelp(COMMANDS, words));
  return EXIT.usage;
}

function unknownCommand(words: readonly string[]): CommandError {
  const closest: Command | undefined = closestCommand(words, COMMANDS);
  return new CommandError(
    EXIT.usage,
    `Cannot run '${lineOf(words)}': there is no such command`,
    closest ? lineOf(closest.path) : lineOf(["--help"]),
  );
}
