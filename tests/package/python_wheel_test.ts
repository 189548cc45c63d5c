import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ROOT } from "../../tools/checkout.ts";
import { hasPython, pythonWith } from "../../tools/install/python.ts";
import { run } from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";

/** The wheel of the Python package, for editors and unit tests: it is built, installed, and used as its users do. */

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  net: true,
  ...(hasPython() ? {} : { lacking: "no python3 with venv" }),
} as const;
const REQUIREMENTS = new URL("tests/python/requirements.txt", ROOT);
const TOOLS = new URL("c/out/python/", ROOT);
const PACKAGE = fileURLToPath(new URL("client/python/", ROOT));
const BLUR = fileURLToPath(new URL("tests/fixtures/typed/blur.py", ROOT));

/** Runs Python and returns its output. */
async function python(
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(program, { args, env, cwd: ROOT });
  assertEquals(code, 0, `${stdout}${stderr}`);
  return stdout;
}

permittedTest(
  "the Python package and what users write with it have types",
  NEEDS,
  async () => {
    const program = await pythonWith(REQUIREMENTS, TOOLS);
    const checked = await python(program, [
      ...["-m", "mypy", "--strict", "--cache-dir", fileURLToPath(TOOLS)],
      `${PACKAGE}streamlib_bridge`,
    ]);
    assertStringIncludes(checked, "no issues found");
  },
);

permittedTest(
  "the wheel: a processor is checked and tested with it, without a host and a shim",
  NEEDS,
  async () => {
    const program = await pythonWith(REQUIREMENTS, TOOLS);
    const folder = await Deno.makeTempDir();
    try {
      // setuptools writes beside what it builds.
      const source = `${folder}/source`;
      await copy(PACKAGE, source);
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
        ...["-m", "mypy", "--strict", "--cache-dir", `${folder}/cache`, BLUR],
      ], env);
      assertStringIncludes(checked, "no issues found");
      assertEquals(await python(program, [BLUR], env), "100 1\n");
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
