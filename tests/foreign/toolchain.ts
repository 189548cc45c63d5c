/**
 * The tools for the foreign peers: the machine's C compiler and its Python,
 * with the packages of `requirements.txt` in an environment that is created
 * once.
 */

import { fileURLToPath } from "node:url";
import { describeEnd, runToEnd } from "../../tools/programs.ts";
import { listLibxpc } from "../../tools/c/sources.ts";
import { pythonWith } from "../../tools/install/python.ts";

const HERE = new URL("./", import.meta.url);
const ROOT = new URL("../../", HERE);
const ENVIRONMENT = new URL("c/out/foreign/", ROOT);
const REQUIREMENTS = new URL("requirements.txt", HERE);
/** Go downloads and compiles some hundred packages. */
const LIMIT_MS = 1_200_000;

/** Runs a compiler or another tool of this machine in `cwd`. Throws with its output if it fails. */
export async function runTool(
  program: string,
  args: string[],
  cwd: URL | string = ROOT,
): Promise<void> {
  const ended = await runToEnd(program, { args, cwd, limitMs: LIMIT_MS });
  if (ended.code === 0) return;
  throw new Error(
    `${program}: ${describeEnd(ended, LIMIT_MS)}: ${ended.stderr}`,
  );
}

/** A Python with the packages of `requirements.txt`, kept beside the compiled shim. */
export function foreignPython(): Promise<string> {
  return pythonWith(REQUIREMENTS, ENVIRONMENT);
}

/** Compiles the peer to `output`, with our libxpc and the header of lanes, and nothing else of ours. */
export async function compilePeer(output: string): Promise<void> {
  const own = [...Deno.readDirSync(HERE)]
    .filter(({ name }) => name.endsWith(".c"))
    .map(({ name }) => fileURLToPath(new URL(name, HERE)));
  await runTool(Deno.env.get("CC") || "cc", [
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
    "-Ic",
    "-Ic/linux/include",
    "-Ic/linux",
    "-Ic/include",
    ...own,
    ...await listLibxpc(),
    "-o",
    output,
  ]);
}

/** Pinned; Go checks what it downloads against its checksum database. */
const GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3";

/** Whether there is a Go that can build programs. True where this process may not look. */
export function hasGo(): boolean {
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") {
    return true;
  }
  try {
    return new Deno.Command("go", {
      args: ["version"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The path of grpcurl, built at the first call and kept beside the compiled shim. */
export async function grpcurl(): Promise<string> {
  const version = GRPCURL.slice(GRPCURL.indexOf("@") + 1);
  const folder = fileURLToPath(new URL(`grpcurl-${version}/`, ENVIRONMENT));
  const program = `${folder}grpcurl`;
  if (await Deno.stat(program).then(() => true, () => false)) return program;
  await runTool("env", [`GOBIN=${folder}`, "go", "install", GRPCURL]);
  return program;
}
