import { assert, assertEquals, assertRejects } from "@std/assert";
import { MediaError } from "../../../demo/input/media_error.ts";
import { checkSnapshot, writeSnapshot } from "../../../demo/snapshot.ts";
import { permittedTest } from "../../helpers/permitted.ts";

const NEEDS = { read: true, write: true } as const;

async function inFolder(
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

permittedTest(
  "a snapshot's file is checked and left as it is, then written",
  NEEDS,
  async () => {
    await inFolder(async (folder) => {
      const path = `${folder}/a.png`;
      await checkSnapshot(path);
      await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
      await Deno.writeTextFile(path, "longer than the picture");
      await checkSnapshot(path);
      assertEquals(await Deno.readTextFile(path), "longer than the picture");
      assertEquals(await writeSnapshot(path, new Uint8Array([1, 2])), true);
      assertEquals([...await Deno.readFile(path)], [1, 2]);
      await checkSnapshot("/dev/null");
    });
  },
);

permittedTest(
  "a snapshot never replaces the input, by whatever path",
  NEEDS,
  async () => {
    await inFolder(async (folder) => {
      const input = `${folder}/film`;
      await Deno.writeTextFile(input, "frames");
      await Deno.symlink(input, `${folder}/symlink`);
      await Deno.link(input, `${folder}/link`);
      for (const path of [input, `${folder}/symlink`, `${folder}/link`]) {
        await assertRejects(
          () => checkSnapshot(path, input),
          MediaError,
          "it is the input",
        );
      }
      await checkSnapshot(`${folder}/new.png`, input);
      await checkSnapshot("/dev/null", "/dev/null");
      await checkSnapshot(input, `${folder}/none`);
    });
  },
);

permittedTest(
  "a file that cannot be written is refused by name",
  NEEDS,
  async () => {
    await inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/file`, "");
      await Deno.symlink(`${folder}/none`, `${folder}/link`);
      const cases: [path: string, says: string][] = [
        [`${folder}/none/a.png`, `there is no folder "${folder}/none"`],
        [folder, "it is a folder"],
        [`${folder}/file/a.png`, "Not a directory"],
        [`${folder}/new.png/`, "Is a directory"],
        [`${folder}/link`, `it is a link to "${folder}/none"`],
        [`${folder}/${"x".repeat(300)}`, "File name too long"],
      ];
      for (const [path, says] of cases) {
        const error = await assertRejects(
          () => checkSnapshot(path),
          MediaError,
          says,
        );
        assertEquals(error.code, "output_unwritable");
      }
      const late = await writeSnapshot(
        `${folder}/gone/a.png`,
        new Uint8Array(1),
      );
      assert(late instanceof MediaError);
      assertEquals(late.code, "output_unwritable");
    });
  },
);
