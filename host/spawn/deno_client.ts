/**
 * Clients in Deno: a TypeScript or JavaScript module with its project's imports and
 * its own permissions.
 *
 * @module
 */

import { dirname } from "node:path";
import { BridgeError } from "../../proto/errors.ts";
import {
  absolutePermissions,
  clientArguments,
  inspectorAddress,
} from "./client_arguments.ts";
import type { ClientKind, LaunchPlace, SpawnOptions } from "./client_kind.ts";
import { findLock } from "./client_project.ts";
import { absoluteProgram, adviceFor, denoProgram } from "./executable.ts";
import { LockCopy } from "./lock_copy.ts";
import { givenPath } from "./paths.ts";

/**
 * Returns the kind for one host. The lock file, and the meaning of relative paths,
 * are taken now.
 *
 * @throws {BridgeError} `bad_argument` if an option is not valid
 */
export function denoClient(
  options: SpawnOptions,
  { folder }: LaunchPlace,
): ClientKind {
  const { module, userEnv } = options;
  if (options.python !== undefined) {
    throw new BridgeError(
      "bad_argument",
      `Cannot launch ${module} with the option \`python\`: Deno runs a module ` +
        "whose file name does not end with .py; leave the option out",
    );
  }
  const deno = options.deno && absoluteProgram(options.deno, folder);
  denoProgram(deno); // a wrong one is told now
  const config = options.config === undefined
    ? undefined
    : givenPath(options.config, "config", folder);
  const lock = module.protocol === "file:"
    ? findLock(dirname(givenPath(module, "module", undefined)), config)
    : undefined;
  const argumentOptions = {
    ...options,
    permissions: absolutePermissions(options.permissions ?? {}, folder),
    config,
    inspect: inspectorAddress(options.inspect),
  };
  return {
    command(bridgeEnv) {
      using held = new DisposableStack();
      const copy = lock && LockCopy.create(lock.text);
      if (copy !== undefined) held.use(copy);
      const program = denoProgram(deno);
      const args = clientArguments(
        argumentOptions,
        bridgeEnv,
        Object.keys(userEnv),
        lock && { path: copy?.path ?? lock.path, isCopy: copy !== undefined },
      );
      return { program, args, env: {}, held: held.move() };
    },
    adviceFor: (program, cause) => adviceFor(program, cause),
    explain: () => "",
  };
}
