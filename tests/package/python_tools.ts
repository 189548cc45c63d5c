/** What checks the Python package and what is written with it: mypy, pyright, and the tools of its wheel. */

import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ROOT } from "../../tools/checkout.ts";
import { hasPython, pythonWith } from "../../tools/install/python.ts";
import { run } from "../helpers/child.ts";

/** The folder with the Python package. */
export const PYTHON_PACKAGE = fileURLToPath(new URL("client/python/", ROOT));

/** The processors of users, right and wrong, of which types are checked. */
export const TYPED = fileURLToPath(new URL("tests/fixtures/typed/", ROOT));

const REQUIREMENTS = new URL("tests/python/requirements.txt", ROOT);
const ENVIRONMENTS = new URL("c/out/python/", ROOT);

/** Installs the tools. Returns the Python that has them. */
export function toolPython(): Promise<string> {
  return pythonWith(REQUIREMENTS, ENVIRONMENTS);
}

/** Why the tools cannot run here; undefined if they can, or if this process may not look. */
function lacking(): string | undefined {
  if (!hasPython()) return "no python3 with venv";
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") {
    return undefined;
  }
  try {
    const { success } = new Deno.Command("node", {
      args: ["--version"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
    return success ? undefined : "node does not run";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "no node, which pyright needs";
  }
}

/** What a test with these tools needs. */
export const TOOL_NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  net: true,
  lacking: lacking(),
  long: true, // it may install packages
} as const;

/** Runs a Python and returns its output. */
export async function python(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(program, {
    args: [...args],
    env: { PYTHONDONTWRITEBYTECODE: "1", ...env },
    cwd: ROOT,
  });
  assertEquals(code, 0, `${stdout}${stderr}`);
  return stdout;
}

/** Where types are looked up. */
export interface TypeLookup {
  /** The Python that has what the files import. */
  readonly program: string;
  /** A folder with the package; that of `program` if undefined. */
  readonly library?: string;
}

/** An error that a type checker has found. */
export interface FoundError {
  /** Its line, from 1 on. */
  readonly line: number;
  readonly text: string;
}

/** What mypy --strict finds in the Python files of a folder. */
export async function foundByMypy(
  folder: string,
  { program, library }: TypeLookup,
): Promise<FoundError[]> {
  const settings = `${folder}/mypy.ini`;
  // onnxruntime has no types: its objects are `Any`.
  await Deno.writeTextFile(
    settings,
    "[mypy]\nstrict = True\nwarn_unused_configs = False\n" +
      "[mypy-onnxruntime]\nignore_missing_imports = True\n",
  );
  const { code, stdout, stderr } = await run(await toolPython(), {
    args: [
      ...["-m", "mypy", "--config-file", settings, "--no-pretty"],
      ...["--python-executable", program],
      ...["--cache-dir", fileURLToPath(new URL("mypy/", ENVIRONMENTS))],
      ...pythonFilesIn(folder),
    ],
    env: library === undefined ? {} : { MYPYPATH: library },
    cwd: folder,
  });
  const found = [...stdout.matchAll(/^[^:\n]+:(\d+): error: .*$/gm)]
    .map(([text, line]) => ({ line: Number(line), text }));
  assertEquals(code, found.length > 0 ? 1 : 0, `${stdout}${stderr}`);
  return found;
}

/** What pyright, in its strict mode, finds in the Python files of a folder. */
export async function foundByPyright(
  folder: string,
  { program, library }: TypeLookup,
): Promise<FoundError[]> {
  await Deno.writeTextFile(
    `${folder}/pyrightconfig.json`,
    JSON.stringify({
      include: pythonFilesIn(folder),
      extraPaths: library === undefined ? [] : [library],
      pythonVersion: "3.9",
      typeCheckingMode: "strict",
      // The types of onnx and onnxruntime are incomplete; the other errors remain.
      reportMissingTypeStubs: false,
      reportUnknownArgumentType: false,
      reportUnknownMemberType: false,
      reportUnknownVariableType: false,
    }),
  );
  return await pyright(folder, program);
}

/** What pyright finds by the settings in a folder. */
export async function pyright(
  folder: string,
  program: string,
): Promise<FoundError[]> {
  const { code, stdout, stderr } = await run(await toolPython(), {
    args: [
      ...["-m", "pyright", "--outputjson", "--project", folder],
      ...["--pythonpath", program],
    ],
    // Otherwise it asks npm whether there is a newer one.
    env: { PYRIGHT_PYTHON_IGNORE_WARNINGS: "1" },
    cwd: folder,
  });
  const { generalDiagnostics, summary } = JSON.parse(
    stdout.slice(stdout.indexOf("{")),
  );
  assertEquals(code, summary.errorCount > 0 ? 1 : 0, stderr);
  assertEquals(summary.filesAnalyzed > 0, true, stdout);
  return generalDiagnostics.map((
    { file, range, message }: {
      file: string;
      range: { start: { line: number } };
      message: string;
    },
  ) => {
    const line = range.start.line + 1;
    return { line, text: `${file}:${line}: ${message}` };
  });
}

function pythonFilesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".py")).sort();
}
