/**
 * The environment variables of the client's process.
 *
 * @module
 */

import { permittedEnvironment } from "../../ffi/environment.ts";
import { BridgeError } from "../../proto/errors.ts";

/** Variables by which Deno downloads modules. A client downloads as its host does: through the same proxy, with the same certificates and registries. */
const LOADING = [
  "ALL_PROXY",
  "DENO_AUTH_TOKENS",
  "DENO_CERT",
  "DENO_DIR",
  "DENO_TLS_CA_STORE",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "JSR_URL",
  "NODE_EXTRA_CA_CERTS",
  "NO_PROXY",
  "NPM_CONFIG_REGISTRY",
  "NPM_CONFIG_USERCONFIG",
  "SSL_CERT_DIR",
  "SSL_CERT_FILE",
  "all_proxy",
  "http_proxy",
  "https_proxy",
  "no_proxy",
] as const;

/** The variables of the host's process that its client gets. PATH is for the programs that it may run. */
export const PASSED_ON: readonly string[] = [
  ...LOADING,
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

/** A client's output is not for a terminal, and it never asks whether there is a newer Deno. */
const ALWAYS = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" } as const;

/** Names that change how a process is loaded or run. The user must not set them by accident. */
const FORBIDDEN = /^(LD_|DYLD_|DENO_|NODE_|STREAMLIB_|BASH_ENV$|ENV$)/;
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
): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  const own = permittedEnvironment();
  for (const name of PASSED_ON) {
    const value = own.get(name);
    if (value !== undefined) env[name] = value;
  }
  Object.assign(env, ALWAYS);
  for (const [name, value] of Object.entries(userEnv)) {
    check(name, value);
    env[name] = value;
  }
  return env;
}

function check(name: string, value: string): void {
  const forLoading = (LOADING as readonly string[]).includes(name);
  const forbidden = FORBIDDEN.test(name) && !forLoading;
  if (NAME.test(name) && !forbidden && !value.includes("\0")) return;
  throw new BridgeError(
    "bad_argument",
    `Cannot give the client the variable ${JSON.stringify(name)}: names ` +
      "are letters, digits and '_', values have no NUL, and loaders' and " +
      "runtimes' own (LD_*, DYLD_*, DENO_*, NODE_*, STREAMLIB_*) are not passed, " +
      "except those by which Deno downloads modules, such as DENO_CERT",
  );
}
