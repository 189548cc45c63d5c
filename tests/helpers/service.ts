/**
 * A service of a made-up user's, and the programs that manage it.
 */

import type { BrokerProgram } from "../../launchd/broker_program.ts";
import type { ProgramResult, RunProgram } from "../../launchd/run_program.ts";
import { type Names, names } from "../../proto/names.ts";

export const SERVICE = "com.tatolab.streamlib.broker";

/** A directory whose name has all that XML, systemd, Deno or a shell could take for its own. */
export const AWKWARD = `/home/Ada & Sö "n" <1>'s 50% $HOME\\x, 二`;

/** The names of a service below a user's directory. */
export function namesOf(
  home: string,
  os: "linux" | "darwin",
  more: Readonly<Record<string, string>> = {},
): Names {
  return names(new Map(Object.entries({ HOME: home, ...more })), { os });
}

/** A program from there. What a broker's really is, tests of `launchd/broker_program.ts` say. */
export function programOf(home: string): BrokerProgram {
  return {
    argv: [
      `${home}/bin/deno`,
      "run",
      `--allow-ffi=${home}/libstreamlib_bridge.so`,
      "--allow-env=HOME,GRPC_*",
      `${home}/streamlib/broker/main.ts`,
      "--service",
      SERVICE,
    ],
    environment: { HOME: home, DENO_NO_UPDATE_CHECK: "1" },
  };
}

/** Programs that answer as they are told, and what they were asked. */
export class ScriptedPrograms {
  /** The command lines, in their order. */
  readonly calls: string[] = [];
  readonly #answer: (line: string) => Partial<ProgramResult> | undefined;

  /** @param answer to a command line; `undefined`: there is no such program */
  constructor(answer: (line: string) => Partial<ProgramResult> | undefined) {
    this.#answer = answer;
  }

  /** As `RunProgram`. */
  readonly run: RunProgram = (program, args) => {
    const line = [program, ...args].join(" ");
    this.calls.push(line);
    const answer = this.#answer(line);
    return Promise.resolve(
      answer && { code: 0, stdout: "", stderr: "", ...answer },
    );
  };
}
