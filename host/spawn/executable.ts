/**
 * The Deno that runs the clients of this process.
 *
 * Its path is taken when this module is loaded. On Linux the running executable
 * can be started again even after its file was replaced or removed, as
 * `deno upgrade` and package managers do.
 *
 * @module
 */

import { resolve } from "node:path";
import { BridgeError } from "../../proto/errors.ts";

/** The running executable, whatever has become of its file. Linux only. */
const RUNNING = "/proc/self/exe";

/** What {@link denoProgram} asks of this process. */
export interface ExecutableTools {
  /** The path of the running executable. On Linux it ends with " (deleted)" if the file is gone. */
  execPath(): string;
  /** Whether this process may start the program. */
  mayRun(program: string): boolean;
  readonly os: string;
  /** Whether this program was made by `deno compile`. */
  readonly standalone: boolean;
  /** The path of the executable when this module was loaded. */
  readonly atLoad: string;
}

const OWN: ExecutableTools = {
  execPath: () => Deno.execPath(),
  mayRun: (command) =>
    Deno.permissions.querySync({ name: "run", command }).state === "granted",
  os: Deno.build.os,
  standalone: Deno.build.standalone,
  atLoad: Deno.execPath(),
};

/**
 * Returns the program for the next client.
 *
 * @param given the option `deno`, as {@link absoluteProgram} returns it
 * @throws {BridgeError} `bad_argument` if it would be a program made by
 * `deno compile`, which cannot run modules: it would start itself
 */
export function denoProgram(
  given: string | undefined,
  tools: ExecutableTools = OWN,
): string {
  const { atLoad, os, standalone } = tools;
  if (standalone && (given === undefined || given === atLoad)) {
    throw new BridgeError(
      "bad_argument",
      `Cannot launch a client with ${atLoad}: it was made by deno compile and ` +
        "cannot run other modules; set the option `deno` to the path of a Deno executable",
    );
  }
  if (given !== undefined) return given;
  if (os !== "linux" || pathNow(tools) === atLoad) return atLoad;
  return tools.mayRun(RUNNING) ? RUNNING : atLoad;
}

function pathNow({ execPath }: ExecutableTools): string | undefined {
  try {
    return execPath();
  } catch {
    return undefined; // there is no /proc
  }
}

/** Returns the option `deno` in a form that means the same in every folder. A name without a slash is searched for in PATH. */
export function absoluteProgram(
  deno: string,
  folder: string | undefined,
): string {
  return deno.includes("/") && folder !== undefined
    ? resolve(folder, deno)
    : deno;
}

/** What to do if the program could not be started. */
export function adviceFor(
  program: string,
  cause: unknown,
  { atLoad }: Pick<ExecutableTools, "atLoad"> = OWN,
): string {
  if (cause instanceof Deno.errors.NotCapable) {
    return "; the host needs --allow-run for this program";
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "; set the option `deno` to the path of a Deno executable that this user may run";
  }
  if (!(cause instanceof Deno.errors.NotFound)) return "";
  return program === atLoad
    ? "; it was there when the host started: start the host again with a Deno that is there, or set the option `deno` to the path of one"
    : "; set the option `deno` to the path of a Deno executable";
}
