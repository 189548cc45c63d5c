/**
 * Runs a small program to its end: an interpreter that is asked for its path, or uv.
 *
 * @module
 */

import { permittedEnvironment } from "../../../ffi/environment.ts";
import { PASSED_ON } from "../client_environment.ts";

/** How a program ended. */
export interface ToolEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program. Throws what `Deno.Command` throws if it cannot be started. */
export type RunTool = (
  program: string,
  args: readonly string[],
) => Promise<ToolEnd>;

/** How a program is run. */
export interface ToolOptions {
  /** The working directory; `undefined` for this process's. */
  readonly folder: string | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Runs a program with the variables of this process, as in the user's shell. */
export async function runTool(
  program: string,
  args: readonly string[],
  { folder, signal }: ToolOptions,
): Promise<ToolEnd> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    env: ownVariables(),
    ...(folder !== undefined && { cwd: folder }),
    stdin: "null",
    signal,
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/**
 * The variables of this process: managers of interpreters have their own, such as
 * PYENV_VERSION and UV_CACHE_DIR. Without permission for all of them those that a
 * client gets. Deno would demand more permissions for those of the dynamic loader.
 */
function ownVariables(): Record<string, string> {
  if (Deno.permissions.querySync({ name: "env" }).state !== "granted") {
    const own = permittedEnvironment();
    return Object.fromEntries(
      PASSED_ON.flatMap((name) => {
        const value = own.get(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }
  return Object.fromEntries(
    Object.entries(Deno.env.toObject())
      .filter(([name]) => !/^(LD_|DYLD_)/.test(name)),
  );
}
