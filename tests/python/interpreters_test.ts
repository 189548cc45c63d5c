/** The Python client's own tests with each CPython of this machine, without packages and with numpy. */

import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../../tools/checkout.ts";
import { findInterpreters } from "../../tools/install/interpreters.ts";
import { pythonWith } from "../../tools/install/python.ts";
import { run } from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";

/** The versions that are always named: a missing one is reported as ignored. */
const NAMED = ["3.9", "3.10", "3.11", "3.12", "3.13"];
const NUMPY = new URL(
  "examples/camera-python-display/requirements.txt",
  ROOT,
);

/** Runs the tests and returns the number of those that were skipped. */
async function runTests(program: string): Promise<number> {
  const { code, stderr } = await run(program, {
    args: ["-B", "-m", "unittest", "discover", "-s", "tests/python"],
    cwd: ROOT,
    env: { PYTHONPATH: "client/python", PYTHONDONTWRITEBYTECODE: "1" },
  });
  assertEquals(code, 0, stderr);
  assert(/^Ran [1-9]\d* tests/m.test(stderr), stderr);
  return Number(/skipped=(\d+)/.exec(stderr)?.[1] ?? 0);
}

const found = findInterpreters();
for (const version of new Set([...NAMED, ...found.keys()])) {
  const one = found.get(version);
  const needs = { read: true, write: true, run: true, env: true } as const;
  const missing = one ? undefined : `there is no CPython ${version}`;

  permittedTest(
    `the tests of the Python client pass with CPython ${version}`,
    { ...needs, lacking: missing },
    async () => void await runTests(one!.program),
  );

  permittedTest(
    `all tests of the Python client pass with CPython ${version} and numpy`,
    {
      ...needs,
      net: true,
      long: true, // it may install numpy
      lacking: one?.makesEnvironments === false
        ? `CPython ${version} has no venv`
        : missing,
    },
    async () => {
      const folder = new URL(`c/out/python/${version}/`, ROOT);
      const program = await pythonWith(NUMPY, folder, one!.program);
      assertEquals(await runTests(program), 0, "tests were skipped");
    },
  );
}
