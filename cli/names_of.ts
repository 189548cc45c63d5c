/**
 * The names of the service in the environment of the command line.
 *
 * @module
 */

import type { EnvironmentSource } from "../proto/environment.ts";
import { type Names, names } from "../proto/names.ts";
import type { Console } from "./terminal/console.ts";

/**
 * Returns the names of a service, by default of that which the environment selects.
 * Where XDG_RUNTIME_DIR is not set, its sockets are looked for in the user's directory
 * below `/run/user` too, as hosts do.
 *
 * @throws {BridgeError} as `names` does
 */
export function namesOf(
  console: Pick<Console, "env" | "userRuntime">,
  env: EnvironmentSource = console.env,
  service?: string,
): Names {
  return names(env, {
    userRuntime: () => console.userRuntime,
    ...(service !== undefined && { service }),
  });
}
