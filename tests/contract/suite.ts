/**
 * The conformance suite, `*.c` beside this file: compiled here, and each case
 * run in a process of its own.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ADDRESS, type Checker, complains } from "../../c/checkers.ts";
import { listC, ROOT, STRICT } from "../../c/sources.ts";

const HERE = new URL("./", import.meta.url);
const OUT = new URL(`c/out/${Deno.build.os}-${Deno.build.arch}/`, ROOT);

/** Flags of every compilation. The cases leave out what a row does not need. */
export const FLAGS: readonly string[] = [
  ...STRICT,
  "-Wno-missing-field-initializers",
  "-pthread",
  "-O1",
];

/** Beyond every wait of a case, and its own alarm. */
const CASE_MS = 100_000;

/** A row of the suite's table, as `--list` prints it. */
export interface Case {
  readonly group: string;
  readonly case: string;
  /** Which of Apple's headers says so, or `ours`. */
  readonly header: string;
  readonly symbol: string;
  readonly sentence: string;
  /** What is otherwise on Linux, or "". */
  readonly differs: string;
}

/** What became of a case. */
export interface Outcome {
  readonly case: string;
  readonly result: "passed" | "failed" | "differs" | "skipped";
  readonly detail: string;
}

/** The suite's C files, as paths from the root of the checkout. */
export async function listSuite(): Promise<string[]> {
  return await listC("../tests/contract/");
}

async function output(
  program: string,
  args: string[],
): Promise<Deno.CommandOutput> {
  return await new Deno.Command(program, {
    args,
    cwd: ROOT,
    stdin: "null",
  }).output();
}

/**
 * Compiles the suite for this machine, unless it is there, and returns its path.
 * On Linux it is linked with our libxpc.
 */
export async function compileSuite(
  checker: Checker = ADDRESS,
): Promise<string> {
  const linux = Deno.build.os === "linux";
  const flags = linux
    ? [...FLAGS, ...checker.flags, "-D_GNU_SOURCE", "-Ic/linux"]
    : [...FLAGS, ...checker.flags, "-fno-blocks"];
  const sources = [
    ...await listSuite(),
    ...(linux ? await listC("linux/") : []),
  ];
  const headers = await Promise.all(
    ["../tests/contract/", "linux/", "linux/include/xpc/"].map((folder) =>
      listC(folder, ".h")
    ),
  );
  const hash = createHash("sha256").update(flags.join("\0"));
  for (const file of [...sources, ...headers.flat()]) {
    hash.update(file).update(await Deno.readFile(new URL(file, ROOT)));
  }
  const program = fileURLToPath(
    new URL(
      `contract-${checker.name}-${hash.digest("hex").slice(0, 16)}`,
      OUT,
    ),
  );
  if (await Deno.stat(program).then(() => true, () => false)) return program;
  await Deno.mkdir(OUT, { recursive: true });
  await removeOld(`contract-${checker.name}-`);
  const temporary = `${program}.${Deno.pid}.tmp`;
  const { success, stderr } = await output(Deno.env.get("CC") || "cc", [
    ...flags,
    ...sources,
    "-o",
    temporary,
  ]);
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  await Deno.rename(temporary, program);
  return program;
}

async function removeOld(start: string): Promise<void> {
  for await (const { name } of Deno.readDir(OUT)) {
    if (!name.startsWith(start)) continue;
    await Deno.remove(new URL(name, OUT), { recursive: true });
  }
}

/** All cases, in the order of the table. */
export async function listCases(program: string): Promise<Case[]> {
  const { stdout } = await output(program, ["--list"]);
  return new TextDecoder().decode(stdout).trim().split("\n")
    .map((line) => JSON.parse(line) as Case);
}

/** Runs one case. One that ends without a result, or with complaints of the checker, has failed. */
export async function runCase(
  program: string,
  name: string,
  checker: Checker,
): Promise<Outcome> {
  const [first, ...before] = [...checker.command, program];
  const child = new Deno.Command(first!, {
    args: [...before, "--case", name],
    env: checker.env,
    cwd: HERE,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), CASE_MS);
  const { code, signal, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = new TextDecoder();
  const complaints = text.decode(stderr);
  const line = text.decode(stdout).trim();
  // The other processes say theirs here too.
  if (line && !complains(complaints)) {
    const outcome = JSON.parse(line) as Outcome;
    if (code === 0 || outcome.result === "failed") return outcome;
  }
  return {
    case: name,
    result: "failed",
    detail: `ended with ${signal ?? code}: ${complaints}`,
  };
}
