/**
 * The environment variables of this library. No other file reads them.
 *
 * Each variable is read separately, when it is needed, so that a process needs
 * permission only for those that it uses. An empty value counts as unset.
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

/** A source of variables, such as `Deno.env`. */
export interface EnvironmentSource {
  /** Returns the value of a variable, or undefined if it is not set. */
  get(name: string): string | undefined;
}

/** All variables, with the types of their values. */
export interface Environment {
  /** The directory of all kept files: logs, units, and `run/`. Default: `$XDG_CONFIG_HOME/streamlib`, else `~/.streamlib`. */
  STREAMLIB_HOME: string;
  /** The service name. All other names are derived from it. Default: `com.tatolab.streamlib.broker`, with `.dev-<hash>` of the checkout in dev mode. */
  STREAMLIB_BROKER_XPC_SERVICE: string;
  /** The address of the gRPC control plane of the broker. Default: `unix:<run directory>/<service>.grpc`. */
  STREAMLIB_BROKER_ENDPOINT: string;
  /** The loopback port, if TCP is used. Default: 50051, in dev mode 50052. */
  STREAMLIB_BROKER_PORT: number;
  /** Whether this runs from a checkout, with names of its own. Default: false. */
  STREAMLIB_DEV_MODE: boolean;
  /** The connection of a client process. Set by its host. */
  STREAMLIB_CONNECTION_ID: string;
  /** The client token of that connection. Set by its host. */
  STREAMLIB_CONNECTION_TOKEN: string;
  /** The runtime that this process belongs to. */
  STREAMLIB_RUNTIME_ID: string;
  /** The path of the shim to load. Default: the one that `deno task build` made, else that of the package. */
  STREAMLIB_LIBRARY: string;
  /** The home directory of the user. */
  HOME: string;
  /** The configuration directory of the user. Without it, see STREAMLIB_HOME. */
  XDG_CONFIG_HOME: string;
  /** The directory of the user for sockets, private and emptied at logout. The run directory is its `streamlib/`; without it, `~/.streamlib/run`. */
  XDG_RUNTIME_DIR: string;
}

/** How a variable is read. */
export interface Variable<Value> {
  /** The form of a valid value, for error messages. */
  readonly expects: string;
  /** True if the value must not be shown. */
  readonly secret?: true;
  /** Returns the value, or undefined if `text` is not valid. */
  readonly parse: (text: string) => Value | undefined;
}

const PATH = {
  expects: "an absolute path",
  parse: parseAbsolutePath,
} as const;

/** How each variable is read. */
export const VARIABLES: {
  readonly [Name in keyof Environment]: Variable<Environment[Name]>;
} = {
  STREAMLIB_HOME: PATH,
  STREAMLIB_BROKER_XPC_SERVICE: {
    expects:
      `1 to ${MAX_SERVICE_NAME_LENGTH} of the characters A-Z a-z 0-9 . _ -, not beginning with a dot`,
    parse: (text) => isServiceName(text) ? text : undefined,
  },
  STREAMLIB_BROKER_ENDPOINT: {
    expects:
      "unix:/absolute/path (at most 103 bytes) or 127.0.0.1:PORT, without http:// before it",
    parse: parseBrokerAddress,
  },
  STREAMLIB_BROKER_PORT: {
    expects: "a port, 1 to 65535",
    parse: parsePort,
  },
  STREAMLIB_DEV_MODE: {
    expects: "1, true, 0 or false",
    parse: parseFlag,
  },
  STREAMLIB_CONNECTION_ID: {
    expects: `${2 * CONNECTION_ID_BYTES} hexadecimal digits`,
    parse: (text) => parseHex(text, CONNECTION_ID_BYTES),
  },
  STREAMLIB_CONNECTION_TOKEN: {
    expects: `${2 * TOKEN_BYTES} hexadecimal digits`,
    secret: true,
    parse: (text) => parseHex(text, TOKEN_BYTES),
  },
  STREAMLIB_RUNTIME_ID: {
    expects: `1 to ${MAX_NAME_BYTES} printable ASCII characters without blanks`,
    parse: (text) =>
      text.length <= MAX_NAME_BYTES && /^[\x21-\x7e]+$/.test(text)
        ? text
        : undefined,
  },
  STREAMLIB_LIBRARY: PATH,
  HOME: PATH,
  XDG_CONFIG_HOME: PATH,
  XDG_RUNTIME_DIR: PATH,
};

/**
 * Returns the value of a variable, or undefined if it is unset or empty.
 *
 * Throws BridgeError `bad_argument` if the value is not valid.
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

/** Whether `text` is a valid service name. A leading dot is not allowed: it would hide the files. */
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
