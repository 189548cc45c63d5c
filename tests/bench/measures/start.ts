/** How long starts take: of a host with its client, of a client, of an empty program. */

import { CLIENT_RUNNER } from "../../../host/assembly.ts";
import { fileURLToPath } from "node:url";
import { builtLibrary } from "../../../ffi/library/library.ts";
import { ROOT } from "../../../tools/checkout.ts";
import { bundledEntry, bundlePackage } from "../../../tools/package/bundle.ts";
import {
  prebuiltModule,
  prebuiltPath,
  readAbi,
} from "../../../tools/package/prebuilt_module.ts";
import {
  PYTHON_MODULE,
  pythonModule,
  readPython,
} from "../../../tools/package/python_module.ts";
import { run } from "../../helpers/child.ts";
import { PrivateDirectory } from "../../helpers/grpc_fixture.ts";
import type { Language } from "../bridge/clients.ts";
import { DICTIONARY, LANE, type Way } from "../bridge/ways.ts";
import {
  type Group,
  NotHere,
  type Round,
  type Subject,
  type SubjectPlan,
} from "../harness/subject.ts";
import { denoArguments, Program } from "../program.ts";
import type { LaunchTimes } from "../programs/launch_host.ts";

/** The variable by which a process knows that it is a client. */
const AS_CLIENT = "STREAMLIB_CONNECTION_ID";

/** Milliseconds from the start of a Deno to its end. */
async function timeToEnd(module: string): Promise<Round> {
  const began = performance.now();
  const { code, stderr } = await run(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "--no-lock",
      `--allow-env=${AS_CLIENT}`,
      module,
    ],
    env: { [AS_CLIENT]: "0".repeat(32) },
  });
  if (code !== 0) throw new Error(stderr);
  return { samples: [performance.now() - began] };
}

/** A Deno that runs a module, whose text `text` returns. */
function deno(
  name: string,
  text: () => string | Promise<string>,
): SubjectPlan {
  return {
    name,
    unit: "ms",
    start: async (): Promise<Subject> => {
      // Outside the checkout, whose deno.json would be read.
      const directory = new PrivateDirectory();
      const module = `${directory.path}/main.ts`;
      await Deno.writeTextFile(module, await text());
      const round = (): Promise<Round> => timeToEnd(module);
      await round();
      return {
        round,
        [Symbol.asyncDispose]: () =>
          Promise.resolve(directory[Symbol.dispose]()),
      };
    },
  };
}

/** A program that loads what a client loads before it connects. */
function loading(runner: URL): string {
  return `import ${JSON.stringify(runner.href)};\nDeno.exit(0);\n`;
}

/** Where a program finds this library. */
interface Library {
  /** Its modules. */
  readonly folder: URL;
  /** The `deno.json` by which the bench's own modules get it instead of the checkout's; undefined for the checkout itself. */
  readonly config?: string;
}

const CHECKOUT: Library = { folder: ROOT };

/** The published package, with this checkout's shim and Python files in it. Made once. */
let published: Promise<Library> | undefined;

async function publish(): Promise<Library> {
  const folder = new URL("c/out/bench/package/", ROOT);
  await Deno.mkdir(folder, { recursive: true });
  await bundlePackage(ROOT, folder);
  const place = (path: string): string =>
    new URL(bundledEntry(path), folder).href;
  const { os, arch } = Deno.build;
  await Deno.writeTextFile(
    new URL(place(prebuiltPath(`${os}-${arch}`))),
    prebuiltModule(await Deno.readFile(builtLibrary()), await readAbi()),
  );
  await Deno.writeTextFile(
    new URL(place(PYTHON_MODULE)),
    pythonModule(await readPython()),
  );
  const config = new URL("deno.json", folder);
  const imports = Object.fromEntries(
    ["client/mod", "host/mod"].map((path) => [
      new URL(`${path}.ts`, ROOT).href,
      place(path),
    ]),
  );
  await Deno.writeTextFile(config, JSON.stringify({ imports }));
  return { folder, config: fileURLToPath(config) };
}

function packaged(): Promise<Library> {
  return published ??= publish();
}

async function loadingPackaged(): Promise<string> {
  const { folder } = await packaged();
  return loading(new URL(bundledEntry("client/runner"), folder));
}

async function launchOnce(
  way: Way,
  language: Language,
  { config }: Library,
  home: string,
): Promise<LaunchTimes | NotHere> {
  const [run = "", ...others] = denoArguments(
    "launch_host.ts",
    way.name,
    language,
    config ?? "",
  );
  const flags = config === undefined ? [] : ["--config", config];
  await using program = new Program(
    Deno.execPath(),
    [run, ...flags, ...others],
    { STREAMLIB_HOME: home },
    `launch_host.ts ${way.name} ${language}`,
  );
  const said = JSON.parse(await program.line());
  await program.finish();
  return "reason" in said ? new NotHere(said.reason) : said;
}

function launch(
  what: string,
  way: Way,
  key: keyof LaunchTimes,
  find: () => Library | Promise<Library> = packaged,
  language: Language = "TypeScript",
): SubjectPlan {
  return {
    name: `${what}, ${way.name}`,
    unit: "ms",
    start: async () => {
      const library = await find();
      // The package writes its shim there, once.
      const home = new PrivateDirectory();
      const once = (): Promise<LaunchTimes | NotHere> =>
        launchOnce(way, language, library, home.path);
      const first = await once();
      if (first instanceof NotHere) return first;
      return {
        round: async () => {
          const times = await once();
          if (times instanceof NotHere) throw new Error(times.reason);
          return { samples: [times[key]] };
        },
        [Symbol.asyncDispose]: () => Promise.resolve(home[Symbol.dispose]()),
      };
    },
  };
}

function inPython(what: string, key: keyof LaunchTimes): SubjectPlan {
  return launch(what, LANE, key, packaged, "Python");
}

/** The group. */
export const start: Group = {
  name: "start",
  rounds: { full: 9, quick: 2 },
  plans: [
    deno("empty Deno, start to end", () => ""),
    launch("launch to ready, cold", LANE, "cold"),
    launch("launch to ready, warm", LANE, "warm"),
    launch("client's process to its hello, warm", LANE, "hello"),
    inPython("launch to ready, client in Python, cold", "cold"),
    inPython("launch to ready, client in Python, warm", "warm"),
    launch("launch to ready, cold", DICTIONARY, "cold"),
    launch("launch to ready, warm", DICTIONARY, "warm"),
    launch("client's process to its hello, warm", DICTIONARY, "hello"),
    launch("launch to ready in a checkout, cold", LANE, "cold", () => CHECKOUT),
    launch("launch to ready in a checkout, warm", LANE, "warm", () => CHECKOUT),
    deno("client's modules, start to end", loadingPackaged),
    deno(
      "client's modules in a checkout, start to end",
      () => loading(CLIENT_RUNNER),
    ),
  ],
};
