import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { locateBroker } from "../../../launchd/locate.ts";
import type { ProgramResult } from "../../../launchd/run_program.ts";
import { ServiceError } from "../../../launchd/service_error.ts";
import type { Names } from "../../../proto/names.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { namesOf, ScriptedPrograms } from "../../helpers/service.ts";

const NEEDS = { read: true, write: true, env: true } as const;

/** Runs `body` with the names of a service in a home of its own. */
async function inHome(body: (names: Names) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await body(namesOf(home, "linux"));
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** A Deno that reports its cache directory, and has every module. */
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
  () =>
    inHome(async (names) => {
      const { programs, calls } = deno();
      const main = new URL("../../../broker/main.ts", import.meta.url);
      const { argv, environment } = await locateBroker(names, programs.run);
      const lock = `${names.home}/${names.service}.lock`;
      assertEquals(argv.includes(`--lock=${lock}`), true);
      // It begins with the lock file of the checkout.
      assertEquals(
        await Deno.readTextFile(lock),
        await Deno.readTextFile(new URL("../../../deno.lock", import.meta.url)),
      );
      assertEquals(argv[0], Deno.execPath());
      assertEquals(argv.includes(decodeURIComponent(main.pathname)), true);
      assertEquals(environment["DENO_DIR"], "/d");
      assertEquals(environment["STREAMLIB_LIBRARY"]?.startsWith("/"), true);
      assertEquals(
        calls().map((line) => line.replace(/[0-9a-f-]{36}/, "UUID")),
        [
          "deno info --json",
          `deno cache --quiet --lock=${lock}.UUID.tmp --frozen=false ${main.href}`,
        ],
      );
    }),
);

permittedTest(
  "locate: a registry's module, with a lock file of what it imports",
  NEEDS,
  () =>
    inHome(async (names) => {
      const lock = `${names.home}/${names.service}.lock`;
      const module =
        "https://modules.example/@streamlib/bridge/0.1.0/broker/main.ts";
      const programs = new ScriptedPrograms((line) => {
        const [, fresh] = / --lock=(\S+) /.exec(line) ?? [];
        if (fresh === undefined) return { stdout: "{}" };
        Deno.writeTextFileSync(fresh, "locked,", { append: true });
        return {};
      });
      const offline = deno({ code: 1, stderr: "error: no route to host" });
      // The second download begins with the lock file of the first.
      for (const written of ["locked,", "locked,locked,"]) {
        const { argv } = await locateBroker(names, programs.run, { module });
        assertEquals(argv.includes(module), true);
        assertEquals(argv.includes("--no-lock"), false);
        const at = argv.indexOf(`--lock=${lock}`);
        assertEquals(argv[at + 1], "--frozen");
        assertEquals(await Deno.readTextFile(lock), written);
      }
      assertEquals(
        programs.calls[1]!.replace(Deno.execPath(), "deno")
          .replace(/[0-9a-f-]{36}/, "UUID"),
        `deno cache --quiet --lock=${lock}.UUID.tmp --frozen=false --no-config ${module}`,
      );
      const error = await assertRejects(
        () => locateBroker(names, offline.programs.run, { module }),
        ServiceError,
      );
      assertEquals([error.code, error.next], [
        "refused",
        `deno cache ${module}`,
      ]);
      assertStringIncludes(error.message, "no route to host");
      // The installed broker still has its own lock file.
      assertEquals(await Deno.readTextFile(lock), "locked,locked,");
      const left = Array.from(Deno.readDirSync(names.home), (e) => e.name);
      assertEquals(left, [`${names.service}.lock`]);
    }),
);

permittedTest(
  "locate: the registries that Deno was told, without their passwords",
  NEEDS,
  () =>
    inHome(async (names) => {
      const told = {
        JSR_URL: "http://ada:secret@127.0.0.1:8080/jsr",
        NPM_CONFIG_REGISTRY: "https://npm.example",
      };
      const before = Object.keys(told).map((name) =>
        [name, Deno.env.get(name)] as const
      );
      const installed = async () =>
        (await locateBroker(names, deno().programs.run)).environment;
      try {
        for (const [name, url] of Object.entries(told)) Deno.env.set(name, url);
        const { JSR_URL, NPM_CONFIG_REGISTRY } = await installed();
        assertEquals(JSR_URL, "http://127.0.0.1:8080/jsr");
        assertEquals(NPM_CONFIG_REGISTRY, "https://npm.example/");
        Deno.env.set("JSR_URL", "");
        assertEquals("JSR_URL" in await installed(), false);
      } finally {
        for (const [name, value] of before) {
          if (value === undefined) Deno.env.delete(name);
          else Deno.env.set(name, value);
        }
      }
    }),
);

permittedTest(
  "locate: a compiled broker needs no Deno, and has to be there",
  NEEDS,
  () =>
    inHome(async (names) => {
      const { programs, calls } = deno();
      const binary = decodeURIComponent(new URL(import.meta.url).pathname);
      const { argv, environment } = await locateBroker(names, programs.run, {
        binary,
      });
      assertEquals([argv[0], environment["DENO_DIR"]], [binary, undefined]);
      assertEquals(calls(), []);
      for (const wrong of ["/nowhere/broker", "/"]) {
        const { code } = await assertRejects(
          () => locateBroker(names, programs.run, { binary: wrong }),
          ServiceError,
        );
        assertEquals(code, "bad_argument");
      }
    }),
);

permittedTest(
  "locate: a cache that launchd's programs may not read is refused before anything is copied",
  NEEDS,
  async () => {
    const home = await Deno.makeTempDir();
    try {
      const cache = `${home}/Documents/deno`;
      const programs = new ScriptedPrograms(() => ({
        stdout: JSON.stringify({ denoDir: cache }),
      }));
      const error = await assertRejects(
        () => locateBroker(namesOf(home, "darwin"), programs.run),
        ServiceError,
      );
      assertEquals([error.code, error.next], [
        "bad_argument",
        "unset DENO_DIR",
      ]);
      assertStringIncludes(error.message, `Deno's cache in ${cache}`);
      assertEquals(programs.calls.length, 1);
      assertEquals(Array.from(Deno.readDirSync(home)), []);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
);
