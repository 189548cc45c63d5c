/**
 * Finds the command that a mistyped one probably means.
 *
 * @module
 */

import type { Command } from "../command.ts";

/** One mistake is allowed for each group of this many letters in a command. */
const LETTERS_PER_MISTAKE = 3;

/** The command that is most similar to the typed words; `undefined` if none is similar enough. */
export function closestCommand(
  words: readonly string[],
  commands: readonly Command[],
): Command | undefined {
  const [best] = commands.map((command) => {
    const name = command.path.join(" ");
    const typed = words.slice(0, command.path.length).join(" ");
    const mistakes = editDistance(typed, name);
    return { command, mistakes, most: name.length / LETTERS_PER_MISTAKE };
  }).filter(({ mistakes, most }) => mistakes <= most)
    .sort((a, b) => a.mistakes - b.mistakes);
  return best?.command;
}

/** The number of letters to insert, delete or change to turn one text into the other. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [done, letter] of [...from].entries()) {
    const next = [done + 1];
    for (let at = 0; at < to.length; at++) {
      next.push(Math.min(
        row[at]! + (letter === to[at] ? 0 : 1),
        row[at + 1]! + 1,
        next[at]! + 1,
      ));
    }
    row = next;
  }
  return row[to.length]!;
}
