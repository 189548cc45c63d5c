/**
 * The versions of this library that tests run against each other: this one, and
 * the one before features, out of `frozen/`.
 *
 * Both have the same programs, `tests/foreign/old_peers/`: those of the old
 * version are copies at the same place below its root, so that their imports
 * name its modules.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { describeEnd, runToEnd } from "../../tools/programs.ts";
import { prepare } from "../helpers/preparation.ts";

const ROOT = new URL("../../", import.meta.url);
const ARCHIVE = new URL("frozen/70a22c3.tar.gz", import.meta.url);
const KEPT = new URL("c/out/foreign/", ROOT);
const PROGRAMS = "tests/foreign/old_peers/";
/** The compiler takes seconds. */
const LIMIT_MS = 1_200_000;

/** The flags by which that version compiled its shim. */
const FLAGS = [
  ...["-std=c11", "-D_GNU_SOURCE", "-O2", "-fPIC", "-fvisibility=hidden"],
  ...["-shared", "-pthread"],
  ...["-Ic", "-Ic/include", "-Ic/bridge", "-Ic/linux/include", "-Ic/linux"],
  ...["-Wl,-z,nodelete", "-Wl,-z,defs", "-Wl,-z,relro,-z,now"],
];

/** A version of this library. */
export interface Version {
  readonly name: "new" | "old";
  /** The folder of its sources. Its shim is in `c/out` below, where the sources look for it. */
  readonly root: URL;
}

/** This version. */
export const NEW: Version = { name: "new", root: ROOT };

/** The module of a program of the tests, in a version. */
export function program({ root }: Version, name: string): URL {
  return new URL(`${PROGRAMS}${name}`, root);
}

/** The main module of a version's broker. */
export function brokerMain({ root }: Version): URL {
  return new URL("broker/main.ts", root);
}

/** The module by which a version's client runs a processor. */
export function runner({ root }: Version): URL {
  return new URL("client/runner.ts", root);
}

/** Has the version before features ready before the first test of a file. Not on macOS, where no test can run it. */
export function prepareOldVersion(): void {
  if (Deno.build.os !== "linux") return;
  prepare("the version before features", oldVersion);
}

/** The version before features: unpacked and compiled at the first call, and kept beside the compiled shim. */
export async function oldVersion(): Promise<Version> {
  const hash = createHash("sha256").update(await Deno.readFile(ARCHIVE));
  const root = new URL(`old-${hash.digest("hex").slice(0, 12)}/`, KEPT);
  const there = await Deno.stat(root).then(() => true, () => false);
  if (!there) await unpack(root);
  const programs = new URL(PROGRAMS, root);
  await Deno.mkdir(programs, { recursive: true });
  for await (const { name } of Deno.readDir(new URL(PROGRAMS, ROOT))) {
    const text = await Deno.readTextFile(new URL(`${PROGRAMS}${name}`, ROOT));
    const there = await Deno.readTextFile(new URL(name, programs))
      .catch(() => undefined);
    // Another process may be reading it: what was replaced meanwhile, Deno does not let a client import.
    if (there === text) continue;
    const copy = new URL(`${name}.${Deno.pid}`, programs);
    await Deno.writeTextFile(copy, text);
    await Deno.rename(copy, new URL(name, programs));
  }
  return { name: "old", root };
}

async function unpack(root: URL): Promise<void> {
  await Deno.mkdir(KEPT, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: fileURLToPath(KEPT) });
  await run(folder, "tar", ["-xzf", fileURLToPath(ARCHIVE)]);
  const out = `c/out/${Deno.build.os}-${Deno.build.arch}`;
  await Deno.mkdir(`${folder}/${out}`, { recursive: true });
  const sources = ["c/bridge", "c/linux"].flatMap((part) =>
    [...Deno.readDirSync(`${folder}/${part}`)]
      .filter(({ name }) => name.endsWith(".c"))
      .map(({ name }) => `${part}/${name}`)
  );
  await run(folder, Deno.env.get("CC") || "cc", [
    ...FLAGS,
    ...sources,
    "-o",
    `${out}/libstreamlib_bridge.so`,
  ]);
  try {
    await Deno.rename(folder, root);
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    const there = await Deno.stat(root).then(() => true, () => false);
    if (!there) throw error; // otherwise another process was first
  }
}

async function run(cwd: string, name: string, args: string[]): Promise<void> {
  const ended = await runToEnd(name, { args, cwd, limitMs: LIMIT_MS });
  if (ended.code === 0) return;
  throw new Error(`${name}: ${describeEnd(ended, LIMIT_MS)}: ${ended.stderr}`);
}
