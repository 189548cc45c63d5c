import { assertEquals, assertThrows } from "@std/assert";
import {
  findPython,
  isPythonModule,
  type PythonSearch,
} from "../../../../../host/spawn/python/find_python.ts";
import { BridgeError } from "../../../../../proto/errors.ts";
import { FakePrograms } from "../../../../helpers/fake_python.ts";
import { permittedTest } from "../../../../helpers/permitted.ts";

const NEEDS = { read: true, write: true } as const;

Deno.test("a module's file name says whether Python runs it", () => {
  const isPython = (url: string): boolean => isPythonModule(new URL(url));
  assertEquals(isPython("file:///app/blur.py"), true);
  assertEquals(isPython("https://example.com/blur.py?a=1"), true);
  assertEquals(isPython("file:///app/blur.py.ts"), false);
  assertEquals(isPython("file:///app/py"), false);
  assertEquals(isPython("data:text/javascript,a.py"), false);
});

permittedTest(
  "the interpreter: the option, else the nearest .venv, else python3 in PATH",
  NEEDS,
  () => {
    using fake = new FakePrograms();
    const { folder } = fake;
    const search: PythonSearch = {
      module: `${folder}/app/src/blur.py`,
      given: undefined,
      path: `relative:${folder}/none:${folder}/bin`,
      os: "linux",
    };
    const found = (changes: Partial<PythonSearch> = {}): string =>
      findPython({ ...search, ...changes }).program;
    const inPath = fake.python("bin/python3");
    assertEquals(found(), inPath);
    // A program that this process may not look for is looked for by the system.
    assertEquals(found({ path: undefined }), "python3");

    const above = fake.python("app/.venv/bin/python");
    assertEquals(found(), above);
    const target = fake.python("elsewhere/python3.12");
    Deno.mkdirSync(`${folder}/app/src/.venv/bin`, { recursive: true });
    Deno.symlinkSync(target, `${folder}/app/src/.venv/bin/python`);
    // The link is the environment: it is not resolved.
    assertEquals(found(), `${folder}/app/src/.venv/bin/python`);

    assertEquals(found({ given: "/opt/python" }), "/opt/python");
    fake.python("bin/python3.11");
    assertEquals(found({ given: "python3.11" }), `${folder}/bin/python3.11`);
  },
);

permittedTest(
  "the interpreter: if there is none, the error says what was looked for, and the option",
  NEEDS,
  () => {
    using fake = new FakePrograms();
    const { folder } = fake;
    const search: PythonSearch = {
      module: `${folder}/app/blur.py`,
      given: undefined,
      path: `${folder}/bin`,
      os: "linux",
    };
    const none = assertThrows(
      () => findPython(search),
      BridgeError,
      `Cannot find a Python for the client: there is no .venv/bin/python in ${folder}/app ` +
        "or a folder above, and no python3 in PATH; install Python 3.9 or later, or set the option `python`",
    );
    assertEquals(none.code, "client_failed");
    assertThrows(
      () => findPython({ ...search, given: "python3.99" }),
      BridgeError,
      "there is no 'python3.99', the option `python`, in PATH",
    );
    Deno.mkdirSync(`${folder}/app/.venv/bin`, { recursive: true });
    Deno.symlinkSync("/nowhere/python3", `${folder}/app/.venv/bin/python`);
    assertThrows(
      () => findPython(search),
      BridgeError,
      "the interpreter with which that virtual environment was made is gone; make it again",
    );
  },
);
