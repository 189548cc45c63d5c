/**
 * An agent for one login. On macOS launchd must know an XPC service name. If no broker
 * is installed, a host lets launchd load an agent from a file of its own, outside of
 * LaunchAgents; it is unloaded at logout. Not tested on a Mac.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import { lookAt, makePrivateDirectory, replaceFile } from "./files.ts";
import { removeUnusedCopies } from "./kept_copy.ts";
import { Launchd, type LaunchdTools } from "./launchd.ts";
import { ServiceError } from "./service_error.ts";

/** The dependencies of {@link loadSessionAgent}. */
export interface SessionAgentTools extends Omit<LaunchdTools, "file"> {
  /** Returns the program of the agent. */
  readonly program: () => Promise<BrokerProgram>;
}

/** An agent that launchd has loaded for a host. */
export interface SessionAgent {
  /** Its property list, if it was loaded now; `undefined` if it was loaded already. */
  readonly loaded: string | undefined;
  /** As launchctl has it: `gui/501/com.example.service`. */
  readonly target: string;
  /** As `ServiceManager.remarks`. */
  readonly remarks: readonly string[];
}

/**
 * Lets launchd load the agent, so that the next message to the service name starts
 * the broker.
 *
 * @throws {ServiceError} as `Launchd` does; `not_ours` if the file was not written by
 * streamlib
 */
export async function loadSessionAgent(
  names: Names,
  tools: SessionAgentTools,
): Promise<SessionAgent> {
  const { sessionPlistFile: path } = names;
  const manager = await Launchd.find(names, {
    ...tools,
    ...(path !== undefined && { file: path }),
  });
  const before = await manager.report();
  let changed = false;
  const program = await tools.program();
  for (const file of manager.files(program)) {
    const found = await lookAt(file.path);
    if (found.kind === "foreign") {
      throw new ServiceError(
        "not_ours",
        `Cannot have launchd load a broker: ${file.path} is ${found.what}; move it away`,
        `ls -l '${file.path}'`,
      );
    }
    if (found.kind === "ours" && found.text === file.text) continue;
    await replaceFile(file.path, file.text);
    changed = true;
  }
  for (const path of manager.directories) makePrivateDirectory(path);
  await manager.load(changed);
  await removeUnusedCopies(names);
  const isNew = changed || before.state === "stopped" ||
    before.state === "absent";
  const { target } = manager;
  const remarks = [...manager.remarks, ...program.remarks ?? []];
  return { loaded: isNew ? path : undefined, target, remarks };
}
