import { assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../../proto/errors.ts";
import { run } from "../../helpers/child.ts";
import { folderForHomes } from "../../helpers/home.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { namesOf } from "../../helpers/service.ts";

/** As long as `/private/var/folders/4v/…/T`, the temporary folder of macOS. */
const LENGTH = 57;

permittedTest(
  "a home of the tests has room for its sockets, also where the temporary folder has none",
  { read: true, write: true, run: true },
  async () => {
    const parent = folderForHomes();
    try {
      const temporary = `${parent}/${"t".repeat(LENGTH - parent.length - 1)}`;
      Deno.mkdirSync(temporary);
      assertThrows(
        () =>
          namesOf(`${Deno.makeTempDirSync({ dir: temporary })}/ada`, "darwin"),
        BridgeError,
        "the system allows 103",
      );
      // In a process of its own: the variable is that of all tests of a process.
      const helper = (name: string): string =>
        new URL(`../../helpers/${name}`, import.meta.url).href;
      const { code, stderr } = await run(Deno.execPath(), {
        args: [
          "eval",
          `import { folderForHomes } from "${helper("home.ts")}";
           import { namesOf } from "${helper("service.ts")}";
           const folder = folderForHomes();
           namesOf(folder + "/Ada & <1>", "darwin");
           Deno.removeSync(folder);`,
        ],
        env: { TMPDIR: temporary },
      });
      assertEquals(code, 0, stderr);
    } finally {
      Deno.removeSync(parent, { recursive: true });
    }
  },
);
