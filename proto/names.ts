/**
 * Every name of a broker, derived from one: its service name.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import {
  type EnvironmentSource,
  isServiceName,
  pathBytes,
  readVariable,
  VARIABLES,
} from "./environment.ts";
import { BridgeError } from "./errors.ts";
import { CONNECTION_ID_BYTES, MAX_SOCKET_PATH_BYTES } from "./limits.ts";

export type { EnvironmentSource } from "./environment.ts";

const PRODUCTION_SERVICE = "com.tatolab.streamlib.broker";
const PRODUCTION_PORT = 50051;
const DEV_PORT = 50052;

/** What {@link names} cannot take from the environment. */
export interface NamesOptions {
  /** The system that the names are for; the one that this runs on by default. */
  os?: "linux" | "darwin";
  /** The service name; takes the place of STREAMLIB_BROKER_XPC_SERVICE and of dev mode. */
  service?: string;
  /** The absolute path of the checkout, for dev mode; the one that this module is in by default. */
  checkout?: string;
}

/** The names that belong to one service. Paths are absolute, without a slash at the end. */
export interface Names {
  /** The service itself: on macOS also its MachServices key. */
  readonly service: string;
  /** The directory of everything that is kept. */
  readonly home: string;
  /** The private directory (0700) of the sockets. */
  readonly runDirectory: string;
  /** The socket behind the XPC service; Linux only, launchd holds the name on macOS. */
  readonly xpcSocket: string | undefined;
  /** The socket of the gRPC control plane. */
  readonly grpcSocket: string;
  /** Where the control plane is: `unix:/path` or `host:port`. */
  readonly grpcAddress: string;
  /** The loopback address to use where TCP is asked for. */
  readonly tcpAddress: string;
  /** The directory of the broker's log files. */
  readonly logDirectory: string;
  /** The broker's current log file. */
  readonly logFile: string;
  /** The `Label` of the launchd agent. */
  readonly launchdLabel: string;
  /** The property list of the launchd agent; macOS only. */
  readonly plistFile: string | undefined;
  /** The property list of an agent for this login alone, which a host loads where none is installed; macOS only. */
  readonly sessionPlistFile: string | undefined;
  /** Where the user's own systemd units are; Linux only, and there only with HOME or XDG_CONFIG_HOME. */
  readonly systemdDirectory: string | undefined;
  /** The systemd user unit that runs the broker. */
  readonly systemdUnit: string;
  /** The systemd user unit that holds its sockets. */
  readonly systemdSocketUnit: string;
}

/**
 * Derives all names from the environment.
 *
 * Throws BridgeError `bad_argument` when a variable is not valid, when there is
 * no home directory, and when a socket's path cannot be made short enough.
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
  const runDirectory = runDirectoryOf(env);
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

/**
 * The name of a broker that runs inside a host process: never the service's
 * own, so that it cannot be taken for an installed one.
 *
 * @param service the service that it stands in for
 * @param random 16 random bytes
 */
export function embeddedService(service: string, random: Uint8Array): string {
  if (random.length !== CONNECTION_ID_BYTES) {
    throw new BridgeError(
      "bad_argument",
      `Cannot name an embedded broker: got ${random.length} random bytes, expected ${CONNECTION_ID_BYTES}`,
    );
  }
  return checkedService(`${service}.embedded-${random.toHex()}`);
}

/** The service name alone, from the same sources as {@link names}; needs no home directory. */
export function serviceName(
  env: EnvironmentSource,
  options: NamesOptions = {},
  dev: boolean = readVariable(env, "STREAMLIB_DEV_MODE") ?? false,
): string {
  if (options.service !== undefined) return checkedService(options.service);
  const given = readVariable(env, "STREAMLIB_BROKER_XPC_SERVICE");
  if (given !== undefined) return given;
  if (!dev) return PRODUCTION_SERVICE;
  const hash = createHash("sha1").update(checkoutOf(options)).digest("hex");
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
 * The directory of everything that is kept, alone, from the same sources as
 * {@link names}. Throws BridgeError `bad_argument` when a variable is not
 * valid, and when there is no home directory.
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
 * The C side finds the XPC socket by itself, from the environment alone. So
 * this is its rule to the letter, and neither dev mode nor XDG_CONFIG_HOME has
 * a say in it: checkouts share the directory, and no name in it.
 */
function runDirectoryOf(env: EnvironmentSource): string {
  const home = readVariable(env, "STREAMLIB_HOME");
  if (home !== undefined) return `${home}/run`;
  const runtime = readVariable(env, "XDG_RUNTIME_DIR");
  if (runtime !== undefined) return `${runtime}/streamlib`;
  return `${userHome(env)}/.streamlib/run`;
}

/** A broker needs no units to run: without a place for them there are none. */
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
    "Cannot find a directory to work in: HOME is not set, or may not be read " +
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

/** The checkout that this module is in; a package's place where it is in none. */
function ownCheckout(): string {
  const root = new URL("../", import.meta.url);
  return root.protocol === "file:" ? fileURLToPath(root) : root.href;
}

/** `<directory>/<service>.<kind>`, with a hash for the service where that is too long for the kernel. */
function socketPath(
  directory: string,
  service: string,
  kind: "xpc" | "grpc",
): string {
  const plain = `${directory}/${service}.${kind}`;
  if (pathBytes(plain) <= MAX_SOCKET_PATH_BYTES) return plain;
  const hash = createHash("sha256").update(service).digest("hex").slice(0, 16);
  const short = `${directory}/${hash}.${kind}`;
  if (pathBytes(short) <= MAX_SOCKET_PATH_BYTES) return short;
  throw new BridgeError(
    "bad_argument",
    `Cannot name the ${kind} socket in ${directory}: ${plain} has ${
      pathBytes(plain)
    } bytes, shortened it has ${
      pathBytes(short)
    }, the system takes ${MAX_SOCKET_PATH_BYTES}; set STREAMLIB_HOME to a shorter path`,
  );
}
