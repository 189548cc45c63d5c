/**
 * All names of a broker. They are derived from its service name.
 *
 * @module
 */

import {
  type EnvironmentSource,
  isServiceName,
  pathBytes,
  readVariable,
  VARIABLES,
} from "./environment.ts";
import { BridgeError } from "./errors.ts";
import { MAX_SOCKET_PATH_BYTES } from "./limits.ts";
import { PACKAGE_ROOT } from "./package_root.ts";
import { sha256 } from "./sha256.ts";

export type { EnvironmentSource } from "./environment.ts";

const PRODUCTION_SERVICE = "com.tatolab.streamlib.broker";
const PRODUCTION_PORT = 50051;
const DEV_PORT = 50052;

/** Options of {@link names} that are not environment variables. */
export interface NamesOptions {
  /** The system that the names are for. Default: the system that this runs on. */
  os?: "linux" | "darwin";
  /** The service name. Overrides STREAMLIB_BROKER_XPC_SERVICE and dev mode. */
  service?: string;
  /** Returns the user's private directory for sockets, `/run/user/<uid>`; `undefined` if there is none. Asked only where neither STREAMLIB_HOME nor XDG_RUNTIME_DIR is set. Linux only. */
  userRuntime?: () => string | undefined;
  /** The absolute path of the checkout, for dev mode. Default: the checkout that this module is in. */
  checkout?: string;
}

/** The names of one service. Paths are absolute, without a trailing slash. */
export interface Names {
  /** The service name. On macOS also its MachServices key. */
  readonly service: string;
  /** The directory of all kept files. */
  readonly home: string;
  /** The directory of the sockets, private (mode 0700). */
  readonly runDirectory: string;
  /** The socket of the XPC service. Linux only: on macOS launchd holds the name. */
  readonly xpcSocket: string | undefined;
  /** The socket of the gRPC control plane. */
  readonly grpcSocket: string;
  /** The address of the control plane: `unix:/path` or `host:port`. */
  readonly grpcAddress: string;
  /** The loopback address for TCP. */
  readonly tcpAddress: string;
  /** The directory of the broker's log files. */
  readonly logDirectory: string;
  /** The broker's current log file. */
  readonly logFile: string;
  /** The `Label` of the launchd agent. */
  readonly launchdLabel: string;
  /** The property list of the launchd agent. macOS only. */
  readonly plistFile: string | undefined;
  /** The property list of an agent for this login only, which a host loads if none is installed. macOS only. */
  readonly sessionPlistFile: string | undefined;
  /** The directory of the user's systemd units. Linux only. Undefined without HOME and XDG_CONFIG_HOME. */
  readonly systemdDirectory: string | undefined;
  /** The systemd user unit that runs the broker. */
  readonly systemdUnit: string;
  /** The systemd user unit that holds its sockets. */
  readonly systemdSocketUnit: string;
}

/**
 * Derives all names from the environment.
 *
 * Throws BridgeError `bad_argument` if a variable is not valid, if there is no
 * home directory, or if a socket's path cannot be made short enough.
 *
 * ```ts
 * import { names } from "@streamlib/bridge";
 *
 * const env = new Map([["HOME", "/home/ada"], ["XDG_RUNTIME_DIR", "/run/user/1000"]]);
 * console.log(names(env, { os: "linux" }).grpcAddress);
 * // unix:/run/user/1000/streamlib/com.tatolab.streamlib.broker.grpc
 * ```
 */
export function names(
  env: EnvironmentSource,
  options: NamesOptions = {},
): Names {
  const os = options.os ?? (Deno.build.os === "darwin" ? "darwin" : "linux");
  const dev = readVariable(env, "STREAMLIB_DEV_MODE") ?? false;
  const service = serviceName(env, options, dev);
  const home = homeDirectory(env, options, dev);
  const runDirectory = runDirectoryOf(
    env,
    os === "darwin" ? undefined : options.userRuntime,
  );
  const grpcSocket = socketPath(runDirectory, service, "grpc");
  const port = readVariable(env, "STREAMLIB_BROKER_PORT") ??
    (dev ? DEV_PORT : PRODUCTION_PORT);
  const logDirectory = os === "darwin"
    ? `${userHome(env)}/Library/Logs/${service}`
    : `${home}/logs`;
  return {
    service,
    home,
    runDirectory,
    xpcSocket: os === "linux"
      ? socketPath(runDirectory, service, "xpc")
      : undefined,
    grpcSocket,
    grpcAddress: readVariable(env, "STREAMLIB_BROKER_ENDPOINT") ??
      `unix:${grpcSocket}`,
    tcpAddress: `127.0.0.1:${port}`,
    logDirectory,
    logFile: `${logDirectory}/${service}.log`,
    launchdLabel: service,
    plistFile: os === "darwin"
      ? `${userHome(env)}/Library/LaunchAgents/${service}.plist`
      : undefined,
    sessionPlistFile: os === "darwin"
      ? `${home}/launchd/${service}.plist`
      : undefined,
    systemdDirectory: os === "linux" ? systemdDirectoryOf(env) : undefined,
    systemdUnit: `${service}.service`,
    systemdSocketUnit: `${service}.socket`,
  };
}

