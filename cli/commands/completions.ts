/**
 * `streamlib completions`.
 *
 * @module
 */

import type { Command, Invocation } from "../command.ts";
import { bashCompletion } from "../completions/bash.ts";
import { fishCompletion } from "../completions/fish.ts";
import { zshCompletion } from "../completions/zsh.ts";
import { EXIT, type ExitCode } from "../exit.ts";

const SHELLS: Readonly<
  Record<string, (commands: readonly Command[]) => string>
> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Writes the completion script of a shell. */
export const completions: Command = {
  path: ["completions"],
  summary: "Writes the script with which a shell completes command lines.",
  details: [
    'For bash, put `source <(streamlib completions bash)` into ~/.bashrc; for a bash older than 4, `eval "$(streamlib completions bash)"`. For zsh, write the script to a file _streamlib in a directory of $fpath. For fish, write it to ~/.config/fish/completions/streamlib.fish.',
  ],
  operands: [{
    label: "SHELL",
    meaning: "the shell",
    choices: Object.keys(SHELLS),
  }],
  options: [],
  examples: [
    "completions bash",
    "completions zsh > ~/.zfunc/_streamlib",
    "completions fish > ~/.config/fish/completions/streamlib.fish",
  ],
  run,
};

function run({ args, console, commands }: Invocation): Promise<ExitCode> {
  console.out.write(SHELLS[args.operands[0]!]!(commands));
  return Promise.resolve(EXIT.done);
}
