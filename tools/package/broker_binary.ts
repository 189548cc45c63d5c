/**
 * The parts of `deno task compile`: it writes sources that contain a shim, runs
 * Deno, and checks the result. The task itself is `compile.ts`.
 */

import { runToEnd } from "../programs.ts";
import { ROOT } from "../checkout.ts";
import config from "../../deno.json" with { type: "json" };
import { type CompiledPermissions, readMetadata } from "./compiled_metadata.ts";
import { prebuiltModule, prebuiltPath, readAbi } from "./prebuilt_module.ts";
import { writeStamp } from "./stamp.ts";

/** A system that a binary can be made for. */
export interface Target {
  /** The value of Deno's `--target`. */
  readonly triple: string;
  /** The file name of its shim. */
  readonly library: string;
}

/** The targets, by the system's name in `c/out/prebuilt/`. */
export const TARGETS: Readonly<Record<string, Target>> = {
  "darwin-aarch64": {
    triple: "aarch64-apple-darwin",
    library: "libstreamlib_bridge.dylib",
  },
  "darwin-x86_64": {
    triple: "x86_64-apple-darwin",
    library: "libstreamlib_bridge.dylib",
  },
  "linux-aarch64": {
    triple: "aarch64-unknown-linux-gnu",
    library: "libstreamlib_bridge.so",
  },
  "linux-x86_64": {
    triple: "x86_64-unknown-linux-gnu",
    library: "libstreamlib_bridge.so",
  },
};

/**
 * The flags of the binary. The permission set `binary` of `deno.json` has no
 * path, because a path would be one of this machine. `--deny-import` is a flag
 * because a set cannot remove Deno's default import hosts.
 */
export const BINARY_FLAGS: readonly string[] = [
  "--no-prompt",
  "-P=binary",
  "--deny-import",
];

/** The folder of all output for a target. */
export function outputFolder(platform: string): URL {
  return new URL(`c/out/compile/${platform}/`, ROOT);
}

/** The output of Deno on stderr, and whether it succeeded. */
interface Said {
  readonly success: boolean;
  readonly text: string;
}

/** The limit for one run of Deno; the first one downloads denort. */
const LIMIT_MS = 1_200_000;

async function deno(
  args: readonly string[],
  folder: URL,
  env: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const { code, stderr } = await runToEnd(Deno.execPath(), {
    args: [...args],
    cwd: folder,
    env: { ...env, NO_COLOR: "1", RUST_BACKTRACE: "0" },
    limitMs: LIMIT_MS,
  });
  return { success: code === 0, text: stderr.trim() };
}

/**
 * Writes the sources of the broker, with the shim and the build stamp in them,
 * below the target's folder. Throws NotFound if there is no such shim.
 */
export async function writeSources(
  platform: string,
  shim: URL,
): Promise<URL> {
  const bytes = await Deno.readFile(shim);
  const sources = new URL("source/", outputFolder(platform));
  await Deno.remove(sources, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  for (const folder of ["broker/", "ffi/", "proto/"]) {
    await copyModules(new URL(folder, ROOT), new URL(folder, sources));
  }
  await writeConfig(sources);
  await Deno.copyFile(
    new URL("deno.lock", ROOT),
    new URL("deno.lock", sources),
  );
  await Deno.writeTextFile(
    new URL(`${prebuiltPath(platform)}.ts`, sources),
    prebuiltModule(bytes, await readAbi()),
  );
  await writeStamp(sources);
  return sources;
}

async function copyModules(from: URL, to: URL): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    const [source, target] = [new URL(name, from), new URL(name, to)];
    if (!isDirectory) {
      if (name.endsWith(".ts")) await Deno.copyFile(source, target);
    } else {
      await copyModules(new URL(`${name}/`, from), new URL(`${name}/`, to));
    }
  }
}

