import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { locateBroker } from "../../../launchd/locate.ts";
import type { ProgramResult } from "../../../launchd/run_program.ts";
import { ServiceError } from "../../../launchd/service_error.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { namesOf, ScriptedPrograms } from "../../helpers/service.ts";

const NEEDS = { read: true, env: true } as const;
const NAMES = namesOf("/home/ada", "linux");

/** A Deno that says where it keeps its downloads, and has every module. */
function deno(
  cache: Partial<ProgramResult> = {},
): { programs: ScriptedPrograms; calls: () => string[] } {
  const programs = new ScriptedPrograms((line) =>
    line.endsWith("info --json") ? { stdout: '{ "denoDir": "/d" }' } : cache
  );
  const path = Deno.execPath();
  return {
    programs,
    calls: () => programs.calls.map((line) => line.replace(path, "deno")),
  };
}

permittedTest(
  "locate: this Deno, this package's module with all that it imports, its shim, its downloads",
  NEEDS,
  async () => {
    const { programs, calls } = deno();
    const main = new URL("../../../broker/main.ts", import.meta.url);
    const { argv, environment } = await locateBroker(NAMES, programs.run);
    assertEquals(argv[0], Deno.execPath());
    assertEquals(argv.includes(decodeURIComponent(main.pathname)), true);
    assertEquals(environment["DENO_DIR"], "/d");
    assertEquals(environment["STREAMLIB_LIBRARY"]?.startsWith("/"), true);
    assertEquals(calls(), [
      `deno cache --quiet --no-lock ${main.href}`,
      "deno info --json",
    ]);
  },
);

permittedTest(
  "locate: a registry's module, and that it cannot be had",
  NEEDS,
  async () => {
    const module = "https://jsr.io/@streamlib/bridge/0.1.0/broker/main.ts";
    const { programs, calls } = deno();
    const { argv } = await locateBroker(NAMES, programs.run, { module });
    assertEquals(argv.includes(module), true);
    assertEquals(
      calls()[0],
      `deno cache --quiet --no-lock --no-config ${module}`,
    );
    const offline = deno({ code: 1, stderr: "error: no route to host" });
    const error = await assertRejects(
      () => locateBroker(NAMES, offline.programs.run, { module }),
      ServiceError,
    );
    assertEquals([error.code, error.next], ["refused", `deno cache ${module}`]);
    assertStringIncludes(error.message, "no route to host");
  },
);

permittedTest(
  "locate: a compiled broker needs no Deno, and has to be there",
  NEEDS,
  async () => {
    const { programs, calls } = deno();
    const binary = decodeURIComponent(new URL(import.meta.url).pathname);
    const { argv, environment } = await locateBroker(NAMES, programs.run, {
      binary,
    });
    assertEquals([argv[0], environment["DENO_DIR"]], [binary, undefined]);
    assertEquals(calls(), []);
    for (const wrong of ["/nowhere/broker", "/"]) {
      const { code } = await assertRejects(
        () => locateBroker(NAMES, programs.run, { binary: wrong }),
        ServiceError,
      );
      assertEquals(code, "bad_argument");
    }
  },
);
