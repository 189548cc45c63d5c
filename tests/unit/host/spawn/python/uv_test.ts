import { assertEquals, assertRejects } from "@std/assert";
import type { ToolEnd } from "../../../../../host/spawn/python/tool.ts";
import {
  scriptMetadata,
  uvPython,
} from "../../../../../host/spawn/python/uv.ts";
import { BridgeError } from "../../../../../proto/errors.ts";
import { FakePrograms } from "../../../../helpers/fake_python.ts";
import { permittedTest } from "../../../../helpers/permitted.ts";

const SCRIPT = `#!/usr/bin/env python3
"""A blur."""
# /// other
# ignored = true
# ///

# /// script
# requires-python = ">=3.11"
#
# dependencies = ["numpy"]
# ///
import numpy
`;

permittedTest(
  "uv: the metadata of a script is found; without any uv is not asked",
  {
    read: true,
    write: true,
  },
  async () => {
    using fake = new FakePrograms();
    assertEquals(
      await scriptMetadata(fake.write("blur.py", SCRIPT)),
      '# requires-python = ">=3.11"\n#\n# dependencies = ["numpy"]\n',
    );
    for (const text of ["", "import numpy\n", "# /// script\n# a = 1\n"]) {
      const error = await assertRejects(
        () => scriptMetadata(fake.write("plain.py", text)),
        BridgeError,
        "it has no metadata (PEP 723)",
      );
      assertEquals(error.code, "bad_argument");
    }
  },
);

Deno.test("uv: it installs, and then names the interpreter, by the absolute path", async () => {
  const ran: string[] = [];
  const ends: ToolEnd[] = [
    { code: 0, stdout: "", stderr: "Installed 1 package\n" },
    { code: 0, stdout: "/cache/env/bin/python3\n", stderr: "" },
  ];
  let said = "";
  const { program } = await uvPython(
    "/app/blur.py",
    (program, args) => {
      ran.push([program, ...args].join(" "));
      return Promise.resolve(ends.shift()!);
    },
    (chunk) => said += new TextDecoder().decode(chunk),
  );
  assertEquals(program, "/cache/env/bin/python3");
  assertEquals(ran, [
    "uv sync --script /app/blur.py",
    "uv python find --script /app/blur.py",
  ]);
  assertEquals(said, "Installed 1 package\n");
});

Deno.test("uv: what it says reaches the error; if it is missing, that is told", async () => {
  const failing = (run: () => Promise<ToolEnd>) =>
    assertRejects(() => uvPython("/app/blur.py", run, () => {}), BridgeError);
  const refused = await failing(() =>
    Promise.resolve({ code: 2, stdout: "", stderr: "error: no such package" })
  );
  assertEquals(
    refused.message,
    "Cannot prepare /app/blur.py: `uv sync` ended with code 2:\nerror: no such package",
  );
  const missing = await failing(() =>
    Promise.reject(new Deno.errors.NotFound("Failed to spawn 'uv'"))
  );
  assertEquals(missing.code, "client_failed");
  assertEquals(
    missing.message,
    "Cannot run uv, which the option `python` names: Failed to spawn 'uv'; " +
      "install it, or set the option to the path of an interpreter",
  );
  const denied = await failing(() =>
    Promise.reject(new Deno.errors.NotCapable("Requires run access"))
  );
  assertEquals(denied.code, "not_permitted");
});
