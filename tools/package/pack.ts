/**
 * `deno task pack`: makes the package as it is published, in
 * `c/out/publish/package/`: the files that `deno publish` would take from this
 * checkout, and in `dist/` the bundle of them that runs, with the shims of
 * `deno task build:all` and the Python package. Then Deno checks it as before a publication. See
 * docs/publishing.md.
 */

import { ROOT } from "../checkout.ts";
import { fileURLToPath } from "node:url";
import { describeEnd, runToEnd } from "../programs.ts";
import { writeStamp } from "./stamp.ts";
import { bundledEntry, bundlePackage } from "./bundle.ts";
import {
  PLATFORMS,
  prebuiltModule,
  prebuiltPath,
  readAbi,
} from "./prebuilt_module.ts";
import { PYTHON_MODULE, pythonModule, readPython } from "./python_module.ts";

const SHIMS = new URL("c/out/prebuilt/", ROOT);

/**
 * A workspace whose only member is the package. It links the stand-ins of
 * `deno task std`, if there are any, because a package's `deno.json` cannot.
 */
const WORKSPACE = new URL("c/out/publish/", ROOT);
const WORKSPACE_CONFIG = {
  workspace: ["./package"],
  links: ["../../../.std/*"],
};

/** The folder of the package. */
export const PACKAGE_FOLDER: URL = new URL("package/", WORKSPACE);

/** The largest package that the registry accepts: the sum of all files. */
export const MAX_BYTES = 20_000_000;

const LIMIT_MS = 600_000;

/** Runs Deno in a folder and returns its output. Throws with its output if it fails. */
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

/** The files that Deno would publish from a folder, as paths relative to it. */
async function listPublished(folder: URL): Promise<string[]> {
  // Also with files that are not in git yet.
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

/** The keys of `deno.json` that are for checkouts only. */
const OF_THE_CHECKOUT = [
  "allowScripts",
  "exclude",
  "links",
  "lint",
  "publish",
  "tasks",
];

/** Changes `deno.json` by `change`, which gets its content. */
async function changeConfig(
  to: URL,
  change: (config: Record<string, unknown>) => void,
): Promise<void> {
  const file = new URL("deno.json", to);
  const config = JSON.parse(await Deno.readTextFile(file));
  change(config);
  await writeJson(file, config);
}

async function writeShims(to: URL): Promise<void> {
  const abi = await readAbi();
  for (const [platform, name] of Object.entries(PLATFORMS)) {
    const bytes = await Deno.readFile(new URL(`${platform}/${name}`, SHIMS));
    await Deno.writeTextFile(
      new URL(bundledEntry(prebuiltPath(platform)), to),
      prebuiltModule(bytes, abi),
    );
  }
}

async function writePython(to: URL): Promise<void> {
  await Deno.writeTextFile(
    new URL(bundledEntry(PYTHON_MODULE), to),
    pythonModule(await readPython()),
  );
}

/** Makes and checks the package. Returns its files and their total size. Throws if Deno or the registry would refuse it. */
export async function pack(): Promise<{ files: string[]; bytes: number }> {
  const files = (await listPublished(ROOT))
    // These are in deno.json's list so that Deno accepts a checkout that has them.
    .filter((file) =>
      !file.startsWith(".std/") && file !== "c/out/build_stamp.json"
    );
  await Deno.remove(WORKSPACE, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(PACKAGE_FOLDER, { recursive: true });
  await writeJson(new URL("deno.json", WORKSPACE), WORKSPACE_CONFIG);
  for (const file of files) await copy(file, PACKAGE_FOLDER);
  await writeStamp(PACKAGE_FOLDER);
  await changeConfig(PACKAGE_FOLDER, (config) => {
    for (const key of OF_THE_CHECKOUT) delete config[key];
  });
  const exports = await bundlePackage(PACKAGE_FOLDER, PACKAGE_FOLDER);
  await changeConfig(PACKAGE_FOLDER, (config) => {
    config.exports = exports;
  });
  await writeShims(PACKAGE_FOLDER);
  await writePython(PACKAGE_FOLDER);

  const published = await listPublished(PACKAGE_FOLDER);
  const sources = published.filter((file) => !file.startsWith("dist/"));
  if (sources.join() !== files.join()) {
    throw new Error("Deno would not publish the same files from the package");
  }
  await deno(PACKAGE_FOLDER, "doc", "--lint", ...Object.values(exports));
  const sizes = await Promise.all(
    published.map(async (file) =>
      (await Deno.stat(new URL(encodeURI(file), PACKAGE_FOLDER))).size
    ),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > MAX_BYTES) {
    throw new Error(`The package has ${bytes} bytes, over ${MAX_BYTES}`);
  }
  return { files: published, bytes };
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
