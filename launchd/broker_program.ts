/**
 * The command line of an installed broker, with absolute paths and with only the
 * permissions that it needs.
 *
 * It is written at installation and run by launchd or systemd with an almost empty
 * environment. The permissions are explained in docs/service.md, "Permissions".
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import type { Names } from "../proto/names.ts";

/** Seconds without use after which an installed broker ends. The next client starts it again. */
export const IDLE_EXIT_SECS = 300;
/** The number of gRPC sessions after which an installed broker ends as soon as nobody is connected. */
export const RECYCLE_AFTER = 1000;

/** A program for a property list or a unit. */
export interface BrokerProgram {
  /** Program and arguments. All paths are absolute. */
  readonly argv: readonly string[];
  /** The environment variables that it needs. */
  readonly environment: Readonly<Record<string, string>>;
  /** What a user must know of it; sentences, usually none. */
  readonly remarks?: readonly string[];
}

/** The options of {@link brokerProgram}. Paths are absolute. */
export interface BrokerProgramOptions {
  /** The names of the service. */
  readonly names: Names;
  /** The path of `deno`, or of a compiled `streamlib-broker`. */
  readonly runtime: string;
  /** `broker/main.ts` for `deno`, as an `https:` or `file:` URL or a path; `undefined` if `runtime` is a compiled broker. */
  readonly module: string | undefined;
  /** The path of the shim. */
  readonly library: string;
  /** Deno's cache directory; by default Deno's own, which depends on HOME. */
  readonly denoDir?: string;
  /** Other registries than the default ones, as values of `JSR_URL` and `NPM_CONFIG_REGISTRY`. Deno's cache is keyed by their URLs. */
  readonly registries?: Readonly<Record<string, string>>;
  /** The lock file of the module's imports. Without one, Deno looks up every version at each start, in lists that may not be in its cache, or that another project has renewed. */
  readonly lockFile?: string;
  /** Seconds; {@link IDLE_EXIT_SECS} by default. */
  readonly idleExitSecs?: number;
  /** Sessions; {@link RECYCLE_AFTER} by default. */
  readonly recycleAfter?: number;
  /** `debug`, `info`, `warn` or `error`; the broker's own choice by default. */
  readonly logLevel?: string;
}

/**
 * Returns the command line and environment of an installed broker. Throws BridgeError
 * `bad_argument` if a path is not absolute or has control characters, or if no
 * environment variables lead to these names.
 */
export function brokerProgram(options: BrokerProgramOptions): BrokerProgram {
  return {
    argv: [
      checkedPath("runtime", options.runtime),
      ...denoArguments(options),
      ...brokerArguments(options),
    ],
    environment: brokerEnvironment(options),
  };
}

/**
 * Returns the permission flags, one per element: the shim, the variables of its
 * environment, the directory of its log, and the host of its modules instead of the
 * seven hosts that Deno allows by default. No net, run or sys. Empty for a compiled
 * broker, which has its permissions built in.
 */
export function brokerPermissions(
  options: BrokerProgramOptions,
): readonly string[] {
  if (options.module === undefined) return [];
  const library = inList(checkedPath("library", options.library));
  const logs = inList(checkedPath("log directory", options.names.logDirectory));
  return [
    `--allow-ffi=${library}`,
    `--allow-env=${variablesOf(options).join(",")}`,
    `--allow-read=${logs}`,
    `--allow-write=${logs}`,
    `--allow-import=${importHost(options.module, options.registries)}`,
  ];
}

/** Deno's own arguments: no prompts, no downloads, and no influence of files in the working directory. */
function denoArguments(options: BrokerProgramOptions): string[] {
  const { module, lockFile } = options;
  if (module === undefined) return [];
  const remote = isRemote(module);
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--cached-only",
    ...(lockFile === undefined
      ? ["--no-lock"]
      : [`--lock=${checkedPath("lock file", lockFile)}`, frozen(remote)]),
    // For a file, Deno uses the configuration of its package, which has the import map.
    ...(remote ? ["--no-config"] : []),
    ...brokerPermissions(options),
    remote ? module : checkedPath("module", pathOf(module)),
  ];
}

/**
 * Whether an outdated lock file is an error. Not for a checkout: whoever works in it
 * changes its `deno.json`, and the broker must start all the same.
 */
function frozen(remote: boolean): string {
  return remote ? "--frozen" : "--frozen=false";
}

