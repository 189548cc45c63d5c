/**
 * What is expected, in a file of `tests/golden/`. To accept what is found:
 * `deno test --allow-all FILE -- --write`, then look at the difference.
 */

import { assertEquals } from "@std/assert";

/** Compares with the file; ages, ids and the socket's path are to be replaced before. */
export async function assertGolden(name: string, found: string): Promise<void> {
  const path = new URL(`../golden/${name}`, import.meta.url);
  if (Deno.args.includes("--write")) await Deno.writeTextFile(path, found);
  assertEquals(found, await Deno.readTextFile(path));
}
