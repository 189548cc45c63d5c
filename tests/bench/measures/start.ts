/** How long starts take: of a host with its client, of a client, of an empty program. */

import { CLIENT_RUNNER } from "../../../host/assembly.ts";
import { pathToFileURL } from "node:url";
import { builtLibrary } from "../../../ffi/library/library.ts";
import { ROOT } from "../../../tools/checkout.ts";
import { bundledEntry, bundlePackage } from "../../../tools/package/bundle.ts";
import {
  prebuiltModule,
  prebuiltPath,
  readAbi,
} from "../../../tools/package/prebuilt_module.ts";
import { run } from "../../helpers/child.ts";
import { PrivateDirectory } from "../../helpers/grpc_fixture.ts";
import { DICTIONARY, LANE, type Way } from "../bridge/ways.ts";
import {
  type Group,
  NotHere,
  type Round,
  stateless,
  type Subject,
  type SubjectPlan,
} from "../harness/subject.ts";
import { Program } from "../program.ts";
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

/**
 * A Deno that runs a module.
 *
 * @param text makes the module's text. It may write files into `folder`, beside the
 * module
 */
function deno(
  name: string,
  text: (folder: URL) => string | Promise<string>,
): SubjectPlan {
  return {
    name,
    unit: "ms",
    start: async (): Promise<Subject> => {
      // Outside the checkout, whose deno.json would be read.
      const directory = new PrivateDirectory();
      const module = `${directory.path}/main.ts`;
      const folder = pathToFileURL(`${directory.path}/`);
      await Deno.writeTextFile(module, await text(folder));
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

/** The same from the bundle of the published package, with this checkout's shim in it. */
async function loadingBundled(folder: URL): Promise<string> {
  await bundlePackage(ROOT, folder);
  const { os, arch } = Deno.build;
  await Deno.writeTextFile(
    new URL(bundledEntry(prebuiltPath(`${os}-${arch}`)), folder),
    prebuiltModule(await Deno.readFile(builtLibrary()), await readAbi()),
  );
  return loading(new URL(bundledEntry("client/runner"), folder));
}

async function launchOnce(way: Way): Promise<LaunchTimes | NotHere> {
  using home = new PrivateDirectory();
  await using program = Program.deno("launch_host.ts", [way.name], {
    STREAMLIB_HOME: home.path,
  });
  const said = JSON.parse(await program.line());
  await program.finish();
  return "reason" in said ? new NotHere(said.reason) : said;
}

function launch(what: string, way: Way, key: keyof LaunchTimes): SubjectPlan {
  return {
    name: `${what}, ${way.name}`,
    unit: "ms",
    start: async () => {
      const first = await launchOnce(way);
      if (first instanceof NotHere) return first;
      return stateless(async () => {
        const times = await launchOnce(way);
        if (times instanceof NotHere) throw new Error(times.reason);
        return { samples: [times[key]] };
      });
    },
  };
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
    launch("launch to ready, cold", DICTIONARY, "cold"),
    launch("launch to ready, warm", DICTIONARY, "warm"),
    launch("client's process to its hello, warm", DICTIONARY, "hello"),
    deno("client's modules, start to end", loadingBundled),
    deno(
      "client's modules in a checkout, start to end",
      () => loading(CLIENT_RUNNER),
    ),
  ],
};
