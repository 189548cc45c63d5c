/**
 * The bundle that the published package runs from: a few chunks in `dist/`, instead of
 * hundreds of TypeScript modules, which a process would have to open one by one. All
 * entries share their chunks, so a process has each module once, whatever it imports.
 * See docs/publishing.md.
 */

import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { describeEnd, runToEnd } from "../programs.ts";
import { PLATFORMS, prebuiltPath } from "./prebuilt_module.ts";
import { PYTHON_MODULE } from "./python_module.ts";

/** The package's exports: the name of each, and the path of its module, without the extension. */
const EXPORTS: ReadonlyMap<string, string> = new Map(
  Object.entries(config.exports)
    .map(([name, module]) => [name, module.slice("./".length, -".ts".length)]),
);

/** The modules that are started or imported by their URL: the paths that `packageModule` takes. */
export const FOUND_BY_URL: readonly string[] = [
  "broker/grpc/grpc_carrier",
  "broker/grpc/grpc_client",
  "cli/doctor/probe/contact",
  "cli/doctor/probe/inverter",
  "cli/doctor/probe/main",
  "client/runner",
  "demo/filter/edges",
  "demo/main",
];

/** Other packages, which stay imports: they are downloaded with their licences, and one version serves a whole program. */
const PACKAGES: readonly string[] = Object.entries(config.imports)
  .filter(([, target]) => /^(?:jsr|npm):/.test(target))
  .map(([name]) => name);

/** The modules of the shims and of the Python package. */
const REPLACED = [...Object.keys(PLATFORMS).map(prebuiltPath), PYTHON_MODULE];

const LIMIT_MS = 600_000;

/** The place of a bundle's entry in its package. `source`: its module's path, without the extension. */
export function bundledEntry(source: string): string {
  return `dist/${source}.js`;
}

/**
 * Bundles the modules of a checkout or of a copy of it.
 *
 * The modules of the shims and of the Python package become entries, so that their
 * places are known and their contents can be replaced.
 *
 * @param from the folder of the modules, with a `deno.json`
 * @param to the folder in which `dist/` is made
 * @returns the public exports of `deno.json`, but with the modules of the bundle
 */
export async function bundlePackage(
  from: URL,
  to: URL,
): Promise<Record<string, string>> {
  const ended = await runToEnd(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--no-lock",
      "--platform=deno",
      "--code-splitting",
      ...PACKAGES.map((name) => `--external=${name}`),
      `--outdir=${fileURLToPath(new URL("dist", to))}`,
      ...new Set([...EXPORTS.values(), ...FOUND_BY_URL, ...REPLACED])
        .values().map((path) => `${path}.ts`),
    ],
    cwd: from,
    env: { NO_COLOR: "1" },
    limitMs: LIMIT_MS,
  });
  if (ended.code !== 0) {
    throw new Error(
      `deno bundle: ${describeEnd(ended, LIMIT_MS)}:\n${ended.stderr}`,
    );
  }
  for (const path of EXPORTS.values()) await nameTypes(path, to);
  return Object.fromEntries(
    EXPORTS.entries().map(([name, path]) => [name, `./${bundledEntry(path)}`]),
  );
}

/** Writes into an entry where its types are: in its source. */
async function nameTypes(path: string, to: URL): Promise<void> {
  const file = new URL(bundledEntry(path), to);
  const up = "../".repeat(path.split("/").length);
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(
    file,
    `/* @ts-self-types="${up}${path}.ts" */\n${text}`,
  );
}
