import { assert, assertEquals, assertMatch } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { attempts, type Outcome, type Places } from "../fixtures/attempts.ts";
import type { BrokerForm } from "../helpers/broker_forms.ts";
import { run } from "../helpers/child.ts";
import { acquireFrame, launchFixture } from "../helpers/hosts.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

/** Tries forbidden actions in a running broker. A module that is loaded before the broker's main module does them, with the broker's command line, permissions and state. */

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  net: true,
} as const;
const ROOT = new URL("../../", import.meta.url);
const PLACES = [
  "STREAMLIB_HOME",
  "STREAMLIB_BROKER_XPC_SERVICE",
  "STREAMLIB_BROKER_ENDPOINT",
  "STREAMLIB_BROKER_PORT",
  "HOME",
  "XDG_CONFIG_HOME",
  "XDG_RUNTIME_DIR",
];
const DENIED = /^NotCapable: |^TypeError: Requires (import|read) access|EPERM/;

interface Stage extends AsyncDisposable {
  readonly places: Places;
  readonly preload: string;
}

/** Makes everything that the attempts need. A process with all permissions can do all of them: see the last test. */
function stage(folder: string, logs: string): Stage {
  const home = `${folder}/elsewhere`;
  Deno.mkdirSync(home);
  Deno.mkdirSync(logs, { recursive: true, mode: 0o700 });
  for (const name of ["secret", "victim"]) {
    Deno.writeTextFileSync(`${home}/${name}`, "untouched");
  }
  Deno.writeTextFileSync(`${home}/module.ts`, "export {};\n");
  const socket = `${home}/socket`;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () =>
      new Response("export {};\n", {
        headers: { "content-type": "application/typescript" },
      }),
  );
  const listener = Deno.listen({ transport: "unix", path: socket });
  const { port } = server.addr;
  const origin = `http://127.0.0.1:${port}`;
  const places: Places = { home, logs, origin, port, socket };
  const preload = `${folder}/preload.ts`;
  const fixture = new URL("tests/fixtures/attempts.ts", ROOT).href;
  Deno.writeTextFileSync(
    preload,
    `import { tryOnSignal } from ${JSON.stringify(fixture)};\n` +
      `tryOnSignal(${JSON.stringify(places)});\n`,
  );
  return {
    places,
    preload,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await soon(server.shutdown(), "the server's end");
    },
  };
}

/** Runs a form with the attempts. Returns the outcome of each. */
async function outcomesOf(
  form: BrokerForm,
  folder: string,
): Promise<Record<string, Outcome>> {
  const { BrokerProcess } = await import("../helpers/broker_process.ts");
  const { namesIn, withPreload } = await import("../helpers/broker_forms.ts");
  await using all = stage(folder, namesIn(folder).logDirectory);
  await using process = await BrokerProcess.start(
    withPreload(form, all.preload),
  );
  process.signal("SIGUSR2");
  const { outcomes } = JSON.parse(await process.line());
  assertEquals(Object.keys(outcomes), Object.keys(attempts(all.places)));
  return outcomes;
}

/** Asserts that the attempts whose name begins with one of `open` succeed, and that all others are denied. */
function assertDenied(
  outcomes: Record<string, Outcome>,
  open: readonly string[],
): void {
  for (const [attempt, outcome] of Object.entries(outcomes)) {
    const shown = `${attempt}: ${outcome}`;
    if (open.some((start) => attempt.startsWith(start))) {
      assertEquals(shown, `${attempt}: done`);
    } else assertMatch(outcome, DENIED, shown);
  }
}

/** Makes the stand-in for the compiled broker, whether or not the runtime of compiled programs is available. */
async function bundleBroker(): Promise<void> {
  const { bundle, outputFolder, TARGETS, writeSources } = await import(
    "../../tools/package/broker_binary.ts"
  );
  const { builtLibrary } = await import("../../ffi/library/library.ts");
  const platform = `${Deno.build.os}-${Deno.build.arch}`;
  assert(platform in TARGETS);
  const sources = await writeSources(platform, builtLibrary());
  await bundle(sources, new URL("streamlib-broker.js", outputFolder(platform)));
}

