/**
 * Installs, updates and uninstalls a broker as a service of the user.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import {
  lockFileOf,
  lookAt,
  makePrivateDirectory,
  remember,
  removeEmpty,
  removeFile,
  removeKept,
  replaceFile,
} from "./files.ts";
import { removeUnusedCopies } from "./kept_copy.ts";
import { Launchd, type LaunchdTools } from "./launchd.ts";
import { ServiceError } from "./service_error.ts";
import type {
  ServiceFile,
  ServiceManager,
  ServiceReport,
} from "./service_manager.ts";
import { Systemd } from "./systemd.ts";

/** The result of an installation, an update or a removal. */
export interface InstallOutcome {
  /** The state of the service after it. */
  readonly report: ServiceReport;
  /** The files that were written, or removed. */
  readonly files: readonly string[];
  /** What a user must know of where the service and its program are; sentences, usually none. */
  readonly remarks: readonly string[];
}

/** The options of an installer. */
export interface InstallerOptions {
  readonly names: Names;
  readonly manager: ServiceManager;
  /** Returns the program to install. Called only if it is needed. */
  readonly program: () => Promise<BrokerProgram>;
  /** Runs a program as the manager would, and throws ServiceError `does_not_run` unless it serves calls. */
  readonly tryOut: (program: BrokerProgram) => Promise<void>;
  /** Whether a process listens on the broker's gRPC socket. */
  readonly isServed: () => Promise<boolean>;
}

/** Finds the user's service manager: launchd on macOS, systemd on Linux. Throws ServiceError `no_manager`. */
export async function serviceManager(
  names: Names,
  tools: Omit<LaunchdTools, "file" | "userId"> & { userId: () => number },
): Promise<ServiceManager> {
  return names.plistFile === undefined
    ? new Systemd(names, tools.run)
    : await Launchd.find(names, { ...tools, userId: tools.userId() });
}

/** The same for the service of a trial, which ends with this login at the latest. */
export async function trialManager(
  names: Names,
  tools: Parameters<typeof serviceManager>[1],
): Promise<ServiceManager> {
  const { plistFile, sessionPlistFile: file } = names;
  return plistFile === undefined
    ? new Systemd(names, tools.run, true)
    : await Launchd.find(names, {
      ...tools,
      userId: tools.userId(),
      ...(file !== undefined && { file }),
    });
}

/**
 * Installs, updates and uninstalls one service. A repeated operation has no effect.
 */
export class Installer {
  readonly #names: Names;
  readonly #manager: ServiceManager;
  readonly #program: () => Promise<BrokerProgram>;
  readonly #tryOut: (program: BrokerProgram) => Promise<void>;
  readonly #isServed: () => Promise<boolean>;

  /** Has no side effects. */
  constructor(options: InstallerOptions) {
    this.#names = options.names;
    this.#manager = options.manager;
    this.#program = options.program;
    this.#tryOut = options.tryOut;
    this.#isServed = options.isServed;
  }

  /** Whether at least one file of the service exists. */
  async isInstalled(): Promise<boolean> {
    for (const path of this.#manager.paths) {
      if ((await lookAt(path)).kind !== "nothing") return true;
    }
    return false;
  }

