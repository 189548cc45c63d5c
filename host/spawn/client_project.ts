/**
 * Finds the lock file of the module's project.
 *
 * Deno finds `deno.json`, `package.json` and the workspace by itself, from the
 * folder of its main module. The lock file it would also write, which a client
 * must not do, so the host reads it.
 *
 * @module
 */

import { dirname, isAbsolute } from "node:path";

/** Reads files for {@link findLock}. */
export interface ProjectFiles {
  /** Returns the text of a file; `undefined` if it does not exist or may not be read. */
  read(path: string): string | undefined;
}

/** The lock file of a project. */
export interface LockFile {
  readonly path: string;
  readonly text: string;
}

/** What decides about the lock file in a `deno.json` or `package.json`. */
interface ProjectConfig {
  /** `undefined` if the file does not say. */
  readonly lock: string | false | undefined;
  readonly isWorkspace: boolean;
}

const DENO_CONFIGS = ["deno.json", "deno.jsonc"];
const NODE_CONFIG = "package.json";

/**
 * Returns the lock file by which Deno loads the modules of a folder:
 * `deno.lock` of the project or of its workspace, or the one that `deno.json`
 * names. `undefined` if there is none, or if the project wants none.
 *
 * @param folder the module's folder, an absolute path
 * @param config the configuration that was chosen for the module; else the nearest one is used
 */
export function findLock(
  folder: string,
  config: string | undefined,
  files: ProjectFiles = PERMITTED,
): LockFile | undefined {
  const project = config === undefined
    ? nearestProject(folder, files)
    : configOf(dirname(config), files.read(config), undefined);
  if (project === undefined) return undefined;
  const owner = project.isWorkspace
    ? project
    : workspaceAbove(project.folder, files) ?? project;
  const { lock = "deno.lock" } = owner;
  if (lock === false) return undefined;
  const path = isAbsolute(lock) ? lock : `${owner.folder}/${lock}`;
  const text = files.read(path);
  return text?.trim() ? { path, text } : undefined;
}

interface Project extends ProjectConfig {
  readonly folder: string;
}

function nearestProject(
  folder: string,
  files: ProjectFiles,
): Project | undefined {
  for (const each of upwards(folder)) {
    const found = projectIn(each, files);
    if (found) return found;
  }
  return undefined;
}

/** A project below a workspace is a member of it: Deno refuses any other. */
function workspaceAbove(
  folder: string,
  files: ProjectFiles,
): Project | undefined {
  for (const each of upwards(dirname(folder))) {
    const found = projectIn(each, files);
    if (found?.isWorkspace) return found;
  }
  return undefined;
}

function projectIn(folder: string, files: ProjectFiles): Project | undefined {
  const deno = DENO_CONFIGS.map((name) => files.read(`${folder}/${name}`))
    .find((text) => text !== undefined);
  const node = files.read(`${folder}/${NODE_CONFIG}`);
  if (deno === undefined && node === undefined) return undefined;
  return configOf(folder, deno, node);
}

function configOf(
  folder: string,
  deno: string | undefined,
  node: string | undefined,
): Project {
  const config = parseJsonc(deno);
  const lock = config["lock"];
  const path = (lock as { path?: unknown } | null | undefined)?.path;
  return {
    folder,
    lock: lock === false
      ? false
      : [lock, path].find((each) => typeof each === "string"),
    isWorkspace: "workspace" in config || "workspaces" in parseJsonc(node),
  };
}

function* upwards(folder: string): Generator<string> {
  for (let at = folder;; at = dirname(at)) {
    yield at === "/" ? "" : at;
    if (at === dirname(at)) return;
  }
}

/** Parses JSON with comments and commas before a closing bracket. An empty object if it is none: Deno reports the error. */
export function parseJsonc(text: string | undefined): Record<string, unknown> {
  const STRING = /"(?:\\.|[^"\\])*"/;
  const COMMENT = /\/\/[^\n]*|\/\*[^]*?\*\//;
  const without = (from: string, what: RegExp): string =>
    from.replace(
      new RegExp(`(${STRING.source})|${what.source}`, "g"),
      (_, kept?: string) => kept ?? "",
    );
  try {
    const bare = without(text ?? "", COMMENT);
    const value: unknown = JSON.parse(without(bare, /,(?=\s*[\]}])/));
    return typeof value === "object" && value !== null
      ? value as Record<string, unknown>
      : {};
  } catch {
    return {};
  }
}

const PERMITTED: ProjectFiles = {
  read(path) {
    const query = { name: "read", path } as const;
    if (Deno.permissions.querySync(query).state !== "granted") return undefined;
    try {
      return Deno.readTextFileSync(path);
    } catch {
      return undefined; // it does not exist, or is no file
    }
  },
};
