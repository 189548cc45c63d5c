import { assertEquals, assertStringIncludes } from "@std/assert";
import { judgePython } from "../../../../cli/doctor/links/python.ts";

const CANDIDATE = { program: "/usr/bin/python3", because: "found in PATH" };

function said(...lines: string[]): ReturnType<typeof judgePython> {
  return judgePython(CANDIDATE, {
    code: 0,
    stdout: `${lines.join("\n")}\n`,
    stderr: "",
  });
}

Deno.test("doctor: which Python a host would run, and whether it has numpy", () => {
  assertEquals(said("/usr/bin/python3.12", "CPython", "3.12.1", "True"), {
    link: "python",
    state: "ok",
    found: "CPython 3.12.1, with numpy: /usr/bin/python3.12 (found in PATH)",
  });
  assertStringIncludes(
    said("/usr/bin/python3", "CPython", "3.9.0rc1", "False").found,
    "without numpy",
  );
});

Deno.test("doctor: a Python that is missing or too old is no fault", () => {
  assertEquals(judgePython(CANDIDATE, undefined).state, "ok");
  for (
    const finding of [
      said("/p", "CPython", "3.8.20", "True"),
      said("/p", "PyPy", "3.10.14", "True"),
      said("/p", "CPython", "2.7.18", "True"),
      judgePython(CANDIDATE, { code: 127, stdout: "", stderr: "pyenv: no" }),
    ]
  ) {
    assertEquals(finding.state, "note");
    assertEquals(finding.why?.includes("ython"), true);
  }
});
