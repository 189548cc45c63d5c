import { assertEquals } from "@std/assert";
import { writeStandIns } from "../../../../tools/std/std_stand_ins.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

/** All files below a folder, with their text. */
async function filesIn(folder: URL): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const entry of Deno.readDir(folder)) {
    const url = new URL(entry.name, folder);
    if (entry.isDirectory) {
      Object.assign(found, await filesIn(new URL(`${url}/`)));
    } else {
      found[url.pathname] = await Deno.readTextFile(url);
    }
  }
  return found;
}

permittedTest(
  "stand-ins are written by several processes at once, and put right",
  { read: true, write: true },
  async () => {
    const path = await Deno.makeTempDir();
    try {
      const root = new URL(`file://${path}/`);
      const folder = new URL("std/", root);
      const write = (n: number): Promise<void> =>
        writeStandIns(folder, new URL(`scratch-${n}/`, root));
      await Promise.all([1, 2, 3, 4].map(write));
      const files = await filesIn(folder);
      assertEquals(Object.keys(files).length, 5);
      const damaged = new URL("cli/deno.json", folder);
      await Deno.writeTextFile(damaged, "{}");
      await Deno.remove(new URL("assert", folder), { recursive: true });
      await Promise.all([5, 6].map(write));
      assertEquals(await filesIn(folder), files);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  },
);
