/**
 * The command line of an installed broker: absolute, and with no more
 * permissions than it needs.
 *
 * Written once, by whoever installs it, and then run by launchd or systemd
 * with little else in the environment. What it may, and what not:
 * docs/service.md, "Permissions".
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import type { Names } from "../proto/names.ts";

/** After this many seconds with nothing registered an installed broker ends; the next client starts it again. */
export const IDLE_EXIT_SECS = 300;
/** After this many sessions an installed broker ends as soon as nothing is connected. */
export const RECYCLE_AFTER = 1000;

/** A program to run, as a plist or a unit describes it. */
export interface BrokerProgram {
  /** Program and arguments; every path is absolute. */
  readonly argv: readonly string[];
  /** The variables that it needs, by name. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What {@link brokerProgram} is made from. Paths are absolute. */
export interface BrokerProgramOptions {
  /** The names of the service. */
  readonly names: Names;
  /** A deno, or a compiled `streamlib-broker`. */
  readonly runtime: string;
  /** Where `broker/main.ts` is, to be run with deno: an `https:` or `file:` URL or a path. `undefined` when `runtime` is the compiled broker. */
  readonly module: string | undefined;
  /** The shim. */
  readonly library: string;
  /** Where deno keeps what it has downloaded; deno's own choice by default, which follows HOME. */
  readonly denoDir?: string;
  /** The registries in the place of Deno's own, by the variables that name them, `JSR_URL` and `NPM_CONFIG_REGISTRY`: what deno has downloaded it finds again under their names alone. */
  readonly registries?: Readonly<Record<string, string>>;
  /** The lock file of what the module imports: without one, what another project has deno look up in the meantime may make it want versions that were never downloaded. */
  readonly lockFile?: string;
  /** Seconds; {@link IDLE_EXIT_SECS} by default. */
  readonly idleExitSecs?: number;
  /** Sessions; {@link RECYCLE_AFTER} by default. */
  readonly recycleAfter?: number;
  /** `debug`, `info`, `warn` or `error`; the broker's own choice by default. */
  readonly logLevel?: string;
}

/**
 * The command line and environment of an installed broker. Throws BridgeError
 * `bad_argument` when a path is not absolute or has control characters, and
 * when no variables lead a process to these names.
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
 * The permission flags alone, one per element: the shim, the variables of its
 * own environment, the directory of its log, and the host that its modules come
 * from in the place of the seven that Deno allows by itself. No net, run or sys.
 * Empty for a compiled broker, whose permissions are part of it.
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

/** What is before the broker's own arguments. It must not ask, download, or be changed by files of where it starts. */
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
      : [`--lock=${checkedPath("lock file", lockFile)}`, "--frozen"]),
    // Of a module's file the configuration is its own package's, and maps what it imports.
    ...(remote ? ["--no-config"] : []),
    ...brokerPermissions(options),
    remote ? module : checkedPath("module", pathOf(module)),
  ];
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
      // Else Deno asks its site for a newer version, on its own, with no permission.
      DENO_NO_UPDATE_CHECK: "1",
      ...(denoDir !== undefined && {
        DENO_DIR: checkedPath("DENO_DIR", denoDir),
      }),
      ...registries,
    }),
  };
}

/** The variables that the broker itself reads; those named GRPC_* are asked for by grpc-js. */
function variablesOf({ names }: BrokerProgramOptions): string[] {
  return [...Object.keys(placeVariables(names)), "STREAMLIB_LIBRARY", "GRPC_*"];
}

/** The variables from which `names` and the shim find these directories again, with nothing else in the environment. */
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
  // Without one, `names` could not be derived again.
  if (config !== undefined || "HOME" in found) return found;
  throw new BridgeError(
    "bad_argument",
    `Cannot install a broker for the home ${names.home} with its sockets in ` +
      `${names.runDirectory}: no variables lead to both; set STREAMLIB_HOME`,
  );
}

/** On macOS logs and agents are below HOME, whatever else is set. */
function userHome({ plistFile }: Names): { HOME?: string } {
  const folder = plistFile?.lastIndexOf("/Library/LaunchAgents/") ?? -1;
  return homeOf(folder < 0 ? undefined : plistFile?.slice(0, folder));
}

function homeOf(path: string | undefined): { HOME?: string } {
  return path === undefined ? {} : { HOME: path };
}

/** `/a` of `/a/b` and `/b`. */
function parentOf(path: string, end: string): string | undefined {
  return path.endsWith(end) ? path.slice(0, -end.length) || "/" : undefined;
}

/** In Deno's lists of paths a comma parts two, and two commas are one. */
function inList(path: string): string {
  return path.replaceAll(",", ",,");
}

/** Whether a module comes from a registry, not from a checkout. */
export function isRemote(module: string): boolean {
  return /^https?:/.test(module);
}

/** A checkout has `@std` from JSR. What is cached is still asked for under its host. */
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
  // deno-lint-ignore no-control-regex -- neither a plist nor a unit can be trusted with one
  if (path.startsWith("/") && !/[\x00-\x1f\x7f]/.test(path)) return path;
  throw new BridgeError(
    "bad_argument",
    `Cannot install a broker: its ${what} is ${JSON.stringify(path)}, ` +
      "expected an absolute path without control characters",
  );
}
