import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../tools/checkout.ts";
import { permittedTest } from "../helpers/permitted.ts";
import {
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
  async () => {
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
      const installed = `${folder}/installed`;
      await python(program, [
        ...pip,
        ...["install", `${folder}/${wheel}`, "--no-deps", "--no-index"],
        ...["--target", installed],
      ]);
      const env = { PYTHONPATH: installed, MYPYPATH: installed };
      const checked = await python(program, [
        ...["-m", "mypy", "--strict", "--cache-dir", `${folder}/cache`, blur],
      ], env);
      assertStringIncludes(checked, "no issues found");
      assertEquals(await python(program, [blur], env), "100 1\n");
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
