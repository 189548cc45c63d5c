/**
 * Whether the environment variables of this library can be used, and whether a
 * proxy is set.
 *
 * @module
 */

import { BOOTSTRAP_VARIABLE } from "../../../proto/bootstrap.ts";
import {
  type EnvironmentSource,
  readVariable,
  VARIABLES,
} from "../../../proto/environment.ts";
import { BridgeError } from "../../../proto/errors.ts";
import type { Link } from "../examination.ts";
import { broken, type Finding, note, ok, shellQuoted } from "../finding.ts";
import { linksBehind } from "../needs.ts";

/** The variables that programs read a proxy from. */
export const PROXIES = [
  "grpc_proxy",
  "http_proxy",
  "https_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
] as const;

/** The link. */
export const environmentLink: Link = {
  name: "environment",
  check: ({ console: { env }, endpoint }) => judgeEnvironment(env, endpoint),
};

/** The finding for an environment. `endpoint` is the value of `--endpoint`. */
export function judgeEnvironment(
  env: EnvironmentSource,
  endpoint?: string,
): Finding {
  const names = Object.keys(VARIABLES) as (keyof typeof VARIABLES)[];
  for (const name of names) {
    try {
      readVariable(env, name);
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      return broken("environment", `${name} cannot be used`, {
        why: error.message,
        mend: `unset ${name}`,
        blocks: linksBehind("environment"),
      });
    }
  }
  const set = [...names, BOOTSTRAP_VARIABLE].filter((name) =>
    name.startsWith("STREAMLIB_") && env.get(name)
  )
    .map((name) => `${name}=${shellQuoted(env.get(name)!)}`);
  const own = set.length === 0
    ? "no variable of this library is set"
    : set.join(" ");
  const proxies = PROXIES.filter((name) => env.get(name));
  if (proxies.length === 0) return ok("environment", own);
  const address = endpoint ?? readVariable(env, "STREAMLIB_BROKER_ENDPOINT");
  const tcp = address !== undefined && !address.startsWith("unix:");
  const verb = proxies.length === 1 ? "is" : "are";
  return note(
    "environment",
    `${own}; ${
      proxies.join(", ")
    } ${verb} set but not used: the library connects to the broker directly`,
    tcp
      ? {
        why: `other gRPC programs may connect to ${address} through the proxy`,
        mend: `export no_proxy=${address.slice(0, address.lastIndexOf(":"))}`,
      }
      : {},
  );
}
