/**
 * A trial of a broker before it is installed: the service manager runs the command line
 * and the environment of the new service, under a name and sockets of its own, and it
 * must serve calls. A broker that was installed before goes on meanwhile.
 *
 * @module
 */

import { MAX_SERVICE_NAME_LENGTH } from "../proto/limits.ts";
import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import {
  lookAt,
  makePrivateDirectory,
  removeFile,
  replaceFile,
} from "./files.ts";
import { ServiceError } from "./service_error.ts";
import type { ServiceManager } from "./service_manager.ts";

const END = ".trial";

/** The name of the service under which `service` is tried. */
export function trialService(service: string): string {
  return service.slice(0, MAX_SERVICE_NAME_LENGTH - END.length) + END;
}

/** What a trial needs. */
export interface Trial {
  /** The names of the service that is to be installed. */
  readonly names: Names;
  /** The names of {@link trialService}, from the same environment. */
  readonly trialNames: Names;
  /** Manages the service of the trial. */
  readonly manager: ServiceManager;
  /** Calls the broker of the trial on both carriers. Returns why it does not answer, and what it wrote; `undefined` if it answers. */
  readonly contact: () => Promise<
    { readonly found: string; readonly more: readonly string[] } | undefined
  >;
}

/**
 * Runs a broker once, and removes everything of the trial again.
 *
 * @throws {ServiceError} `does_not_run` if the broker does not answer, with its manager's
 * reason and its last words; and as the manager does
 */
export async function tryOut(
  program: BrokerProgram,
  trial: Trial,
): Promise<void> {
  const { names: { service }, trialNames, manager, contact } = trial;
  try {
    await clear(trial); // of a trial that was killed
    for (const directory of manager.directories) {
      makePrivateDirectory(directory);
    }
    for (const { path, text } of manager.files(programOf(program, trial))) {
      await replaceFile(path, text);
    }
    await manager.load(true);
    const failure = await contact();
    if (failure === undefined) return;
    throw new ServiceError(
      "does_not_run",
      `Cannot install the broker ${service}: ${manager.kind} started it for a trial, as ${trialNames.service}, and ${failure.found}`,
      "streamlib broker doctor",
      failure.more,
    );
  } finally {
    await clear(trial);
  }
}

/** Removes what a trial has left. */
async function clear({ names, trialNames, manager }: Trial): Promise<void> {
  const found = await Promise.all(manager.paths.map(lookAt));
  if (found.every(({ kind }) => kind === "nothing")) return;
  await manager.unload();
  for (
    const path of [
      ...manager.paths,
      ...manager.leftovers,
      manager.stderrFile,
      trialLogFile(names, trialNames),
    ]
  ) await removeFile(path);
  await manager.forget();
}

/** The program with the names of the trial. */
function programOf(
  { argv, environment }: BrokerProgram,
  { names, trialNames }: Trial,
): BrokerProgram {
  const changed = new Map([
    [names.service, trialNames.service],
    [names.grpcAddress, trialNames.grpcAddress],
    // Its directory is that of the service, which is all that the program may write to.
    [names.logFile, trialLogFile(names, trialNames)],
  ]);
  return {
    argv: argv.map((arg) => changed.get(arg) ?? arg),
    environment,
  };
}

function trialLogFile(names: Names, { service }: Names): string {
  return `${names.logDirectory}/${service}.log`;
}
