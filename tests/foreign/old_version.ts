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
import { madeOnce } from "../../tools/install/made_once.ts";
import { prepare } from "../helpers/preparation.ts";
import { runTool } from "./toolchain.ts";

const ROOT = new URL("../../", import.meta.url);
const ARCHIVE = new URL("frozen/70a22c3.tar.gz", import.meta.url);
const KEPT = new URL("c/out/foreign/", ROOT);
const PROGRAMS = "tests/foreign/old_peers/";

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
  const programs = [...Deno.readDirSync(new URL(PROGRAMS, ROOT))]
    .map(({ name }) => `${PROGRAMS}${name}`).sort();
  const hash = createHash("sha256").update(await Deno.readFile(ARCHIVE));
  for (const path of programs) {
    hash.update(`${path}\n${await Deno.readTextFile(new URL(path, ROOT))}`);
  }
  const root = new URL(`old-${hash.digest("hex").slice(0, 12)}/`, KEPT);
  await madeOnce(root, async (result) => {
    await unpack(result);
    await Deno.mkdir(`${result}/${PROGRAMS}`, { recursive: true });
    for (const path of programs) {
      await Deno.copyFile(new URL(path, ROOT), `${result}/${path}`);
    }
  });
  return { name: "old", root };
}

async function unpack(folder: string): Promise<void> {
  const out = `c/out/${Deno.build.os}-${Deno.build.arch}`;
  await Deno.mkdir(`${folder}/${out}`, { recursive: true });
  await runTool("tar", ["-xzf", fileURLToPath(ARCHIVE)], folder);
  const sources = ["c/bridge", "c/linux"].flatMap((part) =>
    [...Deno.readDirSync(`${folder}/${part}`)]
      .filter(({ name }) => name.endsWith(".c"))
      .map(({ name }) => `${part}/${name}`)
  );
  const library = `${out}/libstreamlib_bridge.so`;
  const args = [...FLAGS, ...sources, "-o", library];
  await runTool(Deno.env.get("CC") || "cc", args, folder);
}
