/**
 * Completion for fish.
 *
 * @module
 */

import type { Option } from "../option.ts";
import { type Command, PROGRAM } from "../command.ts";
import { optionMeaning } from "../text/help.ts";
import { type CompletionPoint, placeKey, places, type Word } from "./words.ts";

/** The script, for `~/.config/fish/completions/streamlib.fish`. */
export function fishCompletion(commands: readonly Command[]): string {
  const all = places(commands);
  return `# fish completion for ${PROGRAM}; written by '${PROGRAM} completions fish'.
function __${PROGRAM}_at
    set -l place ''
    for word in (commandline -opc)[2..-1]
        switch "$place/$word"
            case ${
    all.filter(({ path }) => path.length > 0).map(placeKey).map(quoted)
      .join(" ")
  }
                set place "$place/$word"
            case '*'
                break
        end
    end
    test "$place" = "$argv[1]"
end
complete -c ${PROGRAM} -f
${all.flatMap(completionsAt).join("\n")}
`;
}

function completionsAt(place: CompletionPoint): string[] {
  const condition = quoted(`__${PROGRAM}_at ${quoted(placeKey(place))}`);
  const line = (rest: string): string =>
    `complete -c ${PROGRAM} -n ${condition} ${rest}`;
  return [
    ...[...place.next, ...place.operands].map((word) => line(wordSpec(word))),
    ...(place.takesProgram
      ? [line("-F"), line("-a '(__fish_complete_command)'")]
      : []),
    ...place.options.map((option) => line(optionSpec(option))),
  ];
}

function wordSpec({ word, meaning }: Word): string {
  return `-a ${quoted(word)} -d ${quoted(meaning)}`;
}

function optionSpec(option: Option<unknown>): string {
  const { name, short, value } = option;
  const choices = value?.choices;
  return [
    ...(short === undefined ? [] : [`-s ${short}`]),
    `-l ${name}`,
    ...(value === undefined ? [] : ["-x"]),
    ...(choices === undefined ? [] : [`-a ${quoted(choices.join(" "))}`]),
    `-d ${quoted(optionMeaning(option))}`,
  ].join(" ");
}

/** In single quotes, fish has the escapes \\' and \\\\. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
