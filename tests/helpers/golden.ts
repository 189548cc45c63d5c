/**
 * Expected outputs, in files of `tests/golden/`. To replace them by the actual
 * outputs: `deno test --allow-all FILE -- --write`. Then review the difference.
 */

import { assertEquals } from "@std/assert";

/** Compares a text with the file. The caller replaces ages, ids and the socket's path first. */
export async function assertGolden(name: string, found: string): Promise<void> {
  const path = new URL(`../golden/${name}`, import.meta.url);
  if (Deno.args.includes("--write")) await Deno.writeTextFile(path, found);
  assertEquals(found, await Deno.readTextFile(path));
}
