import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ROOT } from "../../tools/checkout.ts";
import { pythonWith } from "../../tools/install/python.ts";
import { filesOf } from "../helpers/markdown.ts";
import { permittedTest } from "../helpers/permitted.ts";
import {
  foundByMypy,
  foundByPyright,
  type FoundError,
  pyright,
  python,
  PYTHON_PACKAGE,
  TOOL_NEEDS,
  toolPython,
  TYPED,
} from "./python_tools.ts";

/** The types of the Python package, and of what is written with it: mypy --strict and pyright find the same. */

const NUMPY = "camera-python-display";
/** The Python with the packages of an example. */
function exampleNeeds(example: string): Promise<string> {
  return pythonWith(
    new URL(`examples/${example}/requirements.txt`, ROOT),
    new URL("c/out/examples/", ROOT),
  );
}

/** The Python files of folders of this checkout, by name. */
async function filesIn(...folders: string[]): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const folder of folders) {
    const url = new URL(`${folder}/`, ROOT);
    for await (const { name } of Deno.readDir(url)) {
      if (!name.endsWith(".py")) continue;
      files.set(name, await Deno.readTextFile(new URL(name, url)));
    }
  }
  return files;
}

/** Writes the files to a folder of their own, as their user has them, and returns what each checker finds. */
async function check(
  files: ReadonlyMap<string, string>,
  example = NUMPY,
): Promise<Record<"mypy" | "pyright", FoundError[]>> {
  assertEquals(files.size > 0, true, "there are no files");
  const lookup = {
    program: await exampleNeeds(example),
    library: PYTHON_PACKAGE,
  };
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of files) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    return {
      mypy: await foundByMypy(folder, lookup),
      pyright: await foundByPyright(folder, lookup),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

permittedTest("the Python package has types", TOOL_NEEDS, async (t) => {
  const program = await toolPython();
  await t.step("mypy --strict", async () => {
    const checked = await python(program, [
      ...["-m", "mypy", "--strict", "--cache-dir"],
      fileURLToPath(new URL("c/out/python/mypy/", ROOT)),
      `${PYTHON_PACKAGE}streamlib_bridge`,
    ]);
    assertStringIncludes(checked, "no issues found");
  });
  await t.step("pyright", async () => {
    assertEquals(await pyright(PYTHON_PACKAGE, program), []);
  });
});

permittedTest("what users start from has types", TOOL_NEEDS, async (t) => {
  const guide = await Deno.readTextFile(new URL("docs/python-guide.md", ROOT));
  const none = { mypy: [], pyright: [] };
  await t.step("the files of the guide", async () => {
    const files = [...filesOf(guide)].filter(([name]) => name.endsWith(".py"));
    assertEquals(await check(new Map(files)), none);
  });
  await t.step("the demo", async () => {
    assertEquals(await check(await filesIn("demo/python")), none);
  });
  for await (const { name } of Deno.readDir(new URL("examples/", ROOT))) {
    if (!name.includes("python")) continue;
    await t.step(`examples/${name}`, async () => {
      assertEquals(await check(await filesIn(`examples/${name}`), name), none);
    });
  }
  await t.step("a processor with a call, a setting and a test", async () => {
    const files = await filesIn("tests/fixtures/typed");
    files.delete("wrong.py");
    assertEquals(await check(files), none);
  });
});

permittedTest("mistakes of users are reported", TOOL_NEEDS, async () => {
  const text = await Deno.readTextFile(`${TYPED}wrong.py`);
  const marked = text.split("\n").flatMap((line, at) =>
    line.includes("# wrong: ") ? [at + 1] : []
  );
  const found = await check(new Map([["wrong.py", text]]));
  for (const [checker, errors] of Object.entries(found)) {
    const lines = [...new Set(errors.map(({ line }) => line))];
    const said = errors.map(({ text }) => text).join("\n");
    assertEquals(lines.sort((a, b) => a - b), marked, `${checker}:\n${said}`);
  }
});
