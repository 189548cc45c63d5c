/** Runs the Python client's own tests, `tests/python/`. */

import { assertEquals } from "@std/assert";
import { whyStub } from "../../../tools/macos/command_line_tools.ts";
import { run } from "../../helpers/child.ts";
import { permittedTest } from "../../helpers/permitted.ts";

const ROOT = new URL("../../../", import.meta.url);

/** What this machine lacks for the tests; undefined if nothing, or if this process may not look. */
function lacking(): string | undefined {
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") {
    return undefined;
  }
  const stub = whyStub("python3");
  if (stub !== undefined) return stub;
  try {
    const { success } = new Deno.Command("python3", {
      args: ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
    return success ? undefined : "its python3 is older than 3.9";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "there is no python3";
  }
}

permittedTest(
  "the tests of the Python client pass",
  { read: true, write: true, run: true, env: true, lacking: lacking() },
  async () => {
    const { code, stderr } = await run("python3", {
      args: ["-B", "-m", "unittest", "discover", "-s", "tests/python"],
      cwd: ROOT,
      env: { PYTHONPATH: "client/python", PYTHONDONTWRITEBYTECODE: "1" },
    });
    assertEquals(code, 0, stderr);
  },
);
