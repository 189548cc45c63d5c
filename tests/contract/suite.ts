/**
 * The conformance suite, `*.c` beside this file: compiles it, and runs each
 * case in its own process.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ADDRESS, type Checker, complains } from "../../tools/c/checkers.ts";
import { describeEnd, type Ended, runToEnd } from "../../tools/programs.ts";
import { listC, listLibxpc, listShim, STRICT } from "../../tools/c/sources.ts";
import { ROOT } from "../../tools/checkout.ts";

const HERE = new URL("./", import.meta.url);
const OUT = new URL(`c/out/${Deno.build.os}-${Deno.build.arch}/`, ROOT);

/** Flags of every compilation. The table of cases leaves out unused fields. */
export const FLAGS: readonly string[] = [
  ...STRICT,
  "-Wno-missing-field-initializers",
  "-pthread",
  "-O1",
];

/** The limit for a case, longer than its own alarm, and for compiling the suite. */
const LIMIT_MS = 660_000;

/** A row of the suite's table, as `--list` prints it. */
export interface Case {
  readonly group: string;
  readonly case: string;
  /** Apple's header with the sentence, or `ours`. */
  readonly header: string;
  readonly symbol: string;
  readonly sentence: string;
  /** How Linux differs, or "". */
  readonly differs: string;
  /** How many other processes it needs, as named services. */
  readonly others: number;
}

/** The result of a case. */
export interface Outcome {
  readonly case: string;
  readonly result: "passed" | "failed" | "differs" | "skipped";
  readonly detail: string;
}

/** The suite's C files, as paths from the root of the checkout. */
export async function listSuite(): Promise<string[]> {
  return await listC("../tests/contract/");
}

function output(program: string, args: string[]): Promise<Ended> {
  return runToEnd(program, { args, cwd: ROOT, limitMs: LIMIT_MS });
}

/**
 * Compiles the suite for this machine, if it has changed, and returns its path.
 * On Linux it is linked with our libxpc.
 */
export async function compileSuite(
  checker: Checker = ADDRESS,
): Promise<string> {
  const linux = Deno.build.os === "linux";
  const flags = linux
    ? [...FLAGS, ...checker.flags, "-D_GNU_SOURCE", "-Ic/linux"]
    : [...FLAGS, ...checker.flags, "-fno-blocks"];
  const bootstrap = (await listShim("linux"))
    .filter((file) => file.startsWith("c/bootstrap/"));
  const sources = [
    ...await listSuite(),
    ...(linux ? [...await listLibxpc(), ...bootstrap] : []),
  ];
  const headers = await Promise.all(
    ["../tests/contract/", "bootstrap/", "linux/", "linux/include/xpc/"]
      .map((folder) => listC(folder, ".h")),
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
  const { code, stderr } = await output(Deno.env.get("CC") || "cc", [
    ...flags,
    ...sources,
    "-o",
    temporary,
  ]);
  if (code !== 0) throw new Error(stderr);
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
  return stdout.trim().split("\n")
    .map((line) => JSON.parse(line) as Case);
}

/**
 * Runs one case. One that ends without a result, or with complaints of the checker, has failed.
 *
 * @param env variables for it, such as CONTRACT_BOOTSTRAP: see `launcher.c`
 */
export async function runCase(
  program: string,
  name: string,
  checker: Checker,
  stop?: AbortSignal,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const [first, ...before] = [...checker.command, program];
  const ended = await runToEnd(first!, {
    args: [...before, "--case", name],
    env: { ...checker.env, ...env },
    cwd: HERE,
    limitMs: LIMIT_MS,
    ...(stop && { stop }),
  });
  const { code, left, stdout, stderr } = ended;
  const line = stdout.trim();
  // It has the messages of the other processes too.
  if (line && !left && !complains(stderr)) {
    const outcome = JSON.parse(line) as Outcome;
    if (code === 0 || outcome.result === "failed") return outcome;
  }
  return {
    case: name,
    result: "failed",
    detail: `${describeEnd(ended, LIMIT_MS)}: ${stderr}`,
  };
}