  /**
   * Tries the broker out, writes the files and loads the service. If any of that fails,
   * everything is as before. Without a service manager nothing is written.
   *
   * @param force overwrites files of others, and takes the sockets from a broker that
   * was started by hand
   * @throws {ServiceError} `no_manager`, `not_ours`, `in_use`, `does_not_run`, and as the
   * manager does
   */
  async install(force: boolean): Promise<InstallOutcome> {
    const { state } = await this.#manager.report();
    const loaded = state !== "absent" && state !== "stopped";
    if (!force && !loaded) await this.#checkUnserved();
    const installed = await this.isInstalled();
    const undo = [await remember(lockFileOf(this.#names))];
    try {
      const { files, remarks = [] } = await this.#write(force, undo);
      await removeUnusedCopies(this.#names);
      return {
        report: await this.#manager.report(),
        files: files.map(({ path }) => path),
        remarks: [...this.#manager.remarks, ...remarks],
      };
    } catch (error) {
      try {
        await this.#rollBack(undo, installed && loaded);
        await removeUnusedCopies(this.#names);
        if (!installed) await this.#removeTraces();
      } catch (second) {
        throw cannotRollBack(error, second);
      }
      throw error;
    }
  }

  /**
   * Writes the files that have changed, and loads the service again.
   *
   * @throws {ServiceError} `not_installed`, and as {@link install} does
   */
  async update(): Promise<InstallOutcome> {
    if (!await this.isInstalled()) throw this.#notInstalled("update");
    return await this.install(false);
  }

  /**
   * Stops the broker and removes the service's files, its lock file and its logs.
   *
   * @returns the removed files; none if nothing was installed. `unmanaged` is the
   * manager's error if there is no service manager: the files were removed anyway
   * @throws {ServiceError} `not_ours`, and as the manager does, except `no_manager`
   */
  async uninstall(): Promise<InstallOutcome & { readonly unmanaged?: string }> {
    const files: string[] = [];
    if (!await this.#isKnown()) {
      return { report: { state: "absent" }, files, remarks: [] };
    }
    for (const path of this.#manager.paths) await this.#checkOurs(path);
    const unmanaged = await this.#whereManaged(() => this.#manager.unload());
    for (const path of [...this.#manager.paths, ...this.#manager.leftovers]) {
      if (await removeFile(path)) files.push(path);
    }
    await this.#whereManaged(() => this.#manager.forget());
    files.push(...await removeUnusedCopies(this.#names));
    files.push(...await removeKept(this.#names));
    return {
      report: { state: "absent" },
      files,
      remarks: [],
      ...(unmanaged !== undefined && { unmanaged }),
    };
  }

  /** Tries the broker out, writes the changed files and has them loaded. Adds what undoes it to `undo`. */
  async #write(
    force: boolean,
    undo: (() => Promise<void>)[],
  ): Promise<
    { files: readonly ServiceFile[]; remarks?: readonly string[] }
  > {
    const program = await this.#program();
    const files = await this.#changedFiles(program, force);
    await this.#tryOut(program);
    for (const directory of this.#manager.directories) {
      makePrivateDirectory(directory);
    }
    for (const { path } of files) undo.push(await remember(path));
    for (const { path, text } of files) await replaceFile(path, text);
    await this.#manager.load(files.length > 0);
    const { remarks } = program;
    return { files, ...(remarks && { remarks }) };
  }

  /** Undoes what an installation that failed has written. */
  async #rollBack(
    undo: readonly (() => Promise<void>)[],
    loaded: boolean,
  ): Promise<void> {
    // The first is the lock file, which the manager does not know.
    const told = undo.length > 1;
    if (told && !loaded) await this.#whereManaged(() => this.#manager.unload());
    for (const each of undo) await each();
    if (told && loaded) await this.#manager.load(true);
    else if (told) await this.#whereManaged(() => this.#manager.forget());
  }

  /** Removes what an installation that failed has left besides its files. */
  async #removeTraces(): Promise<void> {
    const { leftovers, stderrFile } = this.#manager;
    for (const path of [...leftovers, stderrFile]) await removeFile(path);
    const { logDirectory, home } = this.#names;
    await removeEmpty([logDirectory, home]);
  }

  /** Throws ServiceError `not_installed` if there is no file and the manager does not know the service either. It may know an agent of this login. */
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

  /** The files that are missing or have another content. */
  async #changedFiles(
    program: BrokerProgram,
    force: boolean,
  ): Promise<ServiceFile[]> {
    const changed: ServiceFile[] = [];
    for (const file of this.#manager.files(program)) {
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

  /** Runs `run`. If there is no service manager, and so nothing of ours runs under it, returns the error's text. */
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

function cannotRollBack(error: unknown, second: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  return new ServiceError(
    error.code,
    `${error.message}; and what was there before could not be put back: ${
      (second as Error).message
    }`,
    error.next,
    error.more,
  );
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
