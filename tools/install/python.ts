/** Python environments for the tools of this checkout: one for each requirements file. */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { whyStub } from "../macos/command_line_tools.ts";
import { madeOnce } from "./made_once.ts";
import { describeEnd, type Ended, runToEnd } from "../programs.ts";

/** The limit for one run of Python, which may download packages over a slow network. */
const LIMIT_MS = 1_800_000;

/**
 * Whether there is a Python that can make environments; true if this process
 * may not run programs. Synchronous, because tests are declared by it.
 */
export function hasPython(): boolean {
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") {
    return true;
  }
  try {
    if (whyStub("python3") !== undefined) return false;
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
  const stub = whyStub(program);
  if (stub !== undefined) {
    throw new Error(
      `Cannot make a Python environment: '${program}' is only a stub of macOS: ` +
        `${stub}. Install them: \`xcode-select --install\`.`,
    );
  }
  let ended: Ended;
  try {
    ended = await runToEnd(program, {
      args,
      limitMs: LIMIT_MS,
      sharesSession: true,
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot make a Python environment: no '${program}' on the PATH. ` +
        "Install it with venv (Debian: `apt install python3-venv`).",
    );
  }
  if (ended.code === 0) return;
  throw new Error(
    `Cannot make a Python environment: '${program}': ` +
      `${describeEnd(ended, LIMIT_MS)}: ${ended.stdout}${ended.stderr}`,
  );
}

/**
 * Returns the path of a Python with the packages of the requirements file, as
 * wheels only. Its environment is made below `folder` at the first call, and
 * kept; only its Python is run, since its other programs name the folder in which
 * they were made. Throws with pip's output if that fails.
 *
 * @param base the Python that makes it; each one needs a folder of its own
 */
export async function pythonWith(
  requirements: URL,
  folder: URL,
  base = "python3",
): Promise<string> {
  const version = createHash("sha256")
    .update(await Deno.readTextFile(requirements)).digest("hex").slice(0, 12);
  const made = new URL(`python-${version}/`, folder);
  const pythonIn = (folder: string): string => `${folder}/bin/python3`;
  await madeOnce(made, async (result) => {
    await run(base, ["-m", "venv", result]);
    await run(pythonIn(result), [
      "-m",
      "pip",
      "install",
      "--disable-pip-version-check",
      "--only-binary=:all:",
      "--requirement",
      fileURLToPath(requirements),
    ]);
  });
  return pythonIn(fileURLToPath(made).slice(0, -1));
}
