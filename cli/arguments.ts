/**
 * Reads and checks the arguments of a command.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { BridgeError } from "../proto/errors.ts";
import { type Command, lineOf } from "./command.ts";
import { Arguments, type Option, ValueError } from "./option.ts";
import { CommandError, EXIT } from "./exit.ts";

/** `--help`, an option of every command. */
export const HELP_OPTION: Option<boolean> = {
  name: "help",
  short: "h",
  meaning: "show this help",
};

/**
 * Reads the arguments that follow a command's words. Returns "help" if they
 * contain `--help`.
 *
 * @throws {CommandError} `usage`
 */
export function readArguments(
  command: Command,
  args: readonly string[],
): Arguments | "help" {
  if (command.passesOn) return new Arguments(new Map(), args);
  if (command.endsOptions) return readUntilOperand(command, args);
  const read = parse(command, args);
  if (read === "help") return read;
  checkOperands(command, read.operands);
  return read;
}

/** Reads the options before the first operand. */
function readUntilOperand(
  command: Command,
  args: readonly string[],
): Arguments | "help" {
  const first = args.findIndex((arg) => !/^-./.test(arg) || arg === "--");
  const [options, rest] = first < 0
    ? [args, []]
    : [args.slice(0, first), args.slice(first)];
  const operands = rest[0] === "--" ? rest.slice(1) : rest;
  const read = parse(command, options);
  if (read === "help") return read;
  checkOperands(command, operands);
  return read.with(operands);
}

function parse(
  command: Command,
  args: readonly string[],
): Arguments | "help" {
  const wrong = (what: string): CommandError => usageError(command.path, what);
  const options: readonly Option<unknown>[] = [...command.options, HELP_OPTION];
  const flags = options.filter(({ value }) => value === undefined);
  // The parser would read --json=no as --json.
  const assigned = args.slice(0, args.indexOf("--") >>> 0)
    .map((arg) => /^--([^=]+)=/.exec(arg)?.[1])
    .find((name) => flags.some((flag) => flag.name === name));
  if (assigned !== undefined) throw wrong(`--${assigned} takes no value`);
  const parsed: Record<string, unknown> & { _: unknown[] } = parseArgs(
    [...args],
    {
      boolean: flags.map(({ name }) => name),
      // An operand stays a string, even if it looks like a number.
      string: [...options.filter((o) => o.value).map((o) => o.name), "_"],
      alias: Object.fromEntries(
        options.flatMap(({ name, short }) => short ? [[short, name]] : []),
      ),
      unknown: (arg) => {
        if (arg.startsWith("-") && arg !== "-") {
          throw wrong(`there is no option '${arg}'`);
        }
      },
    },
  );
  const given = new Map<Option<unknown>, unknown>();
  for (const option of options) {
    const found = parsed[option.name];
    if (found === undefined || found === false) continue;
    given.set(option, valueOf(option, found, wrong));
  }
  if (given.has(HELP_OPTION)) return "help";
  return new Arguments(given, parsed._.map(String));
}

/** The error for a command line that is wrong. */
export function usageError(
  path: readonly string[],
  what: string,
): CommandError {
  return new CommandError(
    EXIT.usage,
    `Cannot run '${lineOf(path)}': ${what}`,
    `${lineOf(path)} --help`,
  );
}

function valueOf(
  { name, value }: Option<unknown>,
  found: unknown,
  wrong: (what: string) => CommandError,
): unknown {
  if (value === undefined) {
    if (typeof found === "boolean") return found;
    throw wrong(`--${name} takes no value`);
  }
  if (typeof found !== "string" || found === "" || /^-./.test(found)) {
    throw wrong(`--${name} needs a value, ${value.label}`);
  }
  if (value.choices?.includes(found) === false) {
    const all = value.choices.join(", ");
    throw wrong(`--${name} takes one of ${all}, not '${found}'`);
  }
  try {
    return value.read(found);
  } catch (error) {
    if (error instanceof ValueError) {
      throw wrong(`--${name} takes ${error.message}, not '${found}'`);
    }
    if (error instanceof BridgeError) throw wrong(error.message);
    throw error;
  }
}

function checkOperands(
  { operands = [], path }: Command,
  found: readonly string[],
): void {
  const wrong = (what: string): CommandError => usageError(path, what);
  const missing = operands.find(({ count }, at) =>
    count !== "any" && found[at] === undefined
  );
  if (missing) {
    const { choices, label } = missing;
    throw wrong(
      `${label} is missing${choices ? `, one of ${choices.join(", ")}` : ""}`,
    );
  }
  const open = operands.at(-1)?.count === "any";
  const surplus = open ? undefined : found[operands.length];
  if (surplus !== undefined) {
    throw wrong(`'${surplus}' is one argument too many`);
  }
  for (const [at, { label, choices }] of operands.entries()) {
    const text = found[at];
    if (text !== undefined && choices?.includes(text) === false) {
      throw wrong(`${label} is one of ${choices.join(", ")}, not '${text}'`);
    }
  }
}
