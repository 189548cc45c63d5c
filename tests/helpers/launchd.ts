/**
 * A launchd in memory, with the codes, texts and delays that users of the real one have
 * reported. docs/macos.md names the sources.
 */

import { type Domain, ownDomain } from "../../launchd/domain.ts";
import type { ProgramResult } from "../../launchd/run_program.ts";
import { ScriptedPrograms, SERVICE } from "./service.ts";

export const USER_ID = 501;
export const DOMAIN = `gui/${USER_ID}`;
export const USER_DOMAIN = `user/${USER_ID}`;
export const TARGET = `${DOMAIN}/${SERVICE}`;
export const USER_TARGET = `${USER_DOMAIN}/${SERVICE}`;

/** The domain of a session at the screen. */
export const AT_SCREEN: Domain = { name: DOMAIN, sessionType: "Aqua" };

/** One job, loaded or not. */
export class FakeLaunchd {
  /** The domain in which the job is loaded. */
  loadedIn: string | undefined;
  pid = 0;
  lastExit = "(never exited)";
  /** The number of `print` calls for which a job is still listed after `bootout`. */
  drains = 0;
  /** What `bootout` returns for such a job: 36, or 0 as if it had ended. */
  drainCode: 36 | 0 = 36;
  /** The number of `bootstrap` calls that fail with code 5 before one succeeds. */
  stubborn = 0;
  /** The number of `print` calls for which a killed job waits for its ThrottleInterval. */
  throttled = 0;
  /** What `managername` says: `Aqua` at the screen, `Background` over ssh, `System` for daemons. */
  session = "Aqua";
  /** Whether a user is logged in at the screen; otherwise `gui/501` does not exist. */
  screen = true;
  /** The job's line of `print-disabled`; none if nobody has ever enabled or disabled it. */
  switched: "enabled" | "disabled" | "true" | undefined;
  #draining = 0;
  readonly programs: ScriptedPrograms;

  constructor() {
    this.programs = new ScriptedPrograms((line) => this.#answer(line));
  }

  get loaded(): boolean {
    return this.loadedIn !== undefined;
  }

  /** Loads it at the screen, or unloads it. */
  set loaded(loaded: boolean) {
    this.loadedIn = loaded ? DOMAIN : undefined;
  }

  /** The domain of its session. */
  get own(): Promise<Domain> {
    return ownDomain(this.programs.run, USER_ID);
  }

  /** The commands that it received, without those that change nothing. */
  get told(): string[] {
    return this.programs.calls
      .map((line) => line.replace("launchctl ", ""))
      .filter((line) => !/^(print|print-disabled|managername)\b/.test(line));
  }

  #answer(line: string): Partial<ProgramResult> | undefined {
    const [program, verb, ...rest] = line.split(" ");
    const target = rest.find((word) => word !== "-k") ?? "";
    if (program !== "launchctl") return undefined;
    if (verb === "managername") return { stdout: `${this.session}\n` };
    const domain = target.split("/").slice(0, 2).join("/");
    const exists = domain === USER_DOMAIN || domain === DOMAIN && this.screen;
    if (!exists) return verb === "print" ? noDomain : unsupported(verb!);
    switch (verb) {
      case "print":
        return target === domain ? {} : this.#print(domain);
      case "print-disabled":
        return { stdout: this.#printDisabled() };
      case "bootstrap":
        return this.#bootstrap(domain);
      case "bootout":
        return this.#bootout(domain);
      case "kickstart":
        if (this.loadedIn !== domain) return missing;
        this.pid = 4712;
        return {};
    }
    return { code: 64, stderr: `Unrecognized subcommand: ${verb}` };
  }

  #print(domain: string): Partial<ProgramResult> {
    if (this.#draining > 0 && --this.#draining === 0) this.loaded = false;
    if (this.loadedIn !== domain) return missing;
    const waits = this.pid === 0 && this.throttled > 0;
    if (waits && --this.throttled === 0) this.pid = 4713;
    const process = this.pid === 0 ? "" : `\tpid = ${this.pid}\n`;
    const state = waits
      ? "spawn scheduled"
      : this.pid === 0
      ? "not running"
      : "running";
    return {
      stdout:
        `${domain}/${SERVICE} = {\n\tactive count = 1\n\tstate = ${state}\n${process}` +
        `\tlast exit code = ${this.lastExit}\n}\n`,
    };
  }

  #printDisabled(): string {
    const own = this.switched ? `\t\t"${SERVICE}" => ${this.switched}\n` : "";
    return `\n\tdisabled services = {\n\t\t"com.example.other" => disabled\n${own}\t}\n`;
  }

  #bootstrap(domain: string): Partial<ProgramResult> {
    const off = this.switched === "disabled" || this.switched === "true";
    if (this.loaded || off || this.stubborn-- > 0) {
      return {
        code: 5,
        stderr: "Bootstrap failed: 5: Input/output error\n" +
          "Try re-running the command as root for richer errors.",
      };
    }
    this.loadedIn = domain;
    return {};
  }

  #bootout(domain: string): Partial<ProgramResult> {
    if (this.loadedIn !== domain) {
      return { code: 3, stderr: "Boot-out failed: 3: No such process" };
    }
    this.pid = 0;
    if (this.drains === 0) {
      this.loaded = false;
      return {};
    }
    this.#draining = this.drains;
    if (this.drainCode === 0) return {};
    return {
      code: this.drainCode,
      stderr: "Boot-out failed: 36: Operation now in progress",
    };
  }
}

const missing: Partial<ProgramResult> = {
  code: 113,
  stderr: `Could not find service "${SERVICE}" in domain for user gui: 501`,
};

const noDomain: Partial<ProgramResult> = {
  code: 113,
  stderr: "Could not find domain for user gui: 501",
};

function unsupported(verb: string): Partial<ProgramResult> {
  const what = verb === "bootstrap" ? "Bootstrap" : "Operation";
  return {
    code: 125,
    stderr: `${what} failed: 125: Domain does not support specified action`,
  };
}
