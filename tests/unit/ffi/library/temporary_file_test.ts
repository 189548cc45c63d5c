import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type MacC, MACOS_C } from "../../../../ffi/library/c_library.ts";
import {
  loadTemporary,
  temporaryFolder,
} from "../../../../ffi/library/temporary_file.ts";
import type { Prebuilt } from "../../../../ffi/library/prebuilt/prebuilt.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

/** What macOS does, with the C library of this system, and a loader that reads. */

const CONTENT = "not a library, and nobody loads it";
const PREBUILT: Prebuilt = {
  abi: 0,
  sha256: "0".repeat(64),
  bytes: CONTENT.length,
  base64: new TextEncoder().encode(CONTENT).toBase64(),
};
const NEEDS = { read: true, write: true } as const;

/** Runs `body` with an empty folder; then it must be empty again. */
function inFolder(body: (folder: string, c: MacC) => void): void {
  const folder = Deno.makeTempDirSync();
  const library = Deno.dlopen(
    Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6",
    MACOS_C,
  );
  try {
    body(folder, library.symbols);
    assertEquals([...Deno.readDirSync(folder)], []);
  } finally {
    library.close();
    Deno.removeSync(folder, { recursive: true });
  }
}

permittedTest(
  "a shim in a temporary file: private while it is loaded, then removed",
  NEEDS,
  () =>
    inFolder((folder, c) => {
      const seen: unknown[] = [];
      const loaded = loadTemporary(PREBUILT, folder, c, (path) => {
        const content = Deno.readTextFileSync(path);
        const directory = path.replace(/\/[^/]*$/, "");
        for (const each of [directory, path]) {
          seen.push((Deno.statSync(each).mode! & 0o777).toString(8));
        }
        seen.push([...Deno.readDirSync(directory)].length);
        return content;
      });
      assertEquals(loaded, CONTENT);
      assertEquals(seen, ["700", "600", 1]);
    }),
);

permittedTest(
  "a shim in a temporary file: what is loaded already is not written",
  NEEDS,
  () =>
    inFolder((folder, c) => {
      const never = (): never => {
        throw new Error("it was written");
      };
      const loaded = loadTemporary(
        PREBUILT,
        folder,
        { ...c, mkdir: never, creat: never },
        () => "known",
      );
      assertEquals(loaded, "known");
    }),
);

permittedTest(
  "a shim in a temporary file: a failure is told, and leaves nothing",
  NEEDS,
  () =>
    inFolder((folder, c) => {
      const load = (path: string): string => Deno.readTextFileSync(path);
      const refuses = (
        changed: Partial<MacC>,
        bytes = CONTENT.length,
      ): string =>
        assertThrows(() =>
          loadTemporary(
            { ...PREBUILT, bytes },
            folder,
            { ...c, ...changed },
            load,
          )
        ).message;
      assertStringIncludes(
        refuses({ write: () => -1n }),
        "cannot be written to",
      );
      assertStringIncludes(
        refuses({ creat: () => -1 }),
        "cannot be written to",
      );
      assertStringIncludes(
        refuses({ rename: () => -1 }),
        "cannot be written to",
      );
      assertStringIncludes(refuses({}, 7), "cannot be written to");
      const failing = (): never => {
        throw new Error("refused by the loader");
      };
      assertThrows(
        () => loadTemporary(PREBUILT, folder, c, failing),
        Error,
        "refused by the loader",
      );
    }),
);

Deno.test("a shim in a temporary file: the user's folder, without links", () => {
  const confstr = (text: string): Pick<MacC, "confstr"> => ({
    confstr: (_, buffer) => {
      const bytes = new TextEncoder().encode(`${text}\0`);
      (buffer as Uint8Array).set(bytes);
      return BigInt(text === "" ? 0 : bytes.length);
    },
  });
  assertEquals(
    temporaryFolder(confstr("/var/folders/ab/cd/T/")),
    "/private/var/folders/ab/cd/T",
  );
  assertEquals(temporaryFolder(confstr("/elsewhere")), "/elsewhere");
  assertThrows(
    () => temporaryFolder(confstr("")),
    Error,
    "no temporary folder",
  );
});
