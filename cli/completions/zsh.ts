/**
 * Completion for zsh.
 *
 * @module
 */

import type { Option } from "../option.ts";
import { type Command, PROGRAM } from "../command.ts";
import { optionMeaning } from "../text/help.ts";
import {
  type CompletionPoint,
  optionNames,
  placeKey,
  places,
  shellWord,
  type Word,
} from "./words.ts";

/** The script, for a file `_streamlib` in a directory of `$fpath`. */
export function zshCompletion(commands: readonly Command[]): string {
  return `#compdef ${PROGRAM}
# zsh completion for ${PROGRAM}; written by '${PROGRAM} completions zsh'.
_${PROGRAM}() {
  local place="" word
  local -a words_here
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place/$word" in
      ${
    places(commands).filter(({ path }) => path.length > 0).map(placeKey)
      .join("|")
  })
        place="$place/$word" ;;
      *) break ;;
    esac
  done
  case "$place" in
${places(commands).map(placeCase).join("\n")}
  esac
}
if [[ "\${funcstack[1]}" == _${PROGRAM} ]]; then
  _${PROGRAM} "$@"
else
  compdef _${PROGRAM} ${PROGRAM}
fi
`;
}

function placeCase(place: CompletionPoint): string {
  const words = [...place.next, ...place.operands];
  const specs = place.options.flatMap(optionSpecs);
  return [
    `    ${shellWord(placeKey(place))})`,
    ...place.options.flatMap(valueCase),
    ...(words.length === 0 ? [] : [
      `      words_here=(${words.map(described).join(" ")})`,
      `      _describe ${shellWord("command")} words_here`,
    ]),
    ...(place.takesProgram ? ["      _command_names -e; _files"] : []),
    `      words_here=(${specs.join(" ")})`,
    `      _describe -o ${shellWord("option")} words_here`,
    "      ;;",
  ].join("\n");
}

/** Completion after an option with a value: its choices, or nothing if any value is permitted. */
function valueCase({ value, ...option }: Option<unknown>): string[] {
  if (value === undefined) return [];
  const test = optionNames(option)
    .map((name) => `"\${words[CURRENT-1]}" == ${name}`).join(" || ");
  const { choices = [] } = value;
  const add = choices.length === 0 ? "" : `compadd -- ${choices.join(" ")}; `;
  return [`      [[ ${test} ]] && { ${add}return }`];
}

function optionSpecs(option: Option<unknown>): string[] {
  const meaning = optionMeaning(option);
  return [described({ word: `--${option.name}`, meaning })];
}

/** `word:meaning`, the form that `_describe` expects. */
function described({ word, meaning }: Word): string {
  return shellWord(`${word}:${meaning.replaceAll(":", "\\:")}`);
}
