/**
 * The broker as a service of the user's systemd.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import type { RunProgram } from "./run_program.ts";
import { ServiceError } from "./service_error.ts";
import type {
  ServiceFile,
  ServiceManager,
  ServiceReport,
} from "./service_manager.ts";
import { IN_THE_FOREGROUND, systemctl } from "./systemctl.ts";
import { exitInWords, lastLines, lastLinesOf, signalInWords } from "./ended.ts";
import { serviceUnit, socketUnit, unitStderrFile } from "./units.ts";

const PROPERTIES =
  "Id,LoadState,ActiveState,SubState,MainPID,Result,ExecMainCode,ExecMainStatus,NRestarts,StateChangeTimestamp";

/** The limit for reading the journal. */
const JOURNAL_TIMEOUT_MS = 5_000;

/** Manages a socket unit and the service unit that it starts. */
export class Systemd implements ServiceManager {
  readonly kind = "systemd";
  readonly #names: Names;
  readonly #run: RunProgram;
  readonly #directory: string;
  readonly #trial: boolean;

  /**
   * Throws ServiceError `no_manager` if there is no directory for units.
   *
   * @param trial the service is not started again after a failure, nor at the next login
   */
  constructor(names: Names, run: RunProgram, trial = false) {
    const { systemdDirectory } = names;
    if (systemdDirectory === undefined) {
      throw new ServiceError(
        "no_manager",
        `Cannot manage the service ${names.service}: systemd's units of this user would be below HOME, which is not set`,
        IN_THE_FOREGROUND,
      );
    }
    this.#names = names;
    this.#run = run;
    this.#directory = systemdDirectory;
    this.#trial = trial;
  }

  /** As {@link ServiceManager.files}. */
  files(program: BrokerProgram): readonly ServiceFile[] {
    const { systemdSocketUnit, systemdUnit } = this.#names;
    return [
      { path: this.#pathOf(systemdSocketUnit), text: socketUnit(this.#names) },
      {
        path: this.#pathOf(systemdUnit),
        text: serviceUnit(this.#names, program, !this.#trial),
      },
    ];
  }

  /** As {@link ServiceManager.paths}. */
  get paths(): readonly string[] {
    const { systemdSocketUnit, systemdUnit } = this.#names;
    return [
      this.#pathOf(systemdSocketUnit),
      this.#pathOf(systemdUnit),
    ];
  }

  /** As {@link ServiceManager.directories}. */
  get directories(): readonly string[] {
    return [this.#names.home, this.#names.logDirectory];
  }

  /** As {@link ServiceManager.stderrFile}. */
  get stderrFile(): string {
    return unitStderrFile(this.#names);
  }

  /** As {@link ServiceManager.leftovers}: the link of `systemctl enable`, which stays if systemd does not run at the removal. */
  get leftovers(): readonly string[] {
    const { systemdSocketUnit } = this.#names;
    return [this.#pathOf(`sockets.target.wants/${systemdSocketUnit}`)];
  }

  /** As {@link ServiceManager.remarks}: a user has one systemd. */
  readonly remarks: readonly string[] = [];

  /** As {@link ServiceManager.diagnosis}. */
  get diagnosis(): string {
    return `journalctl --user --unit ${this.#names.systemdUnit} --lines 20`;
  }

  /** As {@link ServiceManager.report}. */
  async report(): Promise<ServiceReport> {
    const { systemdSocketUnit, systemdUnit } = this.#names;
    const shown = await this.#systemctl(
      "show",
      `--property=${PROPERTIES}`,
      systemdSocketUnit,
      systemdUnit,
    );
    const units = new Map(
      shown.trim().split(/\n{2,}/).map((block) => {
        const unit = propertiesOf(block);
        return [unit.get("Id"), unit];
      }),
    );
    const socket = units.get(systemdSocketUnit);
    const service = units.get(systemdUnit);
    if (socket?.get("LoadState") === "not-found") return { state: "absent" };
    const failed = [service, socket].some((unit) =>
      unit?.get("ActiveState") === "failed"
    );
    if (failed) {
      return { state: "failed", reason: failure(service, socket) };
    }
    switch (service?.get("ActiveState")) {
      case "active":
      case "activating":
      case "reloading":
        return {
          state: "running",
          ...pidOf(service),
          ...waitingOf(service),
        };
    }
    const listens = socket?.get("ActiveState") === "active";
    return { state: listens ? "listening" : "stopped" };
  }

  /** As {@link ServiceManager.lastWords}: from the file of its stderr or, for units of older versions, from the journal, which not every user may read. */
  async lastWords(): Promise<readonly string[]> {
    const words = await lastLinesOf(this.stderrFile);
    if (words.length > 0) return words;
    const ran = await this.#run(
      "journalctl",
      ["--user", "--quiet", "--no-pager", "--output=cat", "--lines=20"].concat(
        `--unit=${this.#names.systemdUnit}`,
      ),
      { timeoutMs: JOURNAL_TIMEOUT_MS },
    );
    return ran?.code === 0 ? lastLines(ran.stdout) : [];
  }

  /** As {@link ServiceManager.load}. */
  async load(changed: boolean): Promise<void> {
    const { systemdSocketUnit } = this.#names;
    if (changed) {
      await this.#systemctl("daemon-reload");
      await this.stop();
    }
    await this.#forgetFailures();
    await this.#systemctl(
      ...this.#trial ? ["start"] : ["enable", "--now"],
      systemdSocketUnit,
    );
  }

  /** As {@link ServiceManager.stop}. */
  async stop(): Promise<void> {
    const { systemdSocketUnit, systemdUnit } = this.#names;
    // In one call: otherwise the sockets could start the broker again.
    await this.#systemctl("stop", systemdSocketUnit, systemdUnit);
  }

  /** As {@link ServiceManager.restart}. */
  async restart(): Promise<void> {
    const { systemdSocketUnit, systemdUnit } = this.#names;
    await this.#forgetFailures();
    // The sockets keep listening: a client that connects meanwhile waits.
    await this.#systemctl("enable", "--now", systemdSocketUnit);
    await this.#systemctl("restart", systemdUnit);
  }

  /** As {@link ServiceManager.unload}. */
  async unload(): Promise<void> {
    const { systemdSocketUnit, systemdUnit } = this.#names;
    await this.#whereLoaded(["stop", systemdSocketUnit, systemdUnit]);
    await this.#whereLoaded(["disable", systemdSocketUnit]);
  }

  /** As {@link ServiceManager.forget}. */
  async forget(): Promise<void> {
    await this.#systemctl("daemon-reload");
    await this.#forgetFailures();
  }

  /** Without it systemd does not start a unit that has failed too often. */
  async #forgetFailures(): Promise<void> {
    const { systemdSocketUnit, systemdUnit } = this.#names;
    await this.#whereLoaded([
      "reset-failed",
      systemdSocketUnit,
      systemdUnit,
    ]);
  }

  async #whereLoaded(args: readonly string[]): Promise<void> {
    try {
      await this.#systemctl(...args);
    } catch (error) {
      const absent = error instanceof ServiceError &&
        error.code === "not_installed";
      if (!absent) throw error;
    }
  }

  #systemctl(...args: string[]): Promise<string> {
    return systemctl(this.#run, args);
  }

  #pathOf(unit: string): string {
    return `${this.#directory}/${unit}`;
  }
}

