import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Ended, run } from "../helpers/child.ts";
import { FakePrograms } from "../helpers/fake_python.ts";
import { permittedTest } from "../helpers/permitted.ts";

/** `streamlib inspect FILE.py`, with programs in the place of an interpreter. */

const NEEDS = { read: true, write: true, run: true, env: true } as const;
const ROOT = new URL("../../", import.meta.url);
const DESCRIPTION = '{"mode":"manual","ports":null,"settings":[],"calls":[]}';

function inspect(fake: FakePrograms, ...args: string[]): Promise<Ended> {
  return run(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "--config",
      new URL("deno.json", ROOT).pathname,
      "-P=cli",
      new URL("cli/main.ts", ROOT).href,
      "inspect",
      ...args,
    ],
    cwd: fake.folder,
    env: { NO_COLOR: "1" },
  });
}

permittedTest(
  "inspect: a Python module is described by the Python that a host would run it with",
  NEEDS,
  async () => {
    using fake = new FakePrograms();
    const module = fake.write("app/source.py", "");
    fake.python(
      "app/.venv/bin/python",
      'echo "$@" >&2',
      `echo 'a module that prints'; echo '${DESCRIPTION}'`,
      'test "$1 $2 $3 $4 $5 $7" = "-E -B -u -X utf8 --describe" || exit 9',
      `test "$8" = "${module}" || exit 8`,
    );
    const text = await inspect(fake, "app/source.py");
    assertEquals([text.code, text.stdout], [
      0,
      "app/source.py: a manual processor\nIts ports are those of its host.\n",
    ], text.stderr);
    const json = await inspect(fake, "app/source.py", "--json");
    assertEquals(JSON.stringify(JSON.parse(json.stdout)), DESCRIPTION);
  },
);

permittedTest(
  "inspect: a Python module that cannot be loaded, or with rights that nobody checks",
  NEEDS,
  async () => {
    using fake = new FakePrograms();
    fake.write("broken.py", "");
    const python = fake.python(
      ".venv/bin/python",
      "echo \"ModuleNotFoundError: No module named 'cv2'\" >&2",
      "exit 1",
    );
    const broken = await inspect(fake, "broken.py");
    assertEquals([broken.code, broken.stdout], [1, ""]);
    assertStringIncludes(
      broken.stderr,
      `streamlib: Cannot inspect 'broken.py': ${python} cannot load it\n`,
    );
    assertStringIncludes(broken.stderr, "No module named 'cv2'");
    const allowed = await inspect(fake, "broken.py", "--allow", "read");
    assertEquals(allowed.code, 2);
    assertStringIncludes(allowed.stderr, "with all rights of this user");
    fake.python(".venv/bin/python", "echo hello");
    const silent = await inspect(fake, "broken.py");
    assertEquals([silent.code, silent.stdout], [1, ""]);
    assertStringIncludes(silent.stderr, "is not JSON");
  },
);
