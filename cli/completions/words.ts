/**
 * The words that can follow other words on a command line, for shell completion.
 *
 * @module
 */

import { HELP_OPTION } from "../arguments.ts";
import type { Option } from "../option.ts";
import type { Command } from "../command.ts";
import { VERSION } from "../text/help.ts";

/** A word that can follow, and its meaning. */
export interface Word {
  readonly word: string;
  readonly meaning: string;
}

/** A place on the command line: after certain words of a command. */
export interface CompletionPoint {
  /** The words before it, without `streamlib`. */
  readonly path: readonly string[];
  /** The next words of commands. */
  readonly next: readonly Word[];
  /** The permitted values of operands. */
  readonly operands: readonly Word[];
  readonly options: readonly Option<unknown>[];
  /** Whether the first operand is a program and the others are its arguments. */
  readonly takesProgram: boolean;
}

/** Every place with something to complete; the first is the one after `streamlib`. */
export function places(commands: readonly Command[]): CompletionPoint[] {
  const found = new Map<
    string,
    { place: CompletionPoint; next: Map<string, Word> }
  >();
  const at = (
    path: readonly string[],
    place: Partial<CompletionPoint> = {},
  ): void => {
    const key = path.join(" ");
    if (found.has(key)) return;
    const next = new Map<string, Word>();
    found.set(key, {
      next,
      place: {
        path,
        next: [],
        operands: [],
        options: [HELP_OPTION],
        takesProgram: false,
        ...place,
      },
    });
  };
  at([], { options: [HELP_OPTION, VERSION] });
  for (const command of commands) {
    const { path, summary, operands = [], options, endsOptions } = command;
    path.slice(0, -1).forEach((_, depth) => at(path.slice(0, depth + 1)));
    at(path, {
      options: [...options, HELP_OPTION],
      takesProgram: endsOptions ?? false,
      operands: operands.flatMap(({ choices = [], meaning }) =>
        choices.map((word) => ({ word, meaning }))
      ),
    });
    for (const [depth, word] of path.entries()) {
      const leaf = depth === path.length - 1;
      const meaning = leaf ? summary : `the commands of '${word}'`;
      found.get(path.slice(0, depth).join(" "))!.next
        .set(word, { word, meaning });
    }
  }
  return Array.from(
    found.values(),
    ({ place, next }) => ({ ...place, next: [...next.values()] }),
  );
}

/** The key of a place in the scripts, such as "/broker/status". */
export function placeKey({ path }: CompletionPoint): string {
  return path.map((word) => `/${word}`).join("");
}

/** The names of an option, with dashes. */
export function optionNames({ name, short }: Option<unknown>): string[] {
  return [...(short === undefined ? [] : [`-${short}`]), `--${name}`];
}

/** `text` in single quotes, in a form that bash and zsh read. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
