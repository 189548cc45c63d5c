/**
 * The environment variables of this library: the only place that reads them.
 *
 * Each is read on its own, when it is needed, so that a process may be granted
 * just the names it uses. An empty value counts as unset.
 *
 * @module
 */

import { BridgeError } from "./errors.ts";
import {
  CONNECTION_ID_BYTES,
  MAX_NAME_BYTES,
  MAX_SERVICE_NAME_LENGTH,
  MAX_SOCKET_PATH_BYTES,
  TOKEN_BYTES,
} from "./limits.ts";

/** Where variables come from; `Deno.env` is one. */
export interface EnvironmentSource {
  /** The value of a variable, `undefined` when it is not set. */
  get(name: string): string | undefined;
}

/** Every variable, with the type that its value is read as. */
export interface Environment {
  STREAMLIB_HOME: string;
  STREAMLIB_BROKER_XPC_SERVICE: string;
  STREAMLIB_BROKER_ENDPOINT: string;
  STREAMLIB_BROKER_PORT: number;
  STREAMLIB_DEV_MODE: boolean;
  STREAMLIB_CONNECTION_ID: string;
  STREAMLIB_CONNECTION_TOKEN: string;
  STREAMLIB_RUNTIME_ID: string;
  STREAMLIB_LIBRARY: string;
  HOME: string;
  XDG_CONFIG_HOME: string;
  XDG_RUNTIME_DIR: string;
}

/** One variable: what it means, what holds without it, and how it is read. */
export interface Variable<Value> {
  readonly meaning: string;
  readonly fallback: string;
  /** What a valid value looks like. */
  readonly expects: string;
  /** Whether its value must not be shown. */
  readonly secret?: true;
  /** The value, or `undefined` when `text` is not one. */
  readonly parse: (text: string) => Value | undefined;
}

const PATH = {
  expects: "an absolute path",
  parse: parseAbsolutePath,
} as const;

/** The table of every variable. */
export const VARIABLES: {
  readonly [Name in keyof Environment]: Variable<Environment[Name]>;
} = {
  STREAMLIB_HOME: {
    ...PATH,
    meaning: "Directory of everything that is kept: logs, units, and its run/",
    fallback: "$XDG_CONFIG_HOME/streamlib, else ~/.streamlib",
  },
  STREAMLIB_BROKER_XPC_SERVICE: {
    meaning: "The service name, from which every other name follows",
    fallback:
      "com.tatolab.streamlib.broker, in dev mode with .dev-<hash> of the checkout",
    expects:
      `1 to ${MAX_SERVICE_NAME_LENGTH} of the characters A-Z a-z 0-9 . _ -, not beginning with a dot`,
    parse: (text) => isServiceName(text) ? text : undefined,
  },
  STREAMLIB_BROKER_ENDPOINT: {
    meaning: "Address of the broker's gRPC control plane",
    fallback: "unix:<run directory>/<service>.grpc",
    expects:
      "unix:/absolute/path (at most 103 bytes) or 127.0.0.1:PORT, without http:// before it",
    parse: parseBrokerAddress,
  },
  STREAMLIB_BROKER_PORT: {
    meaning: "Loopback port, where TCP is asked for",
    fallback: "50051, in dev mode 50052",
    expects: "a port, 1 to 65535",
    parse: parsePort,
  },
  STREAMLIB_DEV_MODE: {
    meaning: "Whether this runs from a checkout, under names of its own",
    fallback: "false",
    expects: "1, true, 0 or false",
    parse: parseFlag,
  },
  STREAMLIB_CONNECTION_ID: {
    meaning: "The connection of a client process, given by its host",
    fallback: "none",
    expects: `${2 * CONNECTION_ID_BYTES} hexadecimal digits`,
    parse: (text) => parseHex(text, CONNECTION_ID_BYTES),
  },
  STREAMLIB_CONNECTION_TOKEN: {
    meaning: "The client's token for its connection, given by its host",
    fallback: "none",
    expects: `${2 * TOKEN_BYTES} hexadecimal digits`,
    secret: true,
    parse: (text) => parseHex(text, TOKEN_BYTES),
  },
  STREAMLIB_RUNTIME_ID: {
    meaning: "The runtime that this process belongs to",
    fallback: "none",
    expects: `1 to ${MAX_NAME_BYTES} printable ASCII characters without blanks`,
    parse: (text) =>
      text.length <= MAX_NAME_BYTES && /^[\x21-\x7e]+$/.test(text)
        ? text
        : undefined,
  },
  STREAMLIB_LIBRARY: {
    ...PATH,
    meaning: "The shim to load, in place of this package's own",
    fallback: "the one that `deno task build` made, else the package's own",
  },
  HOME: { ...PATH, meaning: "The user's own directory", fallback: "none" },
  XDG_CONFIG_HOME: {
    ...PATH,
    meaning: "The user's configuration directory",
    fallback: "~/.streamlib is used instead of its streamlib/",
  },
  XDG_RUNTIME_DIR: {
    ...PATH,
    meaning: "The user's directory for sockets, private and emptied at logout",
    fallback: "~/.streamlib/run is used instead of its streamlib/",
  },
};

