/**
 * The Python interpreters of this machine, for tests of clients in Python: those
 * in PATH, by their names.
 */

import { run } from "./child.ts";

/** Versions of Python that can run a client. */
export const VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13"] as const;

const mayRun = Deno.permissions.querySync({ name: "run" }).state === "granted";

/** Whether a program ends with the code 0. */
async function works(program: string, ...args: string[]): Promise<boolean> {
  if (!mayRun) return false;
  try {
    return (await run(program, { args })).code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What a test lacks that needs this interpreter; `undefined` if nothing. */
export async function lacksPython(
  name = "python3",
): Promise<string | undefined> {
  return await works(name, "-c", "") ? undefined : `no ${name} in PATH`;
}

/** What a test lacks that needs a module of `python3`; `undefined` if nothing. */
export async function lacksModule(name: string): Promise<string | undefined> {
  return await works("python3", "-c", `import ${name}`)
    ? undefined
    : `no ${name} for the python3 in PATH`;
}
