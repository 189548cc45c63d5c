/**
 * A service of an invented user, and the programs that manage it.
 */

import type { BrokerProgram } from "../../launchd/broker_program.ts";
import type { ProgramResult, RunProgram } from "../../launchd/run_program.ts";
import { type Names, names } from "../../proto/names.ts";

export const SERVICE = "com.tatolab.streamlib.broker";

/** A directory whose name contains the special characters of XML, systemd, Deno and the shell. */
export const AWKWARD = `/home/Ada & Sö "n" <1>'s 50% $HOME\\x, 二`;

/** The names of a service in a user's home. */
export function namesOf(
  home: string,
  os: "linux" | "darwin",
  more: Readonly<Record<string, string>> = {},
): Names {
  return names(new Map(Object.entries({ HOME: home, ...more })), { os });
}

/** A simplified broker program in that home. The tests of `launchd/broker_program.ts` check the real one. */
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

/** Programs with prepared results. It records their command lines. */
export class ScriptedPrograms {
  /** The command lines, in their order. */
  readonly calls: string[] = [];
  readonly #answer: (line: string) => Partial<ProgramResult> | undefined;

  /** @param answer returns the result of a command line; `undefined` if the program does not exist */
  constructor(answer: (line: string) => Partial<ProgramResult> | undefined) {
    this.#answer = answer;
  }

  /** Implements `RunProgram`. */
  readonly run: RunProgram = (program, args) => {
    const line = [program, ...args].join(" ");
    this.calls.push(line);
    const answer = this.#answer(line);
    return Promise.resolve(
      answer && { code: 0, stdout: "", stderr: "", ...answer },
    );
  };
}