function sorted<Set extends { env: string[] }>(set: Set): Set {
  return { ...set, env: set.env.toSorted() };
}

/** A form of the broker, and how the names of the attempts begin that it does not deny: docs/service.md has the reasons. */
interface Form {
  readonly make: (home: string) => Promise<BrokerForm>;
  /** With its flags alone. */
  readonly open: readonly string[];
  /** After it has begun to serve, if it then denies more. */
  readonly served?: readonly string[];
}

/** Accepted, because only the user can write to that directory, and the broker cannot make such a link. */
const LINK = "read: beside the log, by a link out";
const FILES = ["read: ", "write: ", "import: a local module"];

const FORMS: Record<string, Form> = {
  "deno task broker": {
    make: async (home) => {
      const { foreground } = await import("../helpers/broker_forms.ts");
      return await foreground(home);
    },
    open: [],
  },
  "an installed broker": {
    make: async (home) => {
      const { installed } = await import("../helpers/broker_forms.ts");
      const { builtLibrary } = await import("../../ffi/library/library.ts");
      return await installed(
        home,
        decodeURIComponent(builtLibrary().pathname),
      );
    },
    open: [LINK],
  },
  "the compiled broker": {
    make: async (home) => {
      await bundleBroker();
      const { binary } = await import("../helpers/broker_forms.ts");
      return binary(home);
    },
    open: ["ffi: ", ...FILES],
    served: [],
  },
  "the compiled broker with a log file": {
    make: async (home) => {
      await bundleBroker();
      const { binary, namesIn } = await import("../helpers/broker_forms.ts");
      return binary(home, "--log-file", namesIn(home).logFile);
    },
    open: ["ffi: ", ...FILES],
    served: FILES,
  },
};

for (const [name, { make, open, served = open }] of Object.entries(FORMS)) {
  permittedTest(
    `permissions: what ${name} does not have, its flags deny, one by one`,
    NEEDS,
    async () => {
      using home = isolatedHome();
      const { idle } = await import("../helpers/broker_forms.ts");
      const form = idle(await make(home.path));
      assertDenied(await outcomesOf(form, home.path), open);
    },
  );

  permittedTest(
    `permissions: what ${name} does not need once it serves, it is denied, one by one`,
    { ...NEEDS, service: true },
    async () => {
      using home = isolatedHome();
      assertDenied(
        await outcomesOf(await make(home.path), home.path),
        served,
      );
      if (served === FILES) return;
      for (const file of ["secret", "victim"]) {
        assertEquals(
          Deno.readTextFileSync(`${home.path}/elsewhere/${file}`),
          "untouched",
        );
      }
    },
  );
}

permittedTest(
  "permissions: whoever has all of them could do each of these things",
  NEEDS,
  async () => {
    using home = isolatedHome();
    const { foreground, idle } = await import("../helpers/broker_forms.ts");
    const form = idle(await foreground(home.path), ["--allow-all"]);
    const outcomes = await outcomesOf(form, home.path);
    assert(Object.keys(outcomes).length > 25);
    assertDenied(outcomes, [""]);
  },
);

permittedTest(
  "permissions: the sets and the installed line have what they are known to have, and nothing else",
  NEEDS,
  async () => {
    const { foreground, installed, namesIn, permissionsOf } = await import(
      "../helpers/broker_forms.ts"
    );
    const own = ["STREAMLIB_LIBRARY", "GRPC_*"];
    assertEquals(permissionsOf(await foreground("/home/ada")), ["-P=broker"]);
    assertEquals(sorted(config.permissions.broker), {
      ffi: ["./c/out"],
      env: [...PLACES, "STREAMLIB_DEV_MODE", ...own].sort(),
      import: ["jsr.io:443"],
    });
    assertEquals(sorted(config.permissions.binary), {
      ffi: true,
      env: [...PLACES, ...own].sort(),
      read: true,
      write: true,
    });
    using home = isolatedHome();
    const logs = namesIn(home.path).logDirectory;
    assertEquals(permissionsOf(await installed(home.path, "/lib/shim.so")), [
      "--allow-ffi=/lib/shim.so",
      // On macOS the directory of logs always depends on HOME.
      `--allow-env=${
        Deno.build.os === "darwin" ? "HOME," : ""
      }STREAMLIB_HOME,STREAMLIB_LIBRARY,GRPC_*`,
      `--allow-read=${logs}`,
      `--allow-write=${logs}`,
      "--allow-import=jsr.io:443",
    ]);
  },
);