/**
 * The value of one variable, or `undefined` when it is unset or empty.
 *
 * Throws BridgeError `bad_argument` when the value is not a valid one.
 */
export function readVariable<Name extends keyof Environment>(
  source: EnvironmentSource,
  name: Name,
): Environment[Name] | undefined {
  const text = source.get(name);
  if (text === undefined || text === "") return undefined;
  const variable: Variable<Environment[Name]> = VARIABLES[name];
  const value = variable.parse(text);
  if (value !== undefined) return value;
  const shown = variable.secret
    ? `a value of ${text.length} characters`
    : JSON.stringify(text.slice(0, MAX_NAME_BYTES));
  const hint =
    /^[a-z]+:\/\//i.test(text) && name === "STREAMLIB_BROKER_ENDPOINT"
      ? `: remove the ${text.slice(0, text.indexOf("//") + 2)} prefix`
      : "";
  throw new BridgeError(
    "bad_argument",
    `Cannot use ${name}: it is ${shown}, expected ${variable.expects}${hint}`,
  );
}

/** Whether `text` can be a service name; a dot first would hide its files. */
export function isServiceName(text: string): boolean {
  return text.length <= MAX_SERVICE_NAME_LENGTH &&
    /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(text);
}

/** The bytes of `path` as the kernel counts them. */
export function pathBytes(path: string): number {
  return new TextEncoder().encode(path).length;
}

/** `text` without slashes at its end, so that one directory has one spelling. */
function parseAbsolutePath(text: string): string | undefined {
  // deno-lint-ignore no-control-regex -- a control character in a path is always a mistake or an attack
  if (!text.startsWith("/") || /[\x00-\x1f\x7f]/.test(text)) return undefined;
  return text.replace(/\/+$/, "") || "/";
}

function parseBrokerAddress(text: string): string | undefined {
  if (text.startsWith("unix:")) {
    // gRPC's other spelling of an absolute path, unix:///path, means the same.
    const path = parseAbsolutePath(text.slice(5).replace(/^\/\/\//, "/"));
    return path === undefined || pathBytes(path) > MAX_SOCKET_PATH_BYTES
      ? undefined
      : `unix:${path}`;
  }
  const [, host, port] =
    /^(127\.0\.0\.1|localhost|\[::1\]):(\d+)$/.exec(text) ??
      [];
  return host !== undefined && parsePort(port ?? "") !== undefined
    ? text
    : undefined;
}

function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}

function parseFlag(text: string): boolean | undefined {
  if (text === "1" || text === "true") return true;
  if (text === "0" || text === "false") return false;
  return undefined;
}

function parseHex(text: string, bytes: number): string | undefined {
  return text.length === 2 * bytes && /^[0-9a-f]+$/.test(text)
    ? text
    : undefined;
}
