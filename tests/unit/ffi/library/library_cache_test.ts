import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import * as library from "../../../../ffi/library/library_cache.ts";
import type { Prebuilt } from "../../../../ffi/library/prebuilt/prebuilt.ts";
import { BridgeError, type ErrorCode } from "../../../../proto/errors.ts";
import { run } from "../../../helpers/child.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

/** Like tests/package, but with arbitrary bytes in place of real shims, which is faster. */

const CONTENT = new TextEncoder().encode("not a library, and nobody loads it");
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");
const PREBUILT: Prebuilt = {
  abi: 0,
  sha256: SHA256,
  bytes: CONTENT.length,
  base64: CONTENT.toBase64(),
};

/** Asks nobody else to write. */
function cachedLibrary(...args: [Prebuilt, string, string]): string {
  return library.cachedLibrary(...args, () => false);
}

function cacheTest(name: string, body: (home: string) => void): void {
  permittedTest(name, { read: true, write: true }, () => {
    const home = Deno.makeTempDirSync();
    try {
      body(home);
    } finally {
      Deno.removeSync(home, { recursive: true });
    }
  });
}

function refused(cache: string, code: ErrorCode, words: string): void {
  const error = assertThrows(
    () => cachedLibrary(PREBUILT, cache, "shim"),
    BridgeError,
    words,
  );
  assertEquals(error.code, code);
}

cacheTest("a shim is written below its hash, and found there again", (home) => {
  const cache = `${home}/not/there/yet`;
  const file = cachedLibrary(PREBUILT, cache, "shim");
  assertEquals(file, `${cache}/${SHA256}/shim`);
  assertEquals(Deno.readFileSync(file), CONTENT);
  const { ino } = Deno.statSync(file);
  assertEquals(cachedLibrary(PREBUILT, cache, "shim"), file);
  assertEquals(Deno.statSync(file).ino, ino);
});

cacheTest("whoever has loaded the file before keeps it", (home) => {
  const file = cachedLibrary(PREBUILT, home, "shim");
  Deno.chmodSync(file, 0o640);
  using loaded = Deno.openSync(file, { read: true });
  cachedLibrary(PREBUILT, home, "shim");
  const { nlink } = loaded.statSync();
  assertEquals(nlink, 0);
  const bytes = new Uint8Array(CONTENT.length);
  loaded.readSync(bytes);
  assertEquals(bytes, CONTENT);
});

cacheTest("what cannot be written is told, and leaves nothing", (home) => {
  Deno.writeTextFileSync(`${home}/file`, "");
  refused(`${home}/file/lib`, "library_not_found", "set STREAMLIB_HOME");
  refused(`${home}/file`, "not_permitted", "it is not a directory");
  Deno.mkdirSync(`${home}/${SHA256}/shim/in the way`, {
    recursive: true,
    mode: 0o700,
  });
  refused(home, "library_not_found", "Cannot keep the shim in");
  assertEquals(
    [...Deno.readDirSync(`${home}/${SHA256}`)].map(({ name }) => name),
    ["shim"],
  );
});

cacheTest("a module whose hash is not its file's is not used", (home) => {
  const wrong = { ...PREBUILT, base64: CONTENT.map((b) => b ^ 1).toBase64() };
  const error = assertThrows(
    () => cachedLibrary(wrong, home, "shim"),
    BridgeError,
  );
  assertEquals(error.code, "library_not_found");
  assertStringIncludes(error.message, "was changed right after it was written");
});

permittedTest(
  "without permission to write, another process is asked to, once",
  { read: true, write: true, run: true },
  async () => {
    const home = await Deno.makeTempDir();
    try {
      const module = new URL(
        "../../../../ffi/library/library_cache.ts",
        import.meta.url,
      );
      const code = `import { cachedLibrary } from ${JSON.stringify(module)};
        let asked = 0;
        try {
          cachedLibrary(${JSON.stringify(PREBUILT)}, ${
        JSON.stringify(home)
      }, "shim", () => (asked++, true));
        } catch (error) {
          console.log(asked, error.message);
        }
        try {
          cachedLibrary(${JSON.stringify(PREBUILT)}, ${
        JSON.stringify(home)
      }, "shim", () => (asked++, false));
        } catch (error) {
          console.log(asked, error.message);
        }`;
      const { stdout, stderr } = await run(Deno.execPath(), {
        args: [
          ...["run", "--quiet", "--no-prompt", "--allow-read"],
          `data:application/typescript,${encodeURIComponent(code)}`,
        ],
      });
      const [first, second] = stdout.split("\n");
      // It said that the file is written, but it is not.
      assertStringIncludes(first!, "1 Cannot keep the shim in", stderr);
      assertStringIncludes(second!, `--allow-write=${home}`, stderr);
      assertStringIncludes(second!, "2 Cannot keep the shim in");
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
);
