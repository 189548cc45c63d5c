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
import { serviceUnit, socketUnit } from "./units.ts";

const PROPERTIES = "Id,LoadState,ActiveState,MainPID,Result,ExecMainStatus";

/** Manages a socket unit and the service unit that it starts. */
export class Systemd implements ServiceManager {
  readonly kind = "systemd";
  readonly #names: Names;
  readonly #run: RunProgram;
  readonly #directory: string;

  /** Throws ServiceError `no_manager` if there is no directory for units. */
  constructor(names: Names, run: RunProgram) {
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
  }

  /** As {@link ServiceManager.files}. */
  files(program: BrokerProgram): readonly ServiceFile[] {
    const { systemdSocketUnit, systemdUnit } = this.#names;
    return [
      { path: this.#pathOf(systemdSocketUnit), text: socketUnit(this.#names) },
      {
        path: this.#pathOf(systemdUnit),
        text: serviceUnit(this.#names, program),
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
    return [this.#names.logDirectory];
  }

  /** As {@link ServiceManager.leftovers}: the link of `systemctl enable`, which stays if systemd does not run at the removal. */
  get leftovers(): readonly string[] {
    const { systemdSocketUnit } = this.#names;
    return [this.#pathOf(`sockets.target.wants/${systemdSocketUnit}`)];
  }

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
    switch (service?.get("ActiveState")) {
      case "active":
      case "activating":
      case "reloading":
        return { state: "running", ...pidOf(service) };
      case "failed":
        return {
          state: "failed",
          reason: `${service.get("Result")}, status ${
            service.get("ExecMainStatus")
          }`,
        };
    }
    if (socket?.get("ActiveState") === "failed") {
      return {
        state: "failed",
        reason: `the sockets: ${socket.get("Result")}`,
      };
    }
    const listens = socket?.get("ActiveState") === "active";
    return { state: listens ? "listening" : "stopped" };
  }

  /** As {@link ServiceManager.load}. */
  async load(changed: boolean): Promise<void> {
    const { systemdSocketUnit } = this.#names;
    if (changed) {
      await this.#systemctl("daemon-reload");
      await this.stop();
    }
    await this.#forgetFailures();
    await this.#systemctl("enable", "--now", systemdSocketUnit);
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

function propertiesOf(block: string): Map<string, string> {
  return new Map(
    block.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

function pidOf(unit: ReadonlyMap<string, string>): { pid?: number } {
  const pid = Number(unit.get("MainPID"));
  return pid > 0 ? { pid } : {};
}
