/** Makes a folder once, and keeps it: for downloads, and for what is built from them. */

import { fileURLToPath } from "node:url";

/**
 * Makes `folder` if it does not exist. Several processes may call this at the same
 * time: each makes its own folder, and all use the first one that is complete.
 *
 * @param make makes the folder at `result`, which does not exist yet. It can use the
 *   folder `scratch` for other files. The result is moved to `folder` afterwards, so
 *   it must not contain its own path
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
