import { assertEquals, assertThrows } from "@std/assert";
import { withPrivateMask } from "../../../ffi/private_files.ts";
import { permittedTest } from "../../helpers/permitted.ts";

const NEEDS = { read: true, write: true } as const;

function modeOf(path: string): string {
  return ((Deno.statSync(path).mode ?? 0) & 0o777).toString(8);
}

permittedTest(
  "directories and files get their mode whatever the umask, which is as before",
  NEEDS,
  () => {
    const masks = [0o022, 0o077, 0o177, 0o277, 0o777];
    const before = Deno.umask();
    const home = Deno.makeTempDirSync();
    try {
      for (const mask of masks) {
        const directory = `${home}/${mask}`;
        Deno.umask(mask);
        withPrivateMask(() => {
          Deno.mkdirSync(`${directory}/b`, { recursive: true, mode: 0o700 });
          Deno.openSync(`${directory}/c`, {
            createNew: true,
            write: true,
            mode: 0o600,
          })
            .close();
        });
        assertThrows(() =>
          withPrivateMask(() => {
            throw new Error("on purpose");
          })
        );
        assertEquals(Deno.umask(), mask);
        assertEquals(modeOf(directory), "700");
        assertEquals(modeOf(`${directory}/b`), "700");
        assertEquals(modeOf(`${directory}/c`), "600");
      }
    } finally {
      Deno.umask(before);
      Deno.removeSync(home, { recursive: true });
    }
  },
);
