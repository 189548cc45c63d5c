/**
 * The texts of `--help`.
 *
 * @module
 */

import { HELP_OPTION } from "../arguments.ts";
import type { Operand, Option } from "../option.ts";
import { type Command, lineOf, PROGRAM } from "../command.ts";
import { EXIT, EXIT_MEANINGS } from "../exit.ts";
import { wrap } from "./text_width.ts";

const COLUMNS = 80;
const INDENT = "  ";
const GAP = 2;

/** `--version`, an option of the program itself, without a command. */
export const VERSION: Option<boolean> = {
  name: "version",
  short: "V",
  meaning: "show the version of this program",
};

/** The help of one command. */
export function commandHelp(command: Command): string {
  const { operands = [], details = [], options, examples } = command;
  return [
    `Usage: ${usageOf(command)}`,
    ...[command.summary, ...details].map(paragraph),
    ...(operands.length === 0 ? [] : [
      section("Arguments", operands.map((o) => [o.label, operandMeaning(o)])),
    ]),
    section(
      "Options",
      [...options, HELP_OPTION].map((o) => [optionUsage(o), optionMeaning(o)]),
    ),
    `Examples:\n${
      examples.map((line) => `${INDENT}${PROGRAM} ${line}`).join("\n")
    }`,
  ].join("\n\n") + "\n";
}

/** The help of the commands whose words begin with `path`; of all commands if `path` is empty. */
export function groupHelp(
  commands: readonly Command[],
  path: readonly string[],
): string {
  const group = commands.filter((command) => isWithin(command, path));
  return [
    `Usage: ${lineOf(path)} COMMAND [options]`,
    section("Commands", group.map((c) => [c.path.join(" "), c.summary])),
    ...(path.length > 0 ? [] : [
      section(
        "Options",
        [HELP_OPTION, VERSION].map((o) => [optionUsage(o), optionMeaning(o)]),
      ),
      section(
        "Exit codes",
        Object.entries(EXIT).map((
          [name, code],
        ) => [String(code), EXIT_MEANINGS[name as keyof typeof EXIT]]),
      ),
    ]),
    `For more about a command: ${
      lineOf(["help", ...path])
    } COMMAND, or COMMAND --help`,
  ].join("\n\n") + "\n";
}

/** Whether a command's words begin with `path`. */
export function isWithin(command: Command, path: readonly string[]): boolean {
  return path.every((word, at) => command.path[at] === word);
}

/** The command line of a command, with placeholders for its arguments. */
export function usageOf(
  { path, operands = [], endsOptions }: Command,
): string {
  const labels = operands.map(({ label, count }) =>
    count === "any" ? `[${label}...]` : label
  );
  return endsOptions
    ? [lineOf(path), "[options] [--]", ...labels].join(" ")
    : [lineOf(path), ...labels, "[options]"].join(" ");
}

/** An option as it is typed, with the placeholder of its value. */
export function optionUsage({ name, short, value }: Option<unknown>): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return value === undefined ? names : `${names} ${value.label}`;
}

/** What an option does, with the values that it permits. */
export function optionMeaning({ meaning, value }: Option<unknown>): string {
  const choices = value?.choices;
  return choices ? `${meaning}: ${choices.join(", ")}` : meaning;
}

/** What an operand is, with the values that it permits. */
export function operandMeaning({ meaning, choices }: Operand): string {
  return choices ? `${meaning}: ${choices.join(", ")}` : meaning;
}

function paragraph(text: string): string {
  return wrap(text, COLUMNS).join("\n");
}

function section(
  title: string,
  rows: readonly (readonly [term: string, meaning: string])[],
): string {
  const margin = Math.max(...rows.map(([term]) => term.length)) + GAP;
  const room = COLUMNS - INDENT.length - margin;
  const lines = rows.flatMap(([term, meaning]) =>
    wrap(meaning, room).map((line, at) =>
      INDENT + (at === 0 ? term : "").padEnd(margin) + line
    )
  );
  return `${title}:\n${lines.join("\n")}`;
}
