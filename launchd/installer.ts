/**
 * Installing a broker as a service of its user's, and taking it away again.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import {
  lookAt,
  makePrivateDirectory,
  removeFile,
  removeKept,
  replaceFile,
} from "./files.ts";
import { Launchd, type LaunchdTools } from "./launchd.ts";
import { ServiceError } from "./service_error.ts";
import type {
  ServiceFile,
  ServiceManager,
  ServiceReport,
} from "./service_manager.ts";
import { Systemd } from "./systemd.ts";

/** What was done. */
export interface InstallOutcome {
  /** How the service is now. */
  readonly report: ServiceReport;
  /** The files that were written, or removed. */
  readonly files: readonly string[];
}

/** What an installer works with. */
export interface InstallerOptions {
  readonly names: Names;
  readonly manager: ServiceManager;
  /** What is to be installed; asked for only when it is. */
  readonly program: () => Promise<BrokerProgram>;
  /** Whether somebody listens at the broker's gRPC socket. */
  readonly isServed: () => Promise<boolean>;
}

/** The user's service manager for a service: launchd on macOS, else systemd. Throws ServiceError `no_manager`. */
export function serviceManager(
  names: Names,
  tools: Omit<LaunchdTools, "file" | "userId"> & { userId: () => number },
): ServiceManager {
  return names.plistFile === undefined
    ? new Systemd(names, tools.run)
    : new Launchd(names, { ...tools, userId: tools.userId() });
}

/**
 * One service, to be installed, brought up to date, and taken away. Each may
 * be done again, and then does nothing.
 */
export class Installer {
  readonly #names: Names;
  readonly #manager: ServiceManager;
  readonly #program: () => Promise<BrokerProgram>;
  readonly #isServed: () => Promise<boolean>;

  /** Does nothing by itself. */
  constructor(options: InstallerOptions) {
    this.#names = options.names;
    this.#manager = options.manager;
    this.#program = options.program;
    this.#isServed = options.isServed;
  }

  /** Whether a file of the service's is in its place. */
  async isInstalled(): Promise<boolean> {
    for (const path of this.#manager.paths) {
      if ((await lookAt(path)).kind !== "nothing") return true;
    }
    return false;
  }

  /**
   * Writes the files and loads them. Nothing is written where nobody manages
   * services.
   *
   * @param force writes over what somebody else wrote, and takes the sockets
   * from a broker that nobody installed
   * @throws {ServiceError} `no_manager`, `not_ours`, `in_use`, and as the manager does
   */
  async install(force: boolean): Promise<InstallOutcome> {
    const { state } = await this.#manager.report();
    if (!force && (state === "absent" || state === "stopped")) {
      await this.#checkUnserved();
    }
    const files = await this.#changedFiles(force);
    for (const directory of this.#manager.directories) {
      await makePrivateDirectory(directory);
    }
    for (const { path, text } of files) await replaceFile(path, text);
    await this.#manager.load(files.length > 0);
    return {
      report: await this.#manager.report(),
      files: files.map(({ path }) => path),
    };
  }

  /**
   * Writes the files anew where they would be others today, and loads them.
   *
   * @throws {ServiceError} `not_installed`, and as {@link install} does
   */
  async update(): Promise<InstallOutcome> {
    if (!await this.isInstalled()) throw this.#notInstalled("update");
    return await this.install(false);
  }

  /**
   * Stops the broker and removes every file, its lock file and its logs too.
   *
   * @returns what was removed: nothing where nothing was installed
   * @throws {ServiceError} `not_ours`, and as the manager does; not where
   * there is none any more
   */
  async uninstall(): Promise<InstallOutcome & { readonly unmanaged?: string }> {
    const files: string[] = [];
    if (!await this.#isKnown()) return { report: { state: "absent" }, files };
    for (const path of this.#manager.paths) await this.#checkOurs(path);
    const unmanaged = await this.#whereManaged(() => this.#manager.unload());
    for (const path of [...this.#manager.paths, ...this.#manager.leftovers]) {
      if (await removeFile(path)) files.push(path);
    }
    await this.#whereManaged(() => this.#manager.forget());
    files.push(...await removeKept(this.#names));
    return {
      report: { state: "absent" },
      files,
      ...(unmanaged !== undefined && { unmanaged }),
    };
  }

  /** Throws ServiceError `not_installed` unless a file is there, or the manager knows the service without one: an agent of this login's. */
  async checkKnown(action: string): Promise<void> {
    if (!await this.#isKnown()) throw this.#notInstalled(action);
  }

  async #isKnown(): Promise<boolean> {
    if (await this.isInstalled()) return true;
    let state = "absent";
    await this.#whereManaged(async () => {
      state = (await this.#manager.report()).state;
    });
    return state !== "absent";
  }

  #notInstalled(action: string): ServiceError {
    return new ServiceError(
      "not_installed",
      `Cannot ${action} the broker ${this.#names.service}: it is not installed`,
      "streamlib broker install",
    );
  }

  /** The files that are not there as they should be. */
  async #changedFiles(force: boolean): Promise<ServiceFile[]> {
    const changed: ServiceFile[] = [];
    for (const file of this.#manager.files(await this.#program())) {
      const found = await lookAt(file.path);
      if (
        found.kind === "foreign" && (!force || found.what === "a directory")
      ) {
        throw notOurs("install", file.path, found.what);
      }
      if (found.kind !== "ours" || found.text !== file.text) changed.push(file);
    }
    return changed;
  }

  async #checkOurs(path: string): Promise<void> {
    const found = await lookAt(path);
    if (found.kind === "foreign") throw notOurs("uninstall", path, found.what);
  }

  async #checkUnserved(): Promise<void> {
    if (!await this.#isServed()) return;
    const { service, grpcSocket } = this.#names;
    throw new ServiceError(
      "in_use",
      `Cannot install the broker ${service}: one that was started by hand already serves unix:${grpcSocket}; stop it first, or take its place with --force`,
      "streamlib broker install --force",
    );
  }

  /** The manager's words where there is none: then nothing of ours runs under it either. */
  async #whereManaged(run: () => Promise<void>): Promise<string | undefined> {
    try {
      await run();
      return undefined;
    } catch (error) {
      const absent = error instanceof ServiceError &&
        error.code === "no_manager";
      if (!absent) throw error;
      return error.message;
    }
  }
}

function notOurs(action: string, path: string, what: string): ServiceError {
  return new ServiceError(
    "not_ours",
    `Cannot ${action} the broker: ${path} is ${what}; look at it, and move it away${
      action === "install" ? ", or write over it with --force" : ""
    }`,
    `ls -l '${path}'`,
  );
}
