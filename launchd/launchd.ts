/**
 * The broker as an agent of the user's launchd. Not tested on a Mac: only with a
 * simulated launchctl.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import { agentPlist, agentStderrFile, sessionTypeIn } from "./agent.ts";
import type { BrokerProgram } from "./broker_program.ts";
import { chooseDomain, type DomainChoice } from "./domain.ts";
import {
  explainLaunchctl,
  IN_BETWEEN,
  LAUNCHCTL,
  launchctl,
  launchctlCode,
  NOT_LOADED,
} from "./launchctl.ts";
import {
  endOfAgent,
  isDisabled,
  isThrottled,
  lastLinesOf,
  pidOfAgent,
} from "./ended.ts";
import { isThere, lookAt } from "./files.ts";
import type { ProgramResult, RunProgram } from "./run_program.ts";
import { ServiceError } from "./service_error.ts";
import type {
  ServiceFile,
  ServiceManager,
  ServiceReport,
} from "./service_manager.ts";

/** How often to check while launchd loads or ends the agent: 30 s in all, more than ExitTimeOut. */
const ATTEMPTS = 150;
const PAUSE_MS = 200;

const SWITCHED_OFF =
  "it is switched off: by `launchctl disable`, or in System Settings > General > Login Items & Extensions, where its name is that of its program, deno";

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

/** An agent of the user, in the domain in which it is loaded or, if it is in none, in that of this session. */
export class Launchd implements ServiceManager {
  readonly kind = "launchd";
  readonly #names: Names;
  readonly #tools: LaunchdTools;
  readonly #file: string;
  readonly #choice: DomainChoice;
  readonly #target: string;

  private constructor(
    names: Names,
    tools: LaunchdTools,
    file: string,
    choice: DomainChoice,
  ) {
    this.#names = names;
    this.#tools = tools;
    this.#file = file;
    this.#choice = choice;
    this.#target = `${choice.domain.name}/${names.launchdLabel}`;
  }

  /** Finds the agent's domain. Throws ServiceError `no_manager` for root, who has no agents, in a session of no user, and if the names have no property list. */
  static async find(names: Names, tools: LaunchdTools): Promise<Launchd> {
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
    const { run, userId } = tools;
    const choice = await chooseDomain(run, names.launchdLabel, userId);
    return new Launchd(names, tools, file, choice);
  }

  /** As launchctl has it: `gui/501/com.example.service`. */
  get target(): string {
    return this.#target;
  }

  /** As {@link ServiceManager.remarks}. */
  get remarks(): readonly string[] {
    return this.#choice.remarks;
  }

  /** As {@link ServiceManager.files}. */
  files(program: BrokerProgram): readonly ServiceFile[] {
    return [{
      path: this.#file,
      text: agentPlist(this.#names, program, this.#choice.domain),
    }];
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
      if (!await isThere(this.#file)) return { state: "absent" };
      return {
        state: "stopped",
        ...(await this.#isDisabled() &&
          { reason: SWITCHED_OFF, next: this.#enable }),
      };
    }
    if (ran.code !== 0) throw explainLaunchctl(ran, args, this.#target);
    const pid = pidOfAgent(ran.stdout);
    if (pid !== undefined) return { state: "running", pid };
    const reason = endOfAgent(ran.stdout);
    if (reason === undefined) return { state: "listening" };
    // launchd waits for ThrottleInterval, and then starts it for the client that asked.
    return { state: isThrottled(ran.stdout) ? "running" : "failed", reason };
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
    await this.#checkEnabled();
    await this.#checkSession();
    const args = ["bootstrap", this.#choice.domain.name, this.#file];
    await this.#until(args, (ran) =>
      // It fails if another process has loaded it meanwhile.
      IN_BETWEEN.includes(launchctlCode(ran)) && this.#isLoaded());
  }

  /** As {@link ServiceManager.stop}. */
  stop(): Promise<void> {
    return this.#bootOut(this.#target);
  }

  async #bootOut(target: string): Promise<void> {
    const args = ["bootout", target];
    const ran = await launchctl(this.#tools.run, args);
    const code = launchctlCode(ran);
    if (NOT_LOADED.includes(code)) return;
    if (code !== 0 && !IN_BETWEEN.includes(code)) {
      throw explainLaunchctl(ran, args, target);
    }
    // bootout returns before the broker has ended, and until then nothing can be loaded.
    let pid: number | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const printed = await this.#print(target);
      if (printed.code !== 0) return;
      pid = pidOfAgent(printed.stdout);
      await this.#tools.pause(PAUSE_MS);
    }
    throw new ServiceError(
      "timed_out",
      `Cannot stop the agent ${this.#names.launchdLabel}: ${
        ATTEMPTS * PAUSE_MS / 1000
      } s after 'launchctl ${args.join(" ")}' it is still there, ${
        pid === undefined
          ? "though none of its processes runs"
          : `and its process ${pid} has not ended`
      }`,
      `launchctl kill SIGKILL ${target}`,
    );
  }

  /** As {@link ServiceManager.restart}. */
  async restart(): Promise<void> {
    await this.load(false);
    const args = ["kickstart", "-k", this.#target];
    await this.#until(args, () => Promise.resolve(false));
  }

  /** As {@link ServiceManager.unload}: in both domains, if a host has loaded an agent over ssh, and launchd then the installed one at the screen. */
  async unload(): Promise<void> {
    await this.stop();
    const other = `${this.#choice.other.name}/${this.#names.launchdLabel}`;
    if ((await this.#print(other)).code === 0) await this.#bootOut(other);
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

  #print(target: string): Promise<ProgramResult> {
    return launchctl(this.#tools.run, ["print", target]);
  }

  async #isLoaded(): Promise<boolean> {
    return (await this.#print(this.#target)).code === 0;
  }

  /** Whether launchd was told not to load it. False if launchd does not say. */
  async #isDisabled(): Promise<boolean> {
    const { domain } = this.#choice;
    const args = ["print-disabled", domain.name];
    const { code, stdout } = await launchctl(this.#tools.run, args);
    return code === 0 && isDisabled(stdout, this.#names.launchdLabel);
  }

  async #checkEnabled(): Promise<void> {
    if (!await this.#isDisabled()) return;
    throw new ServiceError(
      "refused",
      `Cannot load the agent ${this.#names.launchdLabel}: ${SWITCHED_OFF}`,
      this.#enable,
    );
  }

  /** The command that undoes `launchctl disable`. */
  get #enable(): string {
    return `launchctl enable ${this.#target}`;
  }

  /** Throws `refused` if the property list is of an installation in another session. launchd has only a code for that. */
  async #checkSession(): Promise<void> {
    const found = await lookAt(this.#file);
    if (found.kind !== "ours") return;
    const written = sessionTypeIn(found.text);
    const { name, sessionType } = this.#choice.domain;
    if (written === sessionType) return;
    throw new ServiceError(
      "refused",
      `Cannot load the agent ${this.#names.launchdLabel}: ${this.#file} is for sessions of the type ${
        written ?? "Aqua"
      }, and launchd's domain ${name} is one of the type ${sessionType}`,
      "streamlib broker update",
    );
  }

  /** On some systems `print` has the same code for an unknown service and a missing domain. Throws `no_manager` for the domain. */
  async #checkDomain(): Promise<void> {
    const args = ["print", this.#choice.domain.name];
    const ran = await launchctl(this.#tools.run, args);
    if (ran.code === 0) return;
    const code = LAUNCHCTL.noSuchDomain;
    throw explainLaunchctl({ ...ran, code }, args, this.#target);
  }
}
