/**
 * The broker as an agent of the user's launchd. Not tested on a Mac: only with a
 * simulated launchctl.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import { agentPlist, agentStderrFile } from "./agent.ts";
import type { BrokerProgram } from "./broker_program.ts";
import {
  explainLaunchctl,
  IN_BETWEEN,
  LAUNCHCTL,
  launchctl,
  launchctlCode,
  NOT_LOADED,
} from "./launchctl.ts";
import { endOfAgent, lastLinesOf, pidOfAgent } from "./ended.ts";
import type { ProgramResult, RunProgram } from "./run_program.ts";
import { ServiceError } from "./service_error.ts";
import type {
  ServiceFile,
  ServiceManager,
  ServiceReport,
} from "./service_manager.ts";

/** How often to check while launchd loads or ends the agent: 12 s in all, more than ExitTimeOut. */
const ATTEMPTS = 60;
const PAUSE_MS = 200;

/** The dependencies of {@link Launchd}. */
export interface LaunchdTools {
  readonly run: RunProgram;
  /** The user id. */
  readonly userId: number;
  /** Resolves after `ms` milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  /** The property list; by default the one that launchd loads at each login. */
  readonly file?: string;
}

/** An agent in the user's domain, `gui/<uid>`. */
export class Launchd implements ServiceManager {
  readonly kind = "launchd";
  readonly #names: Names;
  readonly #tools: LaunchdTools;
  readonly #file: string;
  readonly #domain: string;
  readonly #target: string;

  /** Throws ServiceError `no_manager` for root, who has no agents, and if the names have no property list. */
  constructor(names: Names, tools: LaunchdTools) {
    const file = tools.file ?? names.plistFile;
    const cannot = `Cannot manage the agent ${names.launchdLabel}`;
    if (file === undefined) {
      throw new ServiceError(
        "no_manager",
        `${cannot}: these are not the names of a Mac`,
        "streamlib broker install",
      );
    }
    if (tools.userId === 0) {
      throw new ServiceError(
        "no_manager",
        `${cannot}: this runs as root, and agents are of users who are logged in`,
        "the same without sudo",
      );
    }
    this.#names = names;
    this.#tools = tools;
    this.#file = file;
    this.#domain = `gui/${tools.userId}`;
    this.#target = `${this.#domain}/${names.launchdLabel}`;
  }

  /** As {@link ServiceManager.files}. */
  files(program: BrokerProgram): readonly ServiceFile[] {
    return [{ path: this.#file, text: agentPlist(this.#names, program) }];
  }

  /** As {@link ServiceManager.paths}. */
  get paths(): readonly string[] {
    return [this.#file];
  }

  /** As {@link ServiceManager.directories}. */
  get directories(): readonly string[] {
    const { logDirectory, runDirectory } = this.#names;
    return [logDirectory, runDirectory];
  }

  /** As {@link ServiceManager.stderrFile}. */
  get stderrFile(): string {
    return agentStderrFile(this.#names);
  }

  /** As {@link ServiceManager.leftovers}: the socket, which launchd makes and does not remove, and the agent of one login that a host may have loaded. */
  get leftovers(): readonly string[] {
    const { grpcSocket, sessionPlistFile } = this.#names;
    return sessionPlistFile === undefined || sessionPlistFile === this.#file
      ? [grpcSocket]
      : [grpcSocket, sessionPlistFile];
  }

  /** As {@link ServiceManager.diagnosis}. */
  get diagnosis(): string {
    return `launchctl print ${this.#target}; tail '${this.stderrFile}'`;
  }

  /** As {@link ServiceManager.report}. `launchctl print` has no stable format, so every part of it is optional. */
  async report(): Promise<ServiceReport> {
    const args = ["print", this.#target];
    const ran = await launchctl(this.#tools.run, args);
    if (NOT_LOADED.includes(launchctlCode(ran))) {
      await this.#checkDomain();
      return { state: await isThere(this.#file) ? "stopped" : "absent" };
    }
    if (ran.code !== 0) throw explainLaunchctl(ran, args, this.#target);
    const pid = pidOfAgent(ran.stdout);
    if (pid !== undefined) return { state: "running", pid };
    const reason = endOfAgent(ran.stdout);
    return reason === undefined
      ? { state: "listening" }
      : { state: "failed", reason };
  }

  /** As {@link ServiceManager.lastWords}. */
  lastWords(): Promise<readonly string[]> {
    return lastLinesOf(this.stderrFile);
  }

  /** As {@link ServiceManager.load}. */
  async load(changed: boolean): Promise<void> {
    if (await this.#isLoaded()) {
      if (!changed) return;
      await this.stop();
    }
    const args = ["bootstrap", this.#domain, this.#file];
    await this.#until(args, (ran) =>
      // It fails if another process has loaded it meanwhile.
      IN_BETWEEN.includes(launchctlCode(ran)) && this.#isLoaded());
  }

  /** As {@link ServiceManager.stop}. */
  async stop(): Promise<void> {
    const args = ["bootout", this.#target];
    const ran = await launchctl(this.#tools.run, args);
    const code = launchctlCode(ran);
    if (NOT_LOADED.includes(code)) return;
    if (code !== 0 && !IN_BETWEEN.includes(code)) {
      throw explainLaunchctl(ran, args, this.#target);
    }
    // bootout returns before the broker has ended, and until then nothing can be loaded.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (!await this.#isLoaded()) return;
      await this.#tools.pause(PAUSE_MS);
    }
    throw new ServiceError(
      "timed_out",
      `Cannot stop the agent ${this.#names.launchdLabel}: ${
        ATTEMPTS * PAUSE_MS / 1000
      } s after 'launchctl ${args.join(" ")}' it is still there`,
      `launchctl kill SIGKILL ${this.#target}`,
    );
  }

  /** As {@link ServiceManager.restart}. */
  async restart(): Promise<void> {
    await this.load(false);
    const args = ["kickstart", "-k", this.#target];
    await this.#until(args, () => Promise.resolve(false));
  }

  /** As {@link ServiceManager.unload}. */
  unload(): Promise<void> {
    return this.stop();
  }

  /** As {@link ServiceManager.forget}: launchd remembers nothing. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  /** Repeats a command while launchd loads or ends the agent, until `done` returns true. */
  async #until(
    args: readonly string[],
    done: (ran: ProgramResult) => Promise<boolean> | boolean,
  ): Promise<void> {
    let ran: ProgramResult;
    let attempt = 0;
    do {
      if (attempt > 0) await this.#tools.pause(PAUSE_MS);
      ran = await launchctl(this.#tools.run, args);
      if (ran.code === 0 || await done(ran)) return;
    } while (
      IN_BETWEEN.includes(launchctlCode(ran)) && ++attempt < ATTEMPTS
    );
    throw explainLaunchctl(ran, args, this.#target);
  }

  async #isLoaded(): Promise<boolean> {
    const { code } = await launchctl(this.#tools.run, ["print", this.#target]);
    return code === 0;
  }

  /** On some systems `print` has the same code for an unknown service and a missing domain. Throws `no_manager` for the domain. */
  async #checkDomain(): Promise<void> {
    const args = ["print", this.#domain];
    const ran = await launchctl(this.#tools.run, args);
    if (ran.code === 0) return;
    const code = LAUNCHCTL.noSuchDomain;
    throw explainLaunchctl({ ...ran, code }, args, this.#target);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
