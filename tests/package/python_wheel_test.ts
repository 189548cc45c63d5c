import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../tools/checkout.ts";
import { permittedTest } from "../helpers/permitted.ts";
import {
  foundByMypy,
  foundByPyright,
  python,
  PYTHON_PACKAGE,
  TOOL_NEEDS,
  toolPython,
  TYPED,
} from "./python_tools.ts";

/** The wheel of the Python package, for editors and unit tests: it is built, installed, and used as its users do. */

permittedTest(
  "the wheel: a processor is checked and tested with it, without a host and a shim",
  TOOL_NEEDS,
  async (t) => {
    const program = await toolPython();
    const blur = `${TYPED}blur.py`;
    const folder = await Deno.makeTempDir();
    try {
      // setuptools writes beside what it builds.
      const source = `${folder}/source`;
      await copy(PYTHON_PACKAGE, source);
      const pip = ["-m", "pip", "--disable-pip-version-check", "-q"];
      await python(program, [
        ...pip,
        ...["wheel", source, "--no-deps", "--no-build-isolation"],
        ...["-w", folder],
      ]);
      const wheels = [...Deno.readDirSync(folder)]
        .map(({ name }) => name).filter((name) => name.endsWith(".whl"));
      const { version } = JSON.parse(
        await Deno.readTextFile(new URL("deno.json", ROOT)),
      );
      const wheel = `streamlib_bridge-${version}-py3-none-any.whl`;
      assertEquals(wheels, [wheel]);
      await t.step("an index would take it", async () => {
        const said = await python(program, [
          ...["-m", "twine", "--no-color", "check", "--strict"],
          `${folder}/${wheel}`,
        ]);
        assertStringIncludes(said, "PASSED");
      });
      const venv = `${folder}/venv`;
      await python("python3", ["-m", "venv", venv]);
      const alone = `${venv}/bin/python3`;
      await python(alone, [
        ...pip,
        ...["install", `${folder}/${wheel}`, "--no-deps", "--no-index"],
      ]);
      await t.step("alone, it has types", async () => {
        const checked = await python(program, [
          ...["-m", "mypy", "--strict", "--cache-dir", `${folder}/cache`],
          ...["--python-executable", alone, "-p", "streamlib_bridge"],
        ]);
        assertStringIncludes(checked, "no issues found");
      });
      await t.step("a processor is checked with it", async () => {
        const project = `${folder}/project`;
        await Deno.mkdir(project);
        await Deno.copyFile(blur, `${project}/blur.py`);
        const lookup = { program: alone };
        assertEquals(await foundByMypy(project, lookup), []);
        assertEquals(await foundByPyright(project, lookup), []);
      });
      await t.step("a processor is tested with it", async () => {
        assertEquals(
          await python(alone, ["-I", "-W", "error", blur]),
          "100 1\n",
        );
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (name === "__pycache__") continue;
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
