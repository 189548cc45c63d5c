/**
 * What the foreign peers are made with: the machine's C compiler and its
 * Python, with the packages of `requirements.txt` in an environment that is
 * made once.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

const HERE = new URL("./", import.meta.url);
const ROOT = new URL("../../", HERE);
const ENVIRONMENT = new URL("c/out/foreign/", ROOT);
const REQUIREMENTS = new URL("requirements.txt", HERE);

async function run(program: string, args: string[]): Promise<void> {
  const { success, code, stderr } = await new Deno.Command(program, {
    args,
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(
    `${program} ended with code ${code}: ${new TextDecoder().decode(stderr)}`,
  );
}

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

/** A Python with the packages of `requirements.txt`, made at the first call and kept beside the compiled shim. */
export async function foreignPython(): Promise<string> {
  const requirements = await Deno.readTextFile(REQUIREMENTS);
  const version = createHash("sha256").update(requirements).digest("hex")
    .slice(0, 12);
  const made = new URL(`venv-${version}/`, ENVIRONMENT);
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
    fileURLToPath(REQUIREMENTS),
  ]);
  await Deno.writeTextFile(done, "");
  return python;
}

/** Compiles the peer, with our libxpc and nothing else of ours, to `output`. */
export async function compilePeer(output: string): Promise<void> {
  const sources = [HERE, new URL("c/linux/", ROOT)].flatMap((folder) =>
    [...Deno.readDirSync(folder)]
      .filter(({ name }) => name.endsWith(".c"))
      .map(({ name }) => fileURLToPath(new URL(name, folder)))
  );
  await run(Deno.env.get("CC") || "cc", [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Werror",
    "-O1",
    "-g",
    "-pthread",
    "-Ic/linux/include",
    "-Ic/linux",
    ...sources,
    "-o",
    output,
  ]);
}
