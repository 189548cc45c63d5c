/** The commit and the time of a build, for `broker/build_stamp.ts`. */

import type { BuildStamp } from "../../broker/build_stamp.ts";
import { runToEnd } from "../c/programs.ts";

/** It looks at every file. */
const LIMIT_MS = 600_000;
const ROOT = new URL("../../", import.meta.url);
const MODULE = "broker/build_stamp.ts";
const PLACEHOLDER = /export const BUILD: BuildStamp = \{\};/;

/** What a build of this checkout is stamped with, now. Without git, or outside a repository, it has no commit. */
export async function readStamp(): Promise<BuildStamp> {
  const gitCommit = await commit();
  return {
    ...(gitCommit !== undefined && { gitCommit }),
    buildDate: new Date().toISOString(),
  };
}

async function commit(): Promise<string | undefined> {
  try {
    const { code, stdout } = await runToEnd("git", {
      args: ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
      cwd: ROOT,
      limitMs: LIMIT_MS,
    });
    return code === 0 ? stdout.trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Writes the stamp into a copy of the sources. */
export async function writeStamp(
  sources: URL,
  stamp?: BuildStamp,
): Promise<void> {
  const file = new URL(MODULE, sources);
  const text = await Deno.readTextFile(new URL(MODULE, ROOT));
  if (!PLACEHOLDER.test(text)) throw new Error(`${MODULE} has no place for it`);
  const value = JSON.stringify(stamp ?? await readStamp(), null, 2);
  await Deno.writeTextFile(
    file,
    text.replace(
      PLACEHOLDER,
      () => `export const BUILD: BuildStamp = ${value};`,
    ),
  );
}
