/**
 * An agent for one login: on macOS a name that processes find each other by
 * must be known to launchd, so where no broker is installed a host has launchd
 * load one from a file of its own. Nothing is written to LaunchAgents; at
 * logout it is gone. Never run on a Mac so far.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";
import type { BrokerProgram } from "./broker_program.ts";
import { lookAt, makePrivateDirectory, replaceFile } from "./files.ts";
import { Launchd, type LaunchdTools } from "./launchd.ts";
import { ServiceError } from "./service_error.ts";

/** What an agent is loaded with. */
export interface SessionAgentTools extends Omit<LaunchdTools, "file"> {
  /** What it runs. */
  readonly program: () => Promise<BrokerProgram>;
}

/**
 * Has launchd load the agent, so that the next message to the service's name
 * starts its broker.
 *
 * @returns the property list, where it was loaded now; `undefined` where it
 * was loaded already
 * @throws {ServiceError} as `Launchd` does; `not_ours` where somebody else
 * wrote the file
 */
export async function loadSessionAgent(
  names: Names,
  tools: SessionAgentTools,
): Promise<string | undefined> {
  const { sessionPlistFile: path } = names;
  const manager = new Launchd(names, {
    ...tools,
    ...(path !== undefined && { file: path }),
  });
  const before = await manager.report();
  let changed = false;
  for (const file of manager.files(await tools.program())) {
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
  for (const path of manager.directories) await makePrivateDirectory(path);
  await manager.load(changed);
  const loaded = before.state === "stopped" || before.state === "absent";
  return loaded || changed ? path : undefined;
}
