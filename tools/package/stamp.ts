/** The commit and the time of a build, for `broker/build_stamp.ts`. */

import { ROOT } from "../checkout.ts";
import type { BuildStamp } from "../../broker/build_stamp.ts";
import { runToEnd } from "../programs.ts";

/** The limit for `git describe`, which compares every file. */
const LIMIT_MS = 600_000;
const MODULE = "broker/build_stamp.ts";
/** The constant, which is the last statement of the module. */
const PLACEHOLDER = /export const BUILD: BuildStamp = [\s\S]*;\n$/;
/** What the module reads in a checkout. */
const CHECKOUT_STAMP = new URL("c/out/build_stamp.json", ROOT);

/** The stamp of a build that is made now. It has no commit without git, or outside a repository. */
async function readStamp(): Promise<BuildStamp> {
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

/** Writes the commit where the modules of this checkout find it. The time of a build is that of the last change, which a checkout does not know. */
export async function stampCheckout(): Promise<void> {
  const gitCommit = await commit();
  const text = `${JSON.stringify({ gitCommit })}\n`;
  const before = await Deno.readTextFile(CHECKOUT_STAMP).catch(() => "");
  if (text === before) return;
  // Another process may read it at this moment.
  const next = new URL(`${CHECKOUT_STAMP}.${Deno.pid}`);
  await Deno.mkdir(new URL(".", CHECKOUT_STAMP), { recursive: true });
  await Deno.writeTextFile(next, text);
  await Deno.rename(next, CHECKOUT_STAMP);
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
      () => `export const BUILD: BuildStamp = ${value};\n`,
    ),
  );
}
