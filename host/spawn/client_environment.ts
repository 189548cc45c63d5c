/**
 * The environment variables of the client's process.
 *
 * @module
 */

import { permittedEnvironment } from "../../ffi/environment.ts";
import { BridgeError } from "../../proto/errors.ts";

/** The kinds of client, as far as their environments differ. */
export type ClientRuntime = "deno" | "python";

/** Variables by which any program reaches the network: a client does as its host, through the same proxy and with the same certificates. */
const NETWORK = [
  "ALL_PROXY",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "NO_PROXY",
  "SSL_CERT_DIR",
  "SSL_CERT_FILE",
  "all_proxy",
  "http_proxy",
  "https_proxy",
  "no_proxy",
] as const;

/** Variables by which Deno downloads modules. A client downloads as its host does, from the same registries. */
const DENOS = [
  "DENO_AUTH_TOKENS",
  "DENO_CERT",
  "DENO_DIR",
  "DENO_TLS_CA_STORE",
  "JSR_URL",
  "NODE_EXTRA_CA_CERTS",
  "NPM_CONFIG_REGISTRY",
  "NPM_CONFIG_USERCONFIG",
] as const;

/** The variables of the host's process that every client gets. PATH is for the programs that it may run. */
const COMMON: readonly string[] = [
  ...NETWORK,
  "HOME",
  "LANG",
  "LC_ALL",
  "PATH",
  "STREAMLIB_HOME",
  "STREAMLIB_LIBRARY",
  "STREAMLIB_LIBXPC",
  "TERM",
  "TMPDIR",
  "TZ",
  "XDG_CACHE_HOME",
  "XDG_RUNTIME_DIR",
];

/** The variables of the host's process that a client in Deno gets. */
export const PASSED_ON: readonly string[] = [...DENOS, ...COMMON];

/** A client's output is not for a terminal. One in Deno never asks whether there is a newer Deno. */
const ALWAYS: Readonly<
  Record<ClientRuntime, Readonly<Record<string, string>>>
> = {
  deno: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  python: { NO_COLOR: "1" },
};

/** Names that change how a process is loaded or run. The user must not set them by accident. */
const FORBIDDEN = /^(LD_|DYLD_|DENO_|NODE_|PYTHON|STREAMLIB_|BASH_ENV$|ENV$)/;
/** Of these the names that a user sets on purpose. */
const PERMITTED: readonly string[] = [
  ...NETWORK,
  ...DENOS,
  "PYTHONDEVMODE",
  "PYTHONHASHSEED",
  "PYTHONPATH",
  "PYTHONWARNINGS",
];
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Takes the variables of this process that a client gets, and checks those of the
 * user. The result stays the same for all clients of a host, also if this
 * process's environment changes.
 *
 * Throws `bad_argument` if a variable of the user is not permitted.
 */
export function takeEnvironment(
  userEnv: Readonly<Record<string, string>>,
  runtime: ClientRuntime = "deno",
): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  const own = permittedEnvironment();
  for (const name of runtime === "deno" ? PASSED_ON : COMMON) {
    const value = own.get(name);
    if (value !== undefined) env[name] = value;
  }
  Object.assign(env, ALWAYS[runtime]);
  for (const [name, value] of Object.entries(userEnv)) {
    check(name, value);
    env[name] = value;
  }
  return env;
}

function check(name: string, value: string): void {
  const forbidden = FORBIDDEN.test(name) && !PERMITTED.includes(name);
  if (NAME.test(name) && !forbidden && !value.includes("\0")) return;
  throw new BridgeError(
    "bad_argument",
    `Cannot give the client the variable ${JSON.stringify(name)}: names ` +
      "are letters, digits and '_', values have no NUL, and loaders' and " +
      "runtimes' own (LD_*, DYLD_*, DENO_*, NODE_*, PYTHON*, STREAMLIB_*) are not passed, " +
      "except those by which Deno downloads modules, such as DENO_CERT, and " +
      "PYTHONDEVMODE, PYTHONHASHSEED, PYTHONPATH and PYTHONWARNINGS",
  );
}
