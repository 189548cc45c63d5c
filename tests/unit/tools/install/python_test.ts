import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../../helpers/child.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const ROOT = new URL("../../../../", import.meta.url);

permittedTest("without Python the error says how to get it", {
  run: true,
  read: true,
  write: true,
}, async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/requirements.txt`, "nothing==1\n");
    const { code, stderr } = await run(Deno.execPath(), {
      args: [
        "eval",
        `import { pythonWith } from "${
          new URL("tools/install/python.ts", ROOT).href
        }";
        const folder = new URL("file://${folder}/");
        await pythonWith(new URL("requirements.txt", folder), folder);`,
      ],
      cwd: ROOT,
      env: { PATH: "/nowhere" },
    });
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      "no 'python3' on the PATH. Install it with venv",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
