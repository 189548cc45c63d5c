/**
 * `deno task compile`: the broker as one program, `streamlib-broker`, in
 * `c/out/compile/<system>/`. See docs/publishing.md.
 *
 * Where the runtime of compiled programs is out of reach, what stands in for
 * it is made and checked, and this is said.
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ROOT } from "../c/sources.ts";
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
                   (default: this machine's, ${HERE})
  --prebuilt       with the shim of \`deno task build:all\`, as it is released,
                   in the place of this machine's own; for another system always
  -h, --help       this text
`;

/** What is given is not what can be made. */
class UsageError extends Error {}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

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
    say(`compiled ${shown(binary)}, its permissions as declared`);
    return;
  }
  // One of an earlier time is not what this run has made.
  await Deno.remove(binary).catch(() => {});
  const standIn = new URL("streamlib-broker.stand-in", output);
  const script = new URL("streamlib-broker.js", output);
  await compileStandIn(sources, standIn);
  await checkBinary(standIn);
  await bundle(sources, script);
  say(
    `No streamlib-broker for ${platform}: Deno's runtime of compiled programs, denort, is out of reach
  (${compiled.unreachable}).
  Name one in DENORT_BIN, or run this where it can be downloaded. Made in its place:
  ${shown(standIn)}: not to be run. Types, modules, shim and
    flags went in as they would, in this machine's format; its permissions were read back, and are as declared.
  ${
      shown(script)
    }: the same modules as one file, to be run with the same permissions:
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
  say(`Cannot compile the broker: ${error.message}`);
  if (usage) say("Try: deno task compile --help");
  Deno.exit(usage ? 2 : 1);
}