permittedTest(
  "an installed broker's very line, in a home with a comma and a blank and nothing else around it: a host is ready through it, and gRPC answers",
  { ...NEEDS, service: true },
  async () => {
    const { installed, namesIn } = await import("../helpers/broker_forms.ts");
    const { BrokerProcess } = await import("../helpers/broker_process.ts");
    const { builtLibrary } = await import("../../ffi/library/library.ts");
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using outer = isolatedHome();
    const home = `${outer.path}/a, b`;
    const library = `${home}/lib/shim, own.so`;
    Deno.mkdirSync(`${home}/lib`, { recursive: true, mode: 0o700 });
    Deno.copyFileSync(builtLibrary(), library);
    const all = namesIn(home);
    Deno.mkdirSync(all.logDirectory, { recursive: true, mode: 0o700 });
    Deno.env.set("STREAMLIB_HOME", home);
    await using broker = await BrokerProcess.start(
      await installed(home, library),
    );
    {
      await using host = launchFixture("invert.ts", { broker: all.service });
      await soon(host.ready, "ready");
      assertEquals(host.broker, { service: all.service, embedded: false });
      await soon(host.input.video.ready, "room");
      using frame = acquireFrame(host, 7);
      host.input.video.send(frame);
      const results = host.output.video[Symbol.asyncIterator]();
      const { value } = await soon(results.next(), "a frame");
      using out = value!;
      assertEquals(out.frame_number, 7n);
      using client = new PatientClient(all.grpcAddress);
      let states: string[] = [];
      await until("one connection, ready", async () => {
        const { connections } = await client.call("ListConnections", {});
        states = connections.map((one) => one.derived_state);
        return states.join() === "ready";
      }, () => states.join());
    }
    const { code, stderr } = await broker.end();
    assertEquals([code, stderr], [0, ""]);
    assert(Deno.readTextFileSync(all.logFile).includes('"ready"'));
  },
);

permittedTest(
  "an installed broker's line, with a module that was downloaded before: it starts without its server, whatever lies about where it starts, and else not",
  NEEDS,
  async () => {
    const { installed } = await import("../helpers/broker_forms.ts");
    const { BrokerProcess } = await import("../helpers/broker_process.ts");
    const { builtLibrary } = await import("../../ffi/library/library.ts");
    using home = isolatedHome();
    const module = Deno.readTextFileSync(
      new URL("tests/fixtures/idle.ts", ROOT),
    );
    await using stack = new AsyncDisposableStack();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ url }) =>
        new Response(
          url.endsWith("main.ts") ? `import "./b.ts";${module}` : "",
          {
            headers: { "content-type": "text/typescript" },
          },
        ),
    );
    const shutDown = (): Promise<void> =>
      soon(server.shutdown(), "the server's end");
    stack.defer(shutDown);
    const form = await installed(
      home.path,
      decodeURIComponent(builtLibrary().pathname),
      `http://127.0.0.1:${server.addr.port}/broker/main.ts`,
    );
    const DENO_DIR = `${home.path}/deno`;
    const command = {
      argv: form.argv,
      environment: { ...form.environment, DENO_DIR },
    };
    const early = await BrokerProcess.start(command).catch(String);
    assertMatch(String(early), /--cached-only/);
    const { code, stderr } = await run(Deno.execPath(), {
      args: ["cache", "--quiet", "--no-config", "--allow-import", form.module],
      env: { DENO_DIR },
      cwd: home.path,
    });
    assertEquals(code, 0, stderr);
    await shutDown();
    for (const name of ["deno.json", "package.json"]) {
      Deno.writeTextFileSync(`${home.path}/${name}`, "no JSON");
    }
    await using broker = await BrokerProcess.start({
      ...command,
      cwd: home.path,
    });
    assertEquals(broker.ready, "ready");
  },
);
