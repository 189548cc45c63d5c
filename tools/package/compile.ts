/**
 * `deno task compile`: makes the broker as one program, `streamlib-broker`, in
 * `c/out/compile/<system>/`. See docs/publishing.md.
 *
 * If denort, the runtime of compiled programs, cannot be downloaded, it says so,
 * and makes and checks two stand-ins instead.
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { announce, ROOT } from "../checkout.ts";
import {
  BINARY_FLAGS,
  bundle,
  checkBinary,
  compileBinary,
  compileStandIn,
  outputFolder,
  type Target,
  TARGETS,
  writeSources,
} from "./broker_binary.ts";

const HERE = `${Deno.build.os}-${Deno.build.arch}`;

const HELP = `Usage: deno task compile [--target SYSTEM]... [--prebuilt]

Makes streamlib-broker in c/out/compile/SYSTEM/, with the shim in it.

Options:
  --target SYSTEM  ${Object.keys(TARGETS).join(", ")}
                   (default: that of this machine, ${HERE})
  --prebuilt       use the shim of \`deno task build:all\`, which is the released
                   one, not that of \`deno task build\`; for other systems it is
                   always used
  -h, --help       show this text
`;

/** The arguments are wrong. */
class UsageError extends Error {}

interface Options {
  readonly targets: ReadonlyMap<string, Target>;
  readonly prebuilt: boolean;
}

function readOptions(args: string[]): Options | "help" {
  const { values } = parse(args);
  if (values.help) return "help";
  const targets = new Map<string, Target>();
  for (const platform of values.target ?? [HERE]) {
    const target = TARGETS[platform];
    if (target === undefined) {
      throw new UsageError(
        `no binary is made for '${platform}', but for ${
          Object.keys(TARGETS).join(", ")
        }`,
      );
    }
    targets.set(platform, target);
  }
  return { targets, prebuilt: values.prebuilt ?? false };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        target: { type: "string", multiple: true },
        prebuilt: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function shown(file: URL): string {
  return fileURLToPath(file).slice(fileURLToPath(ROOT).length);
}

async function make(
  platform: string,
  target: Target,
  prebuilt: boolean,
): Promise<void> {
  const folder = prebuilt || platform !== HERE ? `prebuilt/${platform}` : HERE;
  const shim = new URL(`c/out/${folder}/${target.library}`, ROOT);
  const sources = await writeSources(platform, shim).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `there is no shim ${shown(shim)}; run \`deno task build:all\``,
    );
  });
  const output = outputFolder(platform);
  const binary = new URL("streamlib-broker", output);
  const compiled = await compileBinary(sources, binary, target);
  if (compiled === "made") {
    await checkBinary(binary);
    announce(`compiled ${shown(binary)}, its permissions as declared`);
    return;
  }
  // A program of an earlier run would look like the output of this one.
  await Deno.remove(binary).catch(() => {});
  const standIn = new URL("streamlib-broker.stand-in", output);
  const script = new URL("streamlib-broker.js", output);
  await compileStandIn(sources, standIn);
  await checkBinary(standIn);
  await bundle(sources, script);
  announce(
    `Cannot make streamlib-broker for ${platform}: denort, Deno's runtime of compiled programs, cannot be downloaded
  (${compiled.unreachable});
  set DENORT_BIN to the path of one, or run this where it can be downloaded. Made instead:
  ${shown(standIn)}: it cannot be run. It has the types, modules, shim and
    flags of the program, in this machine's format; its permissions were read back, and are as declared.
  ${
      shown(script)
    }: the same modules as one file. Run it with the same permissions:
    deno run ${BINARY_FLAGS.join(" ")} ${shown(script)}`,
  );
}

try {
  const options = readOptions(Deno.args);
  if (options === "help") {
    Deno.stdout.writeSync(new TextEncoder().encode(HELP));
  } else {
    for (const [platform, target] of options.targets) {
      await make(platform, target, options.prebuilt);
    }
  }
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const usage = error instanceof UsageError;
  announce(`Cannot compile the broker: ${error.message}`);
  if (usage) announce("Try: deno task compile --help");
  Deno.exit(usage ? 2 : 1);
}
