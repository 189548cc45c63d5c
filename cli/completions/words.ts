/**
 * What can follow what on a command line, for the shells.
 *
 * @module
 */

import { HELP_OPTION } from "../arguments.ts";
import type { Option } from "../option.ts";
import type { Command } from "../command.ts";
import { VERSION } from "../text/help.ts";

/** A word that can follow, and what it is. */
export interface Word {
  readonly word: string;
  readonly meaning: string;
}

/** A place on the command line: after these command words. */
export interface CompletionPoint {
  /** The words before it, the program's own left out. */
  readonly path: readonly string[];
  /** Words that lead further. */
  readonly next: readonly Word[];
  /** What an operand is, where these are all. */
  readonly operands: readonly Word[];
  readonly options: readonly Option<unknown>[];
}

/** Every place where there is something to complete, the program's own first. */
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
      place: { path, next: [], operands: [], options: [HELP_OPTION], ...place },
    });
  };
  at([], { options: [HELP_OPTION, VERSION] });
  for (const command of commands) {
    const { path, summary, operands = [], options } = command;
    path.slice(0, -1).forEach((_, depth) => at(path.slice(0, depth + 1)));
    at(path, {
      options: [...options, HELP_OPTION],
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

/** A place as the scripts spell it: "/broker/status". */
export function placeKey({ path }: CompletionPoint): string {
  return path.map((word) => `/${word}`).join("");
}

/** An option's names, with their dashes. */
export function optionNames({ name, short }: Option<unknown>): string[] {
  return [...(short === undefined ? [] : [`-${short}`]), `--${name}`];
}

/** `text` in single quotes, for any of the shells. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
