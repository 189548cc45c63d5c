/**
 * What a Deno reads and writes that runs a client, whatever the client's permissions:
 * for one that is confined by the kernel, which does not know Deno's own files from others.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** What {@link denoPlaces} follows from. */
export interface DenoPlacesOptions {
  /** The path of the processor's module; `undefined` if it is not local. */
  readonly module: string | undefined;
  /** The local files of the module and of the runner: see `moduleFiles`. */
  readonly files: Iterable<string>;
  /** The `deno.json` that the user chose; `undefined` for the one that Deno finds. */
  readonly config: string | undefined;
  /** The lock file that Deno may write to: a copy, in a folder of its own. */
  readonly lockCopy: string | undefined;
  /** Returns an environment variable of the client. */
  variable(name: string): string | undefined;
}

/** Files and folders, absolute paths. Each may be missing. */
export interface DenoPlaces {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/** What Deno looks for in each folder from the module's up. */
const PROJECT_FILES = [
  "deno.json",
  "deno.jsonc",
  "deno.lock",
  "package.json",
  ".npmrc",
  "node_modules",
] as const;

/** Variables that name files which Deno reads to download. */
const FILE_VARIABLES = [
  "DENO_CERT",
  "NODE_EXTRA_CA_CERTS",
  "NPM_CONFIG_USERCONFIG",
  "SSL_CERT_DIR",
  "SSL_CERT_FILE",
] as const;

/**
 * Returns what Deno needs: its cache, the module graph, and the files of the project.
 *
 * The cache is not written: other programs of this user run the code in it. Deno
 * compiles again what it cannot keep there.
 */
export function denoPlaces(options: DenoPlacesOptions): DenoPlaces {
  const { module, files, config, lockCopy, variable } = options;
  const cache = denoDir(variable);
  const reads = new Set<string>(files);
  const from = [module, config, ...reads].flatMap((path) =>
    path === undefined ? [] : [dirname(path)]
  );
  for (const folder of foldersUpFrom(from)) {
    for (const name of PROJECT_FILES) reads.add(join(folder, name));
  }
  if (config !== undefined) reads.add(config);
  for (const name of FILE_VARIABLES) {
    const path = variable(name);
    if (path?.startsWith("/")) reads.add(path);
  }
  const home = variable("HOME");
  if (home?.startsWith("/")) reads.add(join(home, ".npmrc"));
  if (cache !== undefined) reads.add(cache);
  const writes = lockCopy === undefined ? [] : [dirname(lockCopy)];
  return { reads: [...reads, ...writes], writes };
}

/** The folder of Deno's cache, as Deno finds it on Linux; `undefined` if it has none. */
export function denoDir(
  variable: (name: string) => string | undefined,
): string | undefined {
  const own = variable("DENO_DIR");
  if (own) return own.startsWith("/") ? own : undefined;
  const cache = variable("XDG_CACHE_HOME");
  if (cache?.startsWith("/")) return join(cache, "deno");
  const home = variable("HOME");
  return home?.startsWith("/") ? join(home, ".cache/deno") : undefined;
}

/** The folders, and all above them. */
function foldersUpFrom(folders: readonly string[]): Set<string> {
  const all = new Set<string>();
  for (let folder of folders) {
    while (!all.has(folder)) {
      all.add(folder);
      folder = dirname(folder);
    }
  }
  return all;
}
