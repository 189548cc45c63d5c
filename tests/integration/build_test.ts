import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";

const ROOT = new URL("../../", import.meta.url);

async function build(
  env: Record<string, string>,
): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await run(Deno.execPath(), {
    args: ["run", "-q", "--no-lock", "-A", "tools/c/build.ts"],
    cwd: ROOT,
    env,
  });
  return { code, stderr };
}

permittedTest("a build of what did not change does nothing", {
  run: true,
}, async () => {
  assertEquals(await build({}), { code: 0, stderr: "" });
});

permittedTest("without a compiler the build says which, and how to get one", {
  run: true,
}, async () => {
  const { code, stderr } = await build({ CC: "no-such-compiler" });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "no C compiler 'no-such-compiler'");
  assertStringIncludes(stderr, "apt install gcc");
});

permittedTest(
  "a shim that is missing, or of another version, is named with what to do",
  {
    run: true,
    env: true,
  },
  async () => {
    const { code, stderr } = await run(Deno.execPath(), {
      args: [
        "eval",
        `import { Native } from "${
          new URL("ffi/native.ts", ROOT).href
        }"; Native.open();`,
      ],
      cwd: ROOT,
      env: { STREAMLIB_LIBRARY: "/nowhere/libshim.so" },
    });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Cannot load the shim /nowhere/libshim.so");
    assertStringIncludes(stderr, "correct or unset STREAMLIB_LIBRARY");
  },
);