/** Returns the service name only, from the same sources as {@link names}. Needs no home directory. */
export function serviceName(
  env: EnvironmentSource,
  options: NamesOptions = {},
  dev: boolean = readVariable(env, "STREAMLIB_DEV_MODE") ?? false,
): string {
  if (options.service !== undefined) return checkedService(options.service);
  const given = readVariable(env, "STREAMLIB_BROKER_XPC_SERVICE");
  if (given !== undefined) return given;
  if (!dev) return PRODUCTION_SERVICE;
  const hash = sha256(checkoutOf(options));
  return `${PRODUCTION_SERVICE}.dev-${hash.slice(0, 6)}`;
}

function checkedService(service: string): string {
  if (isServiceName(service)) return service;
  throw new BridgeError(
    "bad_argument",
    `Cannot use ${
      JSON.stringify(service.slice(0, 200))
    } (${service.length} characters) as a service name: expected ${VARIABLES.STREAMLIB_BROKER_XPC_SERVICE.expects}`,
  );
}

/**
 * Returns the directory of all kept files only, from the same sources as
 * {@link names}. Throws BridgeError `bad_argument` if a variable is not valid,
 * or if there is no home directory.
 */
export function homeDirectory(
  env: EnvironmentSource,
  options: NamesOptions = {},
  dev: boolean = readVariable(env, "STREAMLIB_DEV_MODE") ?? false,
): string {
  const given = readVariable(env, "STREAMLIB_HOME");
  if (given !== undefined) return given;
  if (dev) return `${checkoutOf(options)}/.streamlib`;
  const config = readVariable(env, "XDG_CONFIG_HOME");
  return config === undefined
    ? `${userHome(env)}/.streamlib`
    : `${config}/streamlib`;
}

/**
 * The C code finds the XPC socket itself, from the environment only. This must
 * be exactly its rule, so dev mode and XDG_CONFIG_HOME have no influence:
 * checkouts share the directory, but no name in it.
 */
function runDirectoryOf(
  env: EnvironmentSource,
  userRuntime: NamesOptions["userRuntime"],
): string {
  const home = readVariable(env, "STREAMLIB_HOME");
  if (home !== undefined) return `${home}/run`;
  const runtime = readVariable(env, "XDG_RUNTIME_DIR") ?? userRuntime?.();
  if (runtime !== undefined) return `${runtime}/streamlib`;
  return `${userHome(env)}/.streamlib/run`;
}

/** Returns undefined if there is no directory for units. A broker can run without units. */
function systemdDirectoryOf(env: EnvironmentSource): string | undefined {
  const home = readVariable(env, "HOME");
  const config = readVariable(env, "XDG_CONFIG_HOME") ??
    (home && `${home}/.config`);
  return config && `${config}/systemd/user`;
}

function userHome(env: EnvironmentSource): string {
  const home = readVariable(env, "HOME");
  if (home !== undefined) return home;
  throw new BridgeError(
    "bad_argument",
    "Cannot find the home directory: HOME is not set, or this process may not read it " +
      "(--allow-env=HOME); set it, or STREAMLIB_HOME",
  );
}

function checkoutOf({ checkout = ownCheckout() }: NamesOptions): string {
  const path = checkout.replace(/\/+$/, "");
  if (path.startsWith("/")) return path;
  throw new BridgeError(
    "bad_argument",
    `Cannot derive the names of dev mode: the checkout is ${
      JSON.stringify(checkout)
    }, expected its absolute path; unset STREAMLIB_DEV_MODE outside a checkout`,
  );
}

/** Returns the checkout that this module is in, or the root of the package. */
function ownCheckout(): string {
  return PACKAGE_ROOT.protocol === "file:"
    ? decodeURIComponent(PACKAGE_ROOT.pathname)
    : PACKAGE_ROOT.href;
}

/** Returns `<directory>/<service>.<kind>`, with a hash in place of the service if that is too long for the kernel. */
function socketPath(
  directory: string,
  service: string,
  kind: "xpc" | "grpc",
): string {
  const plain = `${directory}/${service}.${kind}`;
  if (pathBytes(plain) <= MAX_SOCKET_PATH_BYTES) return plain;
  const hash = sha256(service).slice(0, 16);
  const short = `${directory}/${hash}.${kind}`;
  if (pathBytes(short) <= MAX_SOCKET_PATH_BYTES) return short;
  throw new BridgeError(
    "bad_argument",
    `Cannot name the ${kind} socket in ${directory}: ${plain} has ${
      pathBytes(plain)
    } bytes, shortened it has ${
      pathBytes(short)
    }, the system allows ${MAX_SOCKET_PATH_BYTES}; set STREAMLIB_HOME to a shorter path`,
  );
}
