/**
 * `deno task pack`: the package as it is published, in `c/out/publish/package/`: what
 * `deno publish` would take from this checkout, with the shims of
 * `deno task build:all` in the place of the modules that have none. Then Deno
 * looks at it as it does before it publishes. See docs/publishing.md.
 */

import { fileURLToPath } from "node:url";
import { describeEnd, runToEnd } from "../c/programs.ts";
import { writeStamp } from "./stamp.ts";
import { prebuiltModule, readAbi } from "./prebuilt_module.ts";

const ROOT = new URL("../../", import.meta.url);
const SHIMS = new URL("c/out/prebuilt/", ROOT);

/**
 * The package is the one member of a workspace here. That links the stand-ins
 * of `deno task std`, where there are any: `deno.json` of a package cannot.
 */
const WORKSPACE = new URL("c/out/publish/", ROOT);
const WORKSPACE_CONFIG = {
  workspace: ["./package"],
  links: ["../../../.std/*"],
};

/** Where the package goes. */
export const PACKAGE_FOLDER: URL = new URL("package/", WORKSPACE);

/** What the registry takes: the sum of all files, and so each of them. */
export const MAX_BYTES = 20_000_000;

/** The systems that the package is for, with the file that is loaded there. */
export const PLATFORMS: Readonly<Record<string, string>> = {
  "darwin-aarch64": "libstreamlib_bridge.dylib",
  "darwin-x86_64": "libstreamlib_bridge.dylib",
  "linux-aarch64": "libstreamlib_bridge.so",
  "linux-x86_64": "libstreamlib_bridge.so",
};

const LIMIT_MS = 600_000;

/** Runs Deno in a folder and returns what it says. Throws with that where it fails. */
async function deno(folder: URL, ...args: string[]): Promise<string> {
  const ended = await runToEnd(Deno.execPath(), {
    args,
    cwd: folder,
    env: { NO_COLOR: "1" },
    limitMs: LIMIT_MS,
  });
  const said = ended.stdout + ended.stderr;
  if (ended.code === 0) return said;
  throw new Error(
    `deno ${args.join(" ")}: ${describeEnd(ended, LIMIT_MS)}:\n${said}`,
  );
}

/** The files of a package in a folder, as paths from there, as Deno would publish them. */
export async function listPublished(folder: URL): Promise<string[]> {
  // A file that is not in git yet is no reason not to look at the package.
  const said = await deno(folder, "publish", "--dry-run", "--allow-dirty");
  return [...said.matchAll(/^ +(file:\S+) \([\d.]+[KMG]?B\)$/gm)]
    .map(([, url]) => decodeURIComponent(url!.slice(folder.href.length)));
}

async function copy(file: string, to: URL): Promise<void> {
  const target = new URL(encodeURI(file), to);
  await Deno.mkdir(new URL(".", target), { recursive: true });
  await Deno.copyFile(new URL(encodeURI(file), ROOT), target);
}

async function writeJson(file: URL, value: unknown): Promise<void> {
  await Deno.writeTextFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Of `deno.json`, what is of use in a checkout alone. */
const OF_THE_CHECKOUT = [
  "allowScripts",
  "exclude",
  "links",
  "lint",
  "publish",
  "tasks",
];

async function writeConfig(to: URL): Promise<Record<string, string>> {
  const file = new URL("deno.json", to);
  const config = JSON.parse(await Deno.readTextFile(file));
  for (const key of OF_THE_CHECKOUT) delete config[key];
  await writeJson(file, config);
  return config.exports;
}

async function writeShims(to: URL): Promise<void> {
  const abi = await readAbi();
  for (const [platform, name] of Object.entries(PLATFORMS)) {
    const bytes = await Deno.readFile(new URL(`${platform}/${name}`, SHIMS));
    const module = `ffi/library/prebuilt/${platform.replace("-", "_")}.ts`;
    await Deno.writeTextFile(
      new URL(module, to),
      prebuiltModule(bytes, abi),
    );
  }
}

/** Makes the package and looks at it. Returns its files, and how large they are together. Throws where Deno or the registry would not take it. */
export async function pack(): Promise<{ files: string[]; bytes: number }> {
  const files = (await listPublished(ROOT))
    // Stand-ins are in deno.json's list so that Deno looks at a checkout that has them.
    .filter((file) => !file.startsWith(".std/"));
  await Deno.remove(WORKSPACE, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(PACKAGE_FOLDER, { recursive: true });
  await writeJson(new URL("deno.json", WORKSPACE), WORKSPACE_CONFIG);
  for (const file of files) await copy(file, PACKAGE_FOLDER);
  await writeShims(PACKAGE_FOLDER);
  await writeStamp(PACKAGE_FOLDER);
  const exports = Object.values(await writeConfig(PACKAGE_FOLDER));

  const published = await listPublished(PACKAGE_FOLDER);
  if (published.join() !== files.join()) {
    throw new Error("Deno would not publish the same files from the package");
  }
  await deno(PACKAGE_FOLDER, "doc", "--lint", ...exports);
  const sizes = await Promise.all(
    files.map(async (file) =>
      (await Deno.stat(new URL(encodeURI(file), PACKAGE_FOLDER))).size
    ),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > MAX_BYTES) {
    throw new Error(`The package has ${bytes} bytes, over ${MAX_BYTES}`);
  }
  return { files, bytes };
}

if (import.meta.main) {
  const { files, bytes } = await pack();
  const path = fileURLToPath(PACKAGE_FOLDER).slice(fileURLToPath(ROOT).length);
  Deno.stderr.writeSync(
    new TextEncoder().encode(
      `packed ${path}: ${files.length} files, ${bytes} bytes\n`,
    ),
  );
}
