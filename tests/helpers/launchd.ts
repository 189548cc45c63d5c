/**
 * A launchd in memory, with the codes and the delays that users of the real one
 * have reported.
 */

import type { ProgramResult } from "../../launchd/run_program.ts";
import { ScriptedPrograms, SERVICE } from "./service.ts";

export const DOMAIN = "gui/501";
export const TARGET = `${DOMAIN}/${SERVICE}`;

/** One job, loaded or not. */
export class FakeLaunchd {
  loaded = false;
  pid = 0;
  lastExit = "(never exited)";
  /** The number of `print` calls for which a job is still listed after `bootout`. */
  drains = 0;
  /** The number of `bootstrap` calls that fail with code 5 before one succeeds. */
  stubborn = 0;
  /** Whether a user is logged in at the screen. */
  session = true;
  #draining = 0;
  readonly programs: ScriptedPrograms;

  constructor() {
    this.programs = new ScriptedPrograms((line) => this.#answer(line));
  }

  /** The commands that it received, without `print`. */
  get told(): string[] {
    return this.programs.calls
      .map((line) => line.replace("launchctl ", ""))
      .filter((line) => !line.startsWith("print "));
  }

  #answer(line: string): Partial<ProgramResult> | undefined {
    const [program, verb, ...rest] = line.split(" ");
    if (program !== "launchctl") return undefined;
    if (!this.session) {
      return {
        code: verb === "print" ? 113 : 125,
        stderr: verb === "print"
          ? "Could not find domain for"
          : "Bootstrap failed: 125: Domain does not support specified action",
      };
    }
    switch (verb) {
      case "print":
        return rest[0] === DOMAIN ? {} : this.#print();
      case "bootstrap":
        return this.#bootstrap();
      case "bootout":
        return this.#bootout();
      case "kickstart":
        if (!this.loaded) return missing;
        this.pid = 4712;
        return {};
    }
    return { code: 64, stderr: `Unrecognized subcommand: ${verb}` };
  }

  #print(): Partial<ProgramResult> {
    if (this.#draining > 0 && --this.#draining === 0) this.loaded = false;
    if (!this.loaded) return missing;
    const process = this.pid === 0 ? "" : `\tpid = ${this.pid}\n`;
    return {
      stdout:
        `${TARGET} = {\n\tactive count = 1\n\tstate = running\n${process}` +
        `\tlast exit code = ${this.lastExit}\n}\n`,
    };
  }

  #bootstrap(): Partial<ProgramResult> {
    if (this.loaded || this.stubborn-- > 0) {
      return {
        code: 5,
        stderr: "Bootstrap failed: 5: Input/output error\n" +
          "Try re-running the command as root for richer errors.",
      };
    }
    this.loaded = true;
    return {};
  }

  #bootout(): Partial<ProgramResult> {
    if (!this.loaded) {
      return { code: 3, stderr: "Boot-out failed: 3: No such process" };
    }
    this.pid = 0;
    if (this.drains === 0) {
      this.loaded = false;
      return {};
    }
    this.#draining = this.drains;
    return {
      code: 36,
      stderr: "Boot-out failed: 36: Operation now in progress",
    };
  }
}

const missing: Partial<ProgramResult> = {
  code: 113,
  stderr: `Could not find service "${SERVICE}" in domain for user gui: 501`,
};
