import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { type Ended, run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import {
  type CompiledPermissions,
  readMetadata,
} from "../../tools/package/compiled_metadata.ts";

/** Tests `deno task compile`, whether or not Deno's runtime of compiled programs is available. */

/** `deno task compile` takes most of a minute. */
const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  exhaustive: true,
} as const;
const ROOT = new URL("../../", import.meta.url);
const HERE = `${Deno.build.os}-${Deno.build.arch}`;
const OUTPUT = new URL(`c/out/compile/${HERE}/`, ROOT);

function compile(
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<Ended> {
  return run(Deno.execPath(), {
    args: ["task", "--quiet", "compile", ...args],
    cwd: ROOT,
    env: { ...env, NO_COLOR: "1" },
  });
}

/** The program that the last run made, or its stand-in. */
function made(): { bytes: Uint8Array; path: string; runs: boolean } {
  for (const name of ["streamlib-broker", "streamlib-broker.stand-in"]) {
    try {
      const file = new URL(name, OUTPUT);
      return {
        bytes: Deno.readFileSync(file),
        path: decodeURIComponent(file.pathname),
        runs: name === "streamlib-broker",
      };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error("nothing was made");
}

function permissionsOf(bytes: Uint8Array): CompiledPermissions {
  return readMetadata(bytes).metadata.permissions;
}

permittedTest(
  "deno task compile: the permissions in what it made are the declared ones, and name no path",
  NEEDS,
  async () => {
    const { code, stderr } = await compile();
    assertEquals(code, 0, stderr);
    const { bytes, runs } = made();
    if (runs) assertStringIncludes(stderr, "its permissions as declared");
    else {
      for (
        const words of ["cannot be downloaded", "it cannot be run", "read back"]
      ) assertStringIncludes(stderr, words);
    }
    const permissions = permissionsOf(bytes);
    const { env } = config.permissions.binary;
    const has = Object.entries(permissions).filter(([, scope]) =>
      scope !== null
    );
    assertEquals(Object.fromEntries(has), {
      allow_env: env,
      allow_ffi: [],
      allow_read: [],
      allow_write: [],
      // Deno adds its seven default hosts here; `deny_import` overrides them.
      allow_import: permissions["allow_import"] ?? null,
      deny_import: [],
      prompt: false,
    });
    for (const name of ["net", "run", "sys"] as const) {
      assertEquals([name, permissions[`allow_${name}`]], [name, null]);
    }
  },
);

permittedTest(
  "deno task compile: shim, stamp and modules are in it, and no path of this machine",
  NEEDS,
  async () => {
    const { code, stderr } = await compile();
    assertEquals(code, 0, stderr);
    const { bytes } = made();
    const { metadata, end } = readMetadata(bytes);
    assertMatch(metadata.entrypoint_key, /(^|\/)broker\/main\.ts$/);
    assertEquals(metadata.argv, []);
    // The modules follow this offset; before it is Deno.
    const files = new TextDecoder("latin1").decode(bytes.subarray(end));
    const root = decodeURIComponent(ROOT.pathname);
    assert(!files.includes(root), "a path of this machine is in it");
    const name = Deno.build.os === "darwin" ? "dylib" : "so";
    const shim = await Deno.readFile(
      new URL(`c/out/${HERE}/libstreamlib_bridge.${name}`, ROOT),
    );
    assertStringIncludes(files, shim.toBase64().slice(-5000));
    assertMatch(files, /"?buildDate"?: "\d{4}-\d\d-\d\dT/);
  },
);

permittedTest(
  "deno task compile: a runtime named in DENORT_BIN is taken",
  NEEDS,
  async () => {
    // Deno is not a runtime of compiled programs, but all steps before the start of the program are the same.
    const { code, stderr } = await compile([], {
      DENORT_BIN: Deno.execPath(),
    });
    try {
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "its permissions as declared");
      assert(made().runs);
    } finally {
      await Deno.remove(new URL("streamlib-broker", OUTPUT));
    }
  },
);

permittedTest(
  "deno task compile: what it made, or the file that stands in for it, loads its shim from no file and says what it was built from",
  { ...NEEDS, service: true },
  async () => {
    const { code, stderr } = await compile();
    assertEquals(code, 0, stderr);
    const { path, runs } = made();
    const { binary } = await import("../helpers/broker_forms.ts");
    const { BrokerProcess } = await import("../helpers/broker_process.ts");
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using home = isolatedHome();
    const standIn = binary(home.path, "--json");
    const form = {
      ...standIn,
      // The arguments after the module are the same for both.
      ...(runs && {
        argv: [
          path,
          ...standIn.argv.slice(standIn.argv.indexOf(standIn.module) + 1),
        ],
      }),
    };
    for (let start = 0; start < 2; start++) {
      await using broker = await BrokerProcess.start(form);
      const { grpc, version } = JSON.parse(broker.ready);
      assertEquals(version, config.version);
      using client = new PatientClient(grpc);
      const { git_commit, build_date } = await client.call("GetVersion", {});
      assertMatch(build_date, /^\d{4}-\d\d-\d\dT/);
      // A checkout without git has no commit.
      assertMatch(git_commit, /^([0-9a-f]{40}(-dirty)?|unknown)$/);
      const written = [...Deno.readDirSync(home.path)]
        .filter(({ name }) => name !== ".cache"); // Deno's own
      assertEquals(written.map(({ name }) => name), ["run"]);
    }
    // So the date above is not that of the checkout, which has none.
    const { versionInfo } = await import("../../broker/version.ts");
    assertEquals(versionInfo().build_date, "unknown");
  },
);

permittedTest(
  "deno task compile: what it cannot make it says, with what to do",
  NEEDS,
  async () => {
    const wrong = await compile(["--target", "windows-x86_64"]);
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.stderr, "linux-x86_64");
    const unknown = await compile(["--tarket"]);
    assertEquals(unknown.code, 2);
    assertStringIncludes(unknown.stderr, "deno task compile --help");
    const help = await compile(["--help"]);
    assertEquals([help.code, help.stdout.slice(0, 6)], [0, "Usage:"]);
  },
);

Deno.test("the compiled metadata: a program without any is refused", () => {
  const bytes = new TextEncoder().encode("d3n0l4nd and d3n0l4nd12345678{}");
  assertThrows(() => readMetadata(bytes), Error, "deno compile");
  assertThrows(() => readMetadata(new Uint8Array()), Error, "deno compile");
});
