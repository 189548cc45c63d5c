/**
 * The package as it would be published: packed once for all tests of it.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { describeEnd, runToEnd } from "../../tools/programs.ts";
import { hasPython } from "../../tools/install/python.ts";
import type { Ended } from "../helpers/child.ts";
import { type Needs, permittedTest } from "../helpers/permitted.ts";
import { PACKAGE_FOLDER } from "../../tools/package/pack.ts";
import { prepare } from "../helpers/preparation.ts";
import { writeStandIns } from "../../tools/std/std_stand_ins.ts";
import { Registry } from "./registry.ts";

const ROOT = new URL("../../", import.meta.url);
const PYTHON = hasPython();

/** The output of the project's host if all five frames came back. */
const FRAMES = "255,254,253,252,251\n";

/** The limit for `deno task pack`, which compiles for four systems. */
const LIMIT_MS = 1_200_000;

/** The test files of a run are separate modules in one process, which share only its environment variables. */
const PACKED = "STREAMLIB_TESTS_PACKED";

async function pack(): Promise<void> {
  if (Deno.env.get(PACKED) !== undefined) return;
  const ended = await runToEnd(Deno.execPath(), {
    args: ["task", "pack"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    limitMs: LIMIT_MS,
  });
  const said = ended.stdout + ended.stderr;
  if (ended.code !== 0) {
    throw new Error(`deno task pack: ${describeEnd(ended, LIMIT_MS)}: ${said}`);
  }
  Deno.env.set(PACKED, said);
}

/** Packs the package before the first test of a file. */
export function packOnce(): void {
  if (PYTHON) prepare("the package", pack);
}

/**
 * Registers a test of the packed package. It is ignored if the package cannot be packed.
 *
 * @param body gets the output of the packing
 * @param needs besides the permissions for packing, publishing and running it
 */
export function packageTest(
  name: string,
  body: (said: string) => Promise<void> | void,
  needs: Needs = {},
): void {
  permittedTest(
    name,
    {
      ...{ run: true, read: true, write: true, net: true, env: true },
      long: true,
      ...needs,
      lacking: PYTHON ? needs.lacking : "no python3 with venv",
    },
    async () => await body(Deno.env.get(PACKED)!),
  );
}

/**
 * Makes a registry that has the package, and stand-ins for the packages that it
 * imports from JSR.
 */
export async function publish(): Promise<Registry> {
  const registry = await Registry.start();
  try {
    await publishStandIn(registry, "1.0.99");
    await registry.publish(PACKAGE_FOLDER);
    return registry;
  } catch (error) {
    await registry[Symbol.asyncDispose]();
    throw error;
  }
}

/** Publishes a version of the stand-in of `@std/cli`. */
export async function publishStandIn(
  registry: Registry,
  version: string,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const standIns = new URL(`file://${folder}/std/`);
    await writeStandIns(standIns, new URL(`file://${folder}/scratch/`));
    const file = new URL("cli/deno.json", standIns);
    const config = JSON.parse(await Deno.readTextFile(file));
    await Deno.writeTextFile(file, JSON.stringify({ ...config, version }));
    await registry.publish(new URL("cli/", standIns));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Asserts that the project's host has succeeded, and all its frames came back. */
export function assertRan({ code, stdout, stderr }: Ended): void {
  assertEquals([code, stdout], [0, FRAMES], stderr);
}

/** Asserts that it has failed with this text. */
export function assertFailed(
  { code, stderr }: Ended,
  ...words: string[]
): void {
  assertEquals(code, 1, stderr);
  for (const word of words) assertStringIncludes(stderr, word);
}
