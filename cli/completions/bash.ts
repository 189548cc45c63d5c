/**
 * Completion for bash, 3.2 and later.
 *
 * @module
 */

import { type Command, PROGRAM } from "../command.ts";
import {
  type CompletionPoint,
  optionNames,
  placeKey,
  places,
  shellWord,
} from "./words.ts";

/** The script, with the completion of all commands. */
export function bashCompletion(commands: readonly Command[]): string {
  const all = places(commands);
  return `# bash completion for ${PROGRAM}; written by '${PROGRAM} completions bash'.
_${PROGRAM}() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  local previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local place="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place/$word" in
      ${all.filter(({ path }) => path.length > 0).map(placeKey).join("|")})
        place="$place/$word" ;;
      *) break ;;
    esac
  done
  COMPREPLY=()
  case "$place:$previous" in
${all.flatMap(valueCases).join("\n")}
  esac
  case "$place" in
${all.map(placeCase).join("\n")}
  esac
  COMPREPLY+=( $(compgen -W "$words" -- "$current") )
}
complete -F _${PROGRAM} ${PROGRAM}
`;
}

/** Completion after an option with a value: its choices, or nothing if any value is permitted. */
function valueCases(place: CompletionPoint): string[] {
  return place.options.flatMap(({ value, ...option }) => {
    if (value === undefined) return [];
    const pattern = optionNames(option)
      .map((name) => shellWord(`${placeKey(place)}:${name}`)).join("|");
    const { choices } = value;
    const reply = choices
      ? `COMPREPLY=( $(compgen -W ${
        shellWord(choices.join(" "))
      } -- "$current") ); `
      : "";
    return [`    ${pattern}) ${reply}return ;;`];
  });
}

function placeCase(place: CompletionPoint): string {
  const words = [...place.next, ...place.operands].map(({ word }) => word);
  const options = place.options.map(({ name }) => `--${name}`);
  const programs = place.takesProgram
    ? ' COMPREPLY=( $(compgen -c -f -- "$current") );'
    : "";
  return `    ${shellWord(placeKey(place))})${programs} words=${
    shellWord([...words, ...options].join(" "))
  } ;;`;
}
