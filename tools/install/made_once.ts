/** Folders that are made at the first call, and kept: of downloads and what is built from them. */

import { fileURLToPath } from "node:url";

/**
 * Makes `folder` if it is not there. Several processes may do so at once: each
 * makes its own, and all use the one that is complete first.
 *
 * @param make writes all that the folder shall hold to `result`, which does not
 *   exist yet; `scratch` is a folder for anything else. What it makes is moved
 *   afterwards, so it may not contain its own path
 * @throws what `make` throws; then nothing is left
 */
export async function madeOnce(
  folder: URL,
  make: (result: string, scratch: string) => Promise<void>,
): Promise<void> {
  const isThere = (): Promise<boolean> =>
    Deno.stat(folder).then(() => true, () => false);
  if (await isThere()) return;
  const parent = fileURLToPath(new URL("../", folder));
  await Deno.mkdir(parent, { recursive: true });
  const scratch = await Deno.makeTempDir({ dir: parent });
  try {
    const result = `${scratch}/result`;
    await make(result, scratch);
    await Deno.rename(result, folder).catch(async (error) => {
      if (!await isThere()) throw error;
    });
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}
