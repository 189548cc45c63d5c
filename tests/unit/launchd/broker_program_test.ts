import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  brokerPermissions,
  brokerProgram,
  type BrokerProgramOptions,
} from "../../../launchd/broker_program.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { names, type NamesOptions } from "../../../proto/names.ts";

const ADA = { HOME: "/home/ada" };

/** The variables that a broker reads. Its address is an argument. */
const USED = [
  "service",
  "home",
  "runDirectory",
  "xpcSocket",
  "grpcSocket",
  "logDirectory",
  "logFile",
] as const;

function optionsFor(
  environment: Record<string, string>,
  more: Partial<BrokerProgramOptions> = {},
  system: NamesOptions = { os: "linux" },
): BrokerProgramOptions {
  return {
    names: names(new Map(Object.entries(environment)), system),
    runtime: "/usr/bin/deno",
    module: "/opt/streamlib/broker/main.ts",
    library: "/home/ada/.streamlib/lib/abc/libstreamlib_bridge.so",
    ...more,
  };
}

Deno.test("brokerProgram: the whole line, for a checkout", () => {
  const { argv, environment } = brokerProgram(
    optionsFor({ STREAMLIB_HOME: "/home/ada/.streamlib" }, {
      denoDir: "/home/ada/.cache/deno",
      logLevel: "debug",
    }),
  );
  assertEquals(argv, [
    "/usr/bin/deno",
    "run",
    "--quiet",
    "--no-prompt",
    "--cached-only",
    "--no-lock",
    "--allow-ffi=/home/ada/.streamlib/lib/abc/libstreamlib_bridge.so",
    "--allow-env=STREAMLIB_HOME,STREAMLIB_LIBRARY,GRPC_*",
    "--allow-read=/home/ada/.streamlib/logs",
    "--allow-write=/home/ada/.streamlib/logs",
    "--allow-import=jsr.io:443",
    "/opt/streamlib/broker/main.ts",
    "--service",
    "com.tatolab.streamlib.broker",
    "--listen",
    "unix:/home/ada/.streamlib/run/com.tatolab.streamlib.broker.grpc",
    "--log-file",
    "/home/ada/.streamlib/logs/com.tatolab.streamlib.broker.log",
    "--idle-exit",
    "300",
    "--recycle-after",
    "1000",
    "--log-level",
    "debug",
  ]);
  assertEquals(environment, {
    STREAMLIB_HOME: "/home/ada/.streamlib",
    STREAMLIB_LIBRARY: "/home/ada/.streamlib/lib/abc/libstreamlib_bridge.so",
    DENO_NO_UPDATE_CHECK: "1",
    DENO_DIR: "/home/ada/.cache/deno",
  });
});

Deno.test("brokerProgram: a package's module is run without a configuration, and imports from its own host alone", () => {
  const module =
    "https://modules.example/@streamlib/bridge/0.1.0/broker/main.ts";
  const { argv } = brokerProgram(optionsFor(ADA, { module }));
  assert(argv.includes("--no-config"));
  assert(argv.includes("--allow-import=modules.example:443"));
  assert(argv.includes(module));
  const local = brokerPermissions(
    optionsFor(ADA, { module: "http://127.0.0.1:8080/main.ts" }),
  );
  assertEquals(local.at(-1), "--allow-import=127.0.0.1:8080");
});

Deno.test("brokerProgram: what came from other registries is found under their names", () => {
  const registries = {
    JSR_URL: "https://jsr.example/",
    NPM_CONFIG_REGISTRY: "https://npm.example/",
  };
  const options = optionsFor(ADA, { registries });
  const { environment } = brokerProgram(options);
  assertEquals(environment["JSR_URL"], registries.JSR_URL);
  assertEquals(
    environment["NPM_CONFIG_REGISTRY"],
    registries.NPM_CONFIG_REGISTRY,
  );
  assertEquals(
    brokerPermissions(options).at(-1),
    "--allow-import=jsr.example:443",
  );
  const compiled = brokerProgram({ ...options, module: undefined });
  assertEquals("JSR_URL" in compiled.environment, false);
});

Deno.test("brokerProgram: with a lock file it imports nothing but what is in it", () => {
  const lockFile = "/home/ada/.streamlib/b.lock";
  for (
    const [module, frozen] of [
      [
        "https://jsr.example/@streamlib/bridge/0.1.0/broker/main.ts",
        "--frozen",
      ],
      // Whoever works in a checkout changes its `deno.json`.
      ["/opt/streamlib/broker/main.ts", "--frozen=false"],
    ] as const
  ) {
    const { argv } = brokerProgram(optionsFor(ADA, { lockFile, module }));
    assertEquals(argv[argv.indexOf(`--lock=${lockFile}`) + 1], frozen);
    assertEquals(argv.includes("--no-lock"), false);
  }
});

