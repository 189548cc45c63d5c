/** Python packages for the tools of this checkout, each set in an environment of its own. */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

/** Whether there is a Python that can make environments. True where this process may not look. */
export function hasPython(): boolean {
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") {
    return true;
  }
  try {
    return new Deno.Command("python3", {
      args: ["-c", "import ensurepip, venv"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function run(program: string, args: string[]): Promise<void> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args, stdin: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot make a Python environment: no '${program}' on the PATH. ` +
        "Install it with venv (Debian: `apt install python3-venv`).",
    );
  }
  if (output.success) return;
  const text = new TextDecoder();
  throw new Error(
    `Cannot make a Python environment: ${program} ended with code ` +
      `${output.code}: ${text.decode(output.stdout)}${
        text.decode(output.stderr)
      }`,
  );
}

/**
 * The path of a Python that has the packages of the requirements file, wheels
 * only, made below `folder` at the first call and kept there. Throws with pip's
 * words when they cannot be had.
 */
export async function pythonWith(
  requirements: URL,
  folder: URL,
): Promise<string> {
  const version = createHash("sha256")
    .update(await Deno.readTextFile(requirements)).digest("hex").slice(0, 12);
  const made = new URL(`venv-${version}/`, folder);
  const python = fileURLToPath(new URL("bin/python3", made));
  const done = new URL("complete", made);
  if (await Deno.stat(done).then(() => true, () => false)) return python;
  await run("python3", ["-m", "venv", "--clear", fileURLToPath(made)]);
  await run(python, [
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--only-binary=:all:",
    "--requirement",
    fileURLToPath(requirements),
  ]);
  await Deno.writeTextFile(done, "");
  return python;
}