function brokerArguments(options: BrokerProgramOptions): string[] {
  const { names, logLevel } = options;
  return [
    "--service",
    names.service,
    "--listen",
    names.grpcAddress,
    "--log-file",
    checkedPath("log file", names.logFile),
    "--idle-exit",
    String(options.idleExitSecs ?? IDLE_EXIT_SECS),
    "--recycle-after",
    String(options.recycleAfter ?? RECYCLE_AFTER),
    ...(logLevel === undefined ? [] : ["--log-level", logLevel]),
  ];
}

function brokerEnvironment(
  options: BrokerProgramOptions,
): Record<string, string> {
  const { denoDir, module, registries } = options;
  return {
    ...placeVariables(options.names),
    STREAMLIB_LIBRARY: checkedPath("library", options.library),
    ...(module !== undefined && {
      // Otherwise Deno looks for a newer version of itself on the net, without a permission.
      DENO_NO_UPDATE_CHECK: "1",
      ...(denoDir !== undefined && {
        DENO_DIR: checkedPath("DENO_DIR", denoDir),
      }),
      ...registries,
    }),
  };
}

/** The variables that the broker reads. grpc-js reads GRPC_*. */
function variablesOf({ names }: BrokerProgramOptions): string[] {
  return [...Object.keys(placeVariables(names)), "STREAMLIB_LIBRARY", "GRPC_*"];
}

/** The variables from which `names` and the shim derive the same directories. */
function placeVariables(names: Names): Record<string, string> {
  const user = userHome(names);
  if (names.runDirectory === `${names.home}/run`) {
    return { ...user, STREAMLIB_HOME: checkedPath("home", names.home) };
  }
  const runtime = parentOf(names.runDirectory, "/streamlib");
  const config = parentOf(names.home, "/streamlib");
  const found = {
    ...user,
    ...homeOf(parentOf(names.home, "/.streamlib")),
    ...homeOf(parentOf(names.runDirectory, "/.streamlib/run")),
    ...(config !== undefined && { XDG_CONFIG_HOME: config }),
    ...(runtime !== undefined && { XDG_RUNTIME_DIR: runtime }),
  };
  for (const [name, path] of Object.entries(found)) checkedPath(name, path);
  // `names` needs one of them.
  if (config !== undefined || "HOME" in found) return found;
  throw new BridgeError(
    "bad_argument",
    `Cannot install a broker for the home ${names.home} with its sockets in ` +
      `${names.runDirectory}: no variables lead to both; set STREAMLIB_HOME`,
  );
}

/** On macOS logs and agents are always below HOME. */
function userHome({ plistFile }: Names): { HOME?: string } {
  const folder = plistFile?.lastIndexOf("/Library/LaunchAgents/") ?? -1;
  return homeOf(folder < 0 ? undefined : plistFile?.slice(0, folder));
}

function homeOf(path: string | undefined): { HOME?: string } {
  return path === undefined ? {} : { HOME: path };
}

/** Returns `/a` for `/a/b` and `/b`; `undefined` if the path does not end so. */
function parentOf(path: string, end: string): string | undefined {
  return path.endsWith(end) ? path.slice(0, -end.length) || "/" : undefined;
}

/** Escapes a path for Deno's comma-separated lists. */
function inList(path: string): string {
  return path.replaceAll(",", ",,");
}

/** Whether a module comes from a registry, not from a checkout. */
export function isRemote(module: string): boolean {
  return /^https?:/.test(module);
}

/** The host for --allow-import. A checkout has `@std` from JSR. Cached modules need the permission too. */
function importHost(
  module: string,
  { JSR_URL = "https://jsr.io" }: Readonly<Record<string, string>> = {},
): string {
  const { hostname, port, protocol } = new URL(
    isRemote(module) ? module : JSR_URL,
  );
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

function pathOf(module: string): string {
  return module.startsWith("file:")
    ? decodeURIComponent(new URL(module).pathname)
    : module;
}

function checkedPath(what: string, path: string): string {
  // deno-lint-ignore no-control-regex -- property lists and units cannot quote them
  if (path.startsWith("/") && !/[\x00-\x1f\x7f]/.test(path)) return path;
  throw new BridgeError(
    "bad_argument",
    `Cannot install a broker: its ${what} is ${JSON.stringify(path)}, ` +
      "expected an absolute path without control characters",
  );
}