/** How the service has failed: what its last process did, since when, and whether systemd still starts it. */
function failure(service?: Unit, socket?: Unit): string {
  const since = service?.get("StateChangeTimestamp");
  const gaveUp = service?.get("Result") === "start-limit-hit" ||
    /limit-hit/.test(socket?.get("Result") ?? "");
  const own = service && endOf(service);
  const parts = [
    ...(own !== undefined ? [own] : []),
    ...(gaveUp
      ? ["it failed so often that systemd no longer starts it (start limit)"]
      : []),
    ...(own === undefined && !gaveUp
      ? [`the sockets: ${socket?.get("Result")}`]
      : []),
  ];
  return `${since ? `since ${since}: ` : ""}${parts.join("; ")}`;
}

/** How the last process of a service has ended; `undefined` if it has not failed. */
function endOf(service: Unit): string | undefined {
  const status = Number(service.get("ExecMainStatus"));
  // The values of CLD_EXITED, CLD_KILLED and CLD_DUMPED.
  switch (service.get("ExecMainCode")) {
    case "1":
      return status === 0 ? undefined : exitInWords(status);
    case "2":
    case "3":
      return signalInWords(status);
  }
  const result = service.get("Result");
  return result === undefined || result === "success" ? undefined : result;
}

/** Why a service waits to be started again. */
function waitingOf(service: Unit): { reason?: string } {
  const reason = endOf(service);
  return service.get("SubState") === "auto-restart" && reason !== undefined
    ? { reason }
    : {};
}

type Unit = ReadonlyMap<string, string>;

function propertiesOf(block: string): Map<string, string> {
  return new Map(
    block.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

function pidOf(unit: Unit): { pid?: number } {
  const pid = Number(unit.get("MainPID"));
  return pid > 0 ? { pid } : {};
}