Deno.test("brokerProgram: a file: URL is a path, decoded", () => {
  const { argv } = brokerProgram(
    optionsFor(ADA, { module: "file:///opt/a%20b/broker/main.ts" }),
  );
  assert(argv.includes("/opt/a b/broker/main.ts"));
});

Deno.test("brokerProgram: the compiled broker takes no flag of Deno's, and none of its variables", () => {
  const options = optionsFor(ADA, {
    runtime: "/home/ada/bin/streamlib-broker",
    module: undefined,
    idleExitSecs: 5,
    recycleAfter: 7,
    denoDir: "/nowhere",
  });
  const { argv, environment } = brokerProgram(options);
  assertEquals(brokerPermissions(options), []);
  assertEquals(argv.slice(0, 2), [
    "/home/ada/bin/streamlib-broker",
    "--service",
  ]);
  assertEquals(argv.slice(-4), ["--idle-exit", "5", "--recycle-after", "7"]);
  assertEquals(Object.keys(environment).sort(), [
    "STREAMLIB_HOME",
    "STREAMLIB_LIBRARY",
  ]);
});

Deno.test("brokerPermissions: net, run and sys are in none of them, and everything has a scope", () => {
  const flags = brokerPermissions(optionsFor(ADA));
  assertEquals(
    flags.map((flag) => flag.slice(0, flag.indexOf("="))),
    [
      "--allow-ffi",
      "--allow-env",
      "--allow-read",
      "--allow-write",
      "--allow-import",
    ],
  );
});

Deno.test("brokerPermissions: a comma in a path is two, so that it does not become two paths", () => {
  const flags = brokerPermissions(
    optionsFor({ STREAMLIB_HOME: "/home/a,b" }, { library: "/lib/x,,y.so" }),
  );
  assertEquals(flags[0], "--allow-ffi=/lib/x,,,,y.so");
  assertEquals(flags[2], "--allow-read=/home/a,,b/logs");
});

Deno.test("brokerProgram: its variables alone lead to the same names, whatever they came from", () => {
  const all = { ...ADA, XDG_RUNTIME_DIR: "/run/user/7" };
  const cases: [Record<string, string>, NamesOptions][] = [];
  for (const os of ["linux", "darwin"] as const) {
    cases.push(
      [ADA, { os }],
      [all, { os }],
      [{ ...ADA, XDG_CONFIG_HOME: "/home/ada/.config" }, { os }],
      [{ ...all, XDG_CONFIG_HOME: "/etc/ada" }, { os }],
      [{ ...all, STREAMLIB_HOME: "/srv/streamlib" }, { os }],
      [{ ...all, STREAMLIB_HOME: "/" }, { os }],
      [{ ...all, STREAMLIB_BROKER_XPC_SERVICE: "com.example.own" }, { os }],
      [{ ...all, STREAMLIB_BROKER_ENDPOINT: "unix:/srv/b.grpc" }, { os }],
    );
  }
  for (const [environment, system] of cases) {
    const options = optionsFor(environment, {}, system);
    const { argv, environment: own } = brokerProgram(options);
    const service = argv[argv.indexOf("--service") + 1]!;
    const again = names(new Map(Object.entries(own)), { ...system, service });
    for (const name of USED) {
      assertEquals(
        again[name],
        options.names[name],
        JSON.stringify([name, environment, system, own]),
      );
    }
    // It has the permission to read all of them.
    const allowed = brokerPermissions(options)[1]!.slice("--allow-env=".length)
      .split(",");
    for (const name of Object.keys(own)) {
      assert(allowed.includes(name) || name.startsWith("DENO_"), name);
    }
  }
});

Deno.test("brokerProgram: what cannot be written down is refused, by name", () => {
  const cases: [Partial<BrokerProgramOptions>, string][] = [
    [{ runtime: "deno" }, "runtime"],
    [{ module: "broker/main.ts" }, "module"],
    [{ library: "./lib.so" }, "library"],
    [{ library: "/a\nb.so" }, "library"],
    [{ denoDir: "cache" }, "DENO_DIR"],
    [{ lockFile: "deno.lock" }, "lock file"],
    [{ module: "file:///a%00b.ts" }, "module"],
  ];
  for (const [more, what] of cases) {
    const error = assertThrows(
      () => brokerProgram(optionsFor(ADA, more)),
      BridgeError,
      `its ${what} is `,
    );
    assertEquals(error.code, "bad_argument");
  }
});

Deno.test("brokerProgram: directories that no variable leads to are refused", () => {
  const options = optionsFor(ADA);
  const error = assertThrows(
    () =>
      brokerProgram({
        ...options,
        names: { ...options.names, home: "/a", runDirectory: "/b" },
      }),
    BridgeError,
    "no variables lead to both",
  );
  assertEquals(error.code, "bad_argument");
});