/** Writes a `deno.json` with only what the build of the broker needs. */
async function writeConfig(to: URL): Promise<void> {
  const up = "../".repeat(
    to.pathname.split("/").length - ROOT.pathname.split("/").length,
  );
  const { name, version, imports, compilerOptions, permissions } = config;
  const own = { name, version, exports: "./broker/main.ts" };
  await Deno.writeTextFile(
    new URL("deno.json", to),
    JSON.stringify({
      ...own,
      imports: Object.fromEntries(
        Object.entries(imports).filter(([, to]) => !to.startsWith(".")),
      ),
      links: config.links.map((link) => `${up}${link}`),
      compilerOptions,
      permissions: { binary: permissions.binary },
    }),
  );
}

/** The result of a compilation: `made`, or why denort cannot be downloaded. */
type Compiled = "made" | { readonly unreachable: string };

/**
 * Compiles for a target. Returns `unreachable` with Deno's reason if denort, the
 * runtime of compiled programs, cannot be downloaded. Throws with Deno's output if
 * something else fails.
 */
export async function compileBinary(
  sources: URL,
  output: URL,
  { triple }: Target,
): Promise<Compiled> {
  const { success, text } = await compile(sources, output, [
    `--target=${triple}`,
  ]);
  if (success) return "made";
  const reason = /Setting up base binary\.\s+(?:1: )?(.*)/.exec(text)?.[1];
  if (reason !== undefined) return { unreachable: reason };
  throw new Error(`deno compile failed:\n${text}`);
}

/**
 * Compiles with Deno itself in the place of denort. The output is in this
 * machine's format for every target. It cannot be run, but it can be checked.
 */
export async function compileStandIn(sources: URL, output: URL): Promise<void> {
  const { success, text } = await compile(sources, output, [], {
    DENORT_BIN: Deno.execPath(),
  });
  if (!success) throw new Error(`deno compile failed:\n${text}`);
}

async function compile(
  sources: URL,
  output: URL,
  more: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Said> {
  return await deno(
    [
      "compile",
      "--quiet",
      "--check",
      ...BINARY_FLAGS,
      ...more,
      `--output=${decodeURIComponent(output.pathname)}`,
      "broker/main.ts",
    ],
    sources,
    env,
  );
}

/** Bundles all modules into one file, to be run by `deno run` with {@link BINARY_FLAGS}. */
export async function bundle(sources: URL, output: URL): Promise<void> {
  const { success, text } = await deno([
    "bundle",
    "--quiet",
    "--platform=deno",
    `--output=${decodeURIComponent(output.pathname)}`,
    "broker/main.ts",
  ], sources);
  if (!success) throw new Error(`deno bundle failed:\n${text}`);
}

/** A permission set of `deno.json`, as far as this project uses its forms. */
type PermissionSet = Readonly<Record<string, true | readonly string[]>>;

/** The permissions that a program compiled with {@link BINARY_FLAGS} must have. */
function declaredPermissions(): Record<string, readonly string[]> {
  const set: PermissionSet = config.permissions.binary as PermissionSet;
  const declared: Record<string, readonly string[]> = { deny_import: [] };
  for (const [name, scope] of Object.entries(set)) {
    declared[`allow_${name}`] = scope === true ? [] : scope;
  }
  return declared;
}

/** The permissions of a program, without those that are null, and without the import hosts, which are all denied. */
function effectivePermissions(
  permissions: CompiledPermissions,
): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(permissions).filter((entry): entry is [string, string[]] =>
      Array.isArray(entry[1]) && entry[0] !== "allow_import"
    ),
  );
}

/** Throws unless a compiled program has exactly the declared permissions, and does not prompt for others. */
export async function checkBinary(file: URL): Promise<void> {
  const bytes = await Deno.readFile(file);
  const { metadata } = readMetadata(bytes);
  const { permissions } = metadata;
  const [found, declared] = [
    effectivePermissions(permissions),
    declaredPermissions(),
  ].map((list) => JSON.stringify(Object.entries(list).sort()));
  if (found !== declared || permissions.prompt) {
    throw new Error(
      `The binary has the permissions ${JSON.stringify(permissions)}, ` +
        `declared are ${declared} and no prompt`,
    );
  }
}
