import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  absoluteProgram,
  adviceFor,
  denoProgram,
  type ExecutableTools,
} from "../../../../host/spawn/executable.ts";
import { BridgeError } from "../../../../proto/errors.ts";

const AT_LOAD = "/usr/bin/deno";

function tools(changes: Partial<ExecutableTools> = {}): ExecutableTools {
  return {
    execPath: () => AT_LOAD,
    mayRun: () => true,
    os: "linux",
    standalone: false,
    atLoad: AT_LOAD,
    ...changes,
  };
}

Deno.test("the program: the running Deno, also if its file was replaced", () => {
  const replaced = () => `${AT_LOAD} (deleted)`;
  assertEquals(denoProgram(undefined, tools()), AT_LOAD);
  assertEquals(
    denoProgram(undefined, tools({ execPath: replaced })),
    "/proc/self/exe",
  );
  // Permission for the path alone: what is there now is started.
  assertEquals(
    denoProgram(undefined, tools({ execPath: replaced, mayRun: () => false })),
    AT_LOAD,
  );
  assertEquals(
    denoProgram(undefined, tools({ execPath: replaced, os: "darwin" })),
    AT_LOAD,
  );
  assertEquals(denoProgram("/opt/deno", tools()), "/opt/deno");
});

Deno.test("the program: one made by deno compile is refused before it is started", () => {
  for (const given of [undefined, AT_LOAD]) {
    const error = assertThrows(
      () => denoProgram(given, tools({ standalone: true })),
      BridgeError,
      "set the option `deno`",
    );
    assertEquals(error.code, "bad_argument");
  }
  assertEquals(
    denoProgram("/opt/deno", tools({ standalone: true })),
    "/opt/deno",
  );
});

Deno.test("the program: a relative path is of the folder of the launch, a name is of PATH", () => {
  assertEquals(absoluteProgram("./deno", "/home/app"), "/home/app/deno");
  assertEquals(absoluteProgram("deno", "/home/app"), "deno");
  assertEquals(absoluteProgram("./deno", undefined), "./deno");
});

Deno.test("the program: the advice names the mend", () => {
  const gone = new Deno.errors.NotFound("gone");
  assertStringIncludes(
    adviceFor(AT_LOAD, gone, tools()),
    "when the host started",
  );
  assertStringIncludes(adviceFor("/opt/x", gone, tools()), "option `deno`");
  assertStringIncludes(
    adviceFor("/etc/passwd", new Deno.errors.PermissionDenied("no"), tools()),
    "that this user may run",
  );
  assertStringIncludes(
    adviceFor(AT_LOAD, new Deno.errors.NotCapable("no"), tools()),
    "--allow-run",
  );
});
